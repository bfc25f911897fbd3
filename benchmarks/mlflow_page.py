"""Is a study's prepared page in MLflow there as soon as the plain one? 300 trials, in Chromium, alternately.

    python benchmarks/mlflow_page.py [--trials 300] [--repeats 5]

What counts is the time from entering an address until MLflow's first hundred runs are listed, of the page that
`sparsetune ui STUDY` opens and of MLflow's own (`--plain`). Nothing is trained: made-up trials go through the tracker.
Needs Chromium, and playwright (`pip install -e '.[test]'`).
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

from playwright.sync_api import Page, sync_playwright

from sparsetune.config.messages import Key, Row, Trial
from sparsetune.config.study_file import Objective
from sparsetune.config.winners import best_rows
from sparsetune.tracking.answer import Answer
from sparsetune.tracking.client import connected
from sparsetune.tracking.mlflow import MlflowTracker
from sparsetune.tracking.subject import Subject
from sparsetune.tracking.ui import command, environment
from sparsetune.tracking.view_state import KEY, address

NAME = "page"
ASKED = (Objective(metric="val_accuracy", goal="maximize"), Objective(metric="compute_saved", goal="maximize"))
EPOCHS = 10


def made_up(number: int, random: Random) -> tuple[Trial, tuple[Row, ...]]:
    """A trial with as many numbers as one of AST has."""
    params = {"method.kp": random.random(), "method.ki": random.random(), "training.lr": random.random()}
    config = {name: {"name": kind} for name, kind in (("method", "ast"), ("data", "digits"), ("model", "mlp"))}
    metrics = {each.metric: random.random() for each in ASKED} | {f"m{index}": random.random() for index in range(40)}
    rows = tuple(
        Row(epoch, 1000 * epoch, {**metrics, "val_accuracy": random.random()}) for epoch in range(1, EPOCHS + 1)
    )
    values = tuple(metrics[each.metric] for each in ASKED)
    return Trial(
        number, "COMPLETE", params, config, metrics, values, started_ms=1, ended_ms=9, notes={"split": "0"}
    ), rows


def filled(folder: Path, trials: int) -> tuple[str, str]:
    """MLflow's store with a study of so many; its URI and the experiment's number."""
    uri, random = f"sqlite:///{folder / 'mlflow.db'}", Random(0)
    subject = Subject(NAME, ASKED)
    tracker = MlflowTracker(
        uri, NAME, folder / "artifacts", study=NAME, tags={"sparsetune.study_id": NAME}, warn=sys.exit, subject=subject
    )
    ended = []
    for number in range(trials):
        trial, rows = made_up(number, random)
        tracker.trial_ended(trial, {Key(number): rows}, {})
        ended.append(replace(trial, notes={}))
    won = best_rows(ended, [each.goal for each in ASKED])
    tracker.summarise("FINISHED", Answer({"COMPLETE": trials}, tuple(ended), won, ("method.kp", "method.ki")))
    tracker.close()
    found = connected(uri).get_experiment_by_name(NAME)
    assert found is not None
    return uri, str(found.experiment_id)


@contextmanager
def served(uri: str, folder: Path) -> Iterator[str]:
    """MLflow's UI, as `sparsetune ui` starts it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    silent = subprocess.DEVNULL
    server = subprocess.Popen(
        command(port), cwd=folder, env={**os.environ, **environment(uri)}, stdout=silent, stderr=silent
    )
    base = f"http://127.0.0.1:{port}"
    try:
        while server.poll() is None:
            try:
                urllib.request.urlopen(base, timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
        yield base
    finally:
        server.terminate()
        server.wait()


def seconds(page: Page, url: str, listed: int) -> float:
    """From entering an address until so many runs are listed."""
    page.goto("about:blank")
    began = time.perf_counter()
    page.goto(url)
    page.get_by_text(f"{listed} matching runs").wait_for()
    page.locator(".ag-row").first.wait_for()
    return time.perf_counter() - began


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--trials", type=int, default=300)
    options.add_argument("--repeats", type=int, default=5)
    given = options.parse_args()
    program = shutil.which("chromium") or sys.exit("needs Chromium")
    with tempfile.TemporaryDirectory(prefix="page-") as name:
        folder = Path(name)
        uri, number = filled(folder, given.trials)
        with served(uri, folder) as base, sync_playwright() as play:
            browser = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1500, "height": 1000})
            page.set_default_timeout(120_000)
            pages = {"plain": address(base, number), "prepared": address(base, number, view=KEY)}
            took: dict[str, list[float]] = {kind: [] for kind in pages}
            for repeat in range(given.repeats + 1):
                for kind, url in pages.items():
                    found = seconds(page, url, min(100, given.trials))
                    took[kind] += [found] if repeat else []  # the first visit fills the browser's cache
            browser.close()
    medians = {kind: statistics.median(each) for kind, each in took.items()}
    for kind, each in took.items():
        print(f"{kind:9} {medians[kind]:.2f} s until 100 runs are listed ({min(each):.2f} to {max(each):.2f})")
    print(f"prepared to plain: {medians['prepared'] / medians['plain']:.2f}")


if __name__ == "__main__":
    main()

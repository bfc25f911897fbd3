"""Are trials on a study's prepared page in MLflow as soon as on the plain one? 300 trials, in Chromium, alternately.

    python benchmarks/mlflow_page.py [--trials 300] [--repeats 5]

What counts is the time from entering an address until the first hundred trials stand in the table, as many as MLflow
loads at once: of the page that `sparsetune ui STUDY` opens, and of MLflow's own (`--plain`), where the study's row has
to be opened. Until that row stands there alone, it takes less; that time is printed, too. "Load more" then brings the
rest, as is shown once. Nothing is trained: made-up trials go through the tracker.
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
from typing import NamedTuple

from playwright.sync_api import Page, sync_playwright

from sparsetune.base.messages import Key, Row, Trial
from sparsetune.config.study.file import Objective
from sparsetune.config.study.front import best_rows
from sparsetune.tracking.client import connected
from sparsetune.tracking.mlflow import MlflowTracker
from sparsetune.tracking.page_state import KEY, address
from sparsetune.tracking.subject import Answer, Subject
from sparsetune.tracking.ui import command, environment

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


class Took(NamedTuple):
    """Seconds from entering an address until there are rows, and until so many trials are among them."""

    any_row: float
    trials: float


def visit(page: Page, url: str, trials: int, *, closed: bool) -> Took:
    """Open a page; ``closed``: the trials are behind the study's row."""
    page.goto("about:blank")
    began = time.perf_counter()
    page.goto(url)
    page.get_by_text(f"{trials} matching runs").wait_for()
    rows = page.locator(".ag-center-cols-container .ag-row")
    rows.first.wait_for()
    first = time.perf_counter() - began
    opener = page.locator(".ag-row button").first
    if closed:
        opener.click()
    rows.nth(trials - 1).wait_for(state="attached")
    there = time.perf_counter() - began
    if closed:
        opener.click()  # the page remembers
        rows.nth(trials - 1).wait_for(state="detached")
    return Took(first, there)


def load_all(page: Page, trials: int) -> int:
    """Ask for more until all trials are listed, of which there are over a hundred; how often that took."""
    wanted = [*range(200, trials, 100), trials]
    for listed in wanted:
        page.locator(".ag-body-viewport").evaluate("table => table.scrollTop = table.scrollHeight")
        page.get_by_role("button", name="Load more").click()
        page.get_by_text(f"{listed} matching runs").wait_for()
    return len(wanted)


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
            pages = {"plain": address(base, number), "prepared": address(base, number, key=KEY)}
            took: dict[str, list[Took]] = {kind: [] for kind in pages}
            for repeat in range(given.repeats + 1):
                for kind, url in pages.items():
                    found = visit(page, url, min(100, given.trials), closed=kind == "plain")
                    took[kind] += [found] if repeat else []  # the first visit fills the browser's cache
            times = load_all(page, given.trials) if given.trials > 100 else 0
            print(f'"Load more" brings all {given.trials} trials after {times} times')
            browser.close()
    for kind, each in took.items():
        first, there = (statistics.median(column) for column in zip(*each, strict=True))
        spread = f"{min(each)[1]:.2f} to {max(each)[1]:.2f}"
        print(f"{kind:9} {there:.2f} s until {min(100, given.trials)} trials are there ({spread}); rows {first:.2f} s")
    plain, prepared = (statistics.median(each.trials for each in took[kind]) for kind in ("plain", "prepared"))
    print(f"prepared to plain: {prepared / plain:.2f}")


if __name__ == "__main__":
    main()

"""Where does a trial's time go? The study of ``harness_overhead.py``, with clocks around its pieces.

    python benchmarks/harness_profile.py [--trials 64]

Two workers, one report a trial. A worker's round is its training and the time until its next job begins; within that
lie what the driver does and what Ray's Tune needs to carry a result and a job. MLflow is written from a thread of the
driver while workers train; on a machine with as many processors as workers it takes time from them.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from harness_overhead import COUNT, FIRST, STUDY

Event = tuple[str, int, float, float]  # what, in which process, from, to


def timed(owner: Any, name: str, log: Path) -> None:
    """Let a method write down when it began and ended."""
    method = getattr(owner, name)

    @functools.wraps(method)
    def call(*arguments: Any, **named: Any) -> Any:
        began = time.time()
        try:
            return method(*arguments, **named)
        finally:
            with log.open("a") as file:  # a line at a time: several processes write
                file.write(json.dumps([name, os.getpid(), began, time.time()]) + "\n")

    setattr(owner, name, call)


def instrumented(log: Path) -> Any:
    """The command line with clocks in it."""
    from sparsetune.cli import main
    from sparsetune.drive.driver import Driver
    from sparsetune.execution import ray_tune, ray_workers
    from sparsetune.search.ledger import Ledger
    from sparsetune.tracking.mlflow import MlflowTracker

    class Worker(ray_workers.Worker):
        """Reaches the worker processes by value, clocks included."""

        def step(self) -> dict[str, Any]:
            began = time.time()
            result = super().step()
            with log.open("a") as file:
                file.write(json.dumps(["step", os.getpid(), began, time.time()]) + "\n")
            return result

    vars(ray_tune)["Worker"] = Worker
    for owner, name in (
        (Driver, "next_job"),
        (Driver, "receive"),
        (Ledger, "ask"),
        (Ledger, "tell"),
        (MlflowTracker, "trial_ended"),
    ):
        timed(owner, name, log)
    return main


def show(events: list[Event]) -> None:
    """Medians in milliseconds of the trials after the first ones."""
    by_name: dict[str, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event[3]):
        by_name[event[0]].append(event)
    took = {name: 1e3 * statistics.median(e[3] - e[2] for e in found[FIRST:]) for name, found in by_name.items()}
    workers: dict[int, list[Event]] = defaultdict(list)
    for event in by_name["step"][FIRST:]:
        workers[event[1]].append(event)
    pairs = [pair for steps in workers.values() for pair in pairwise(steps)]
    waits = 1e3 * statistics.median(later[2] - before[3] for before, later in pairs)
    carried = waits - took["receive"] - took["next_job"]
    print(f"a worker's round                     {took['step'] + waits:6.0f} ms")
    print(f"  its training, evaluation, files    {took['step']:6.0f} ms")
    print(f"  its wait for the next job          {waits:6.0f} ms, of it")
    print(f"    the end is stored                {took['receive']:6.0f} ms (Optuna's storage {took['tell']:.0f})")
    print(f"    the next trial is drawn          {took['next_job']:6.0f} ms (Optuna {took['ask']:.0f})")
    print(f"    Ray Tune, and the other worker   {carried:6.0f} ms")
    print(f"MLflow, in the driver's thread       {took['trial_ended']:6.0f} ms")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--trials", type=int, default=64)
    given = options.parse_args()
    os.environ |= {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)  # workers find this file's imports
    with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
        os.chdir(folder)
        Path("search_spaces").mkdir()
        Path("overhead.yaml").write_text(STUDY % ("dense", given.trials))
        log = Path(folder, "events.jsonl")
        sys.argv = ["sparsetune", "study", "overhead.yaml", "--workers", str(COUNT)]
        try:
            instrumented(log)()
        except SystemExit as ended:
            if ended.code:
                raise
        print()
        show([tuple(json.loads(line)) for line in log.read_text().splitlines()])
        os.chdir("/")


if __name__ == "__main__":
    main()

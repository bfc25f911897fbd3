"""The probing process: trains configs as a worker does, driver and files included, and prints one JSON line an event.

The first config is trained twice: what the first use of everything costs is the worker's, not a trial's.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from math import ceil, isnan, nan
from pathlib import Path
from typing import Any

import torch

from sparsetune.app.forecast.course import Course, course_of
from sparsetune.app.forecast.estimate import Probed
from sparsetune.app.forecast.machine import peak_memory
from sparsetune.app.forecast.probe import Order, Process, Say
from sparsetune.app.forecast.watch import Watch
from sparsetune.app.parts import train_and_draw
from sparsetune.base.messages import Branch, Key, OwnFile, Run
from sparsetune.base.paths import ERROR_FILE
from sparsetune.config.overrides import assign
from sparsetune.config.study.objectives import scored
from sparsetune.drive.driver import Driver
from sparsetune.drive.single import SingleTrial
from sparsetune.execution.in_process import InProcess
from sparsetune.measures.cost import Cost
from sparsetune.training.left import checkpoint
from sparsetune.training.left.saved import CHECKPOINT
from sparsetune.training.registries import registries_of

WARM_SECONDS = 1.0
_SAVE_EVERY = "0.05s"  # often enough to see a checkpoint grow, rarely enough not to be what is measured


def main() -> None:
    """Do what the file that the second argument names orders."""
    events = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever libraries print is no event

    def tell(**event: Any) -> None:
        events.write(json.dumps(event) + "\n")

    file = Path(sys.argv[2])
    order = Order(**json.loads(file.read_text()))
    if order.as_ray:
        import sparsetune.execution.ray_tune  # noqa: F401  # a worker has it loaded too
    warm = measure(order, order.configs[0], WARM_SECONDS, file.parent / "warm", lambda text: None)
    tell(trained_seconds=warm.epochs * warm.epoch_seconds)
    gc.collect()  # or the first trial pays for going through what the imports have left
    count = len(order.configs)
    end = time.perf_counter() + order.seconds
    for index, config in enumerate(order.configs):
        left = end - time.perf_counter()
        if index and left <= 0:
            break
        name = f"config {index + 1} of {count}"
        tell(doing=name)
        seconds = max(left, WARM_SECONDS) / (count - index)
        probed = measure(order, config, seconds, file.parent / str(index), partial(_say, tell, name))
        tell(probed=asdict(probed))
    tell(process=asdict(_process()))


def _say(tell: Callable[..., None], name: str, text: str) -> None:
    tell(doing=f"{name}, {text}")


def measure(order: Order, config: dict[str, Any], seconds: float, folder: Path, say: Say) -> Probed:
    """Train a config for so many seconds of training, or to its end; its files stay in ``folder``.

    An epoch may be cut short; the evaluation after it, and that on test data, are not.
    """
    minutes = config["training"]["max_minutes"]
    limit = None if minutes is None else 60 * minutes
    own_limit = limit is not None and limit <= seconds
    if not own_limit:
        config = assign(config, {"training.max_minutes": seconds / 60})
    watch = Watch(folder / "00000" / CHECKPOINT, say)
    own = tuple(OwnFile(**each) for each in order.imports)
    book = SingleTrial(config, tuple(Branch(**each) for each in order.branches))
    driver = Driver(
        book,
        (watch,),
        folder=folder,
        objectives=(),  # a trial that is cut short may lack what a whole one has
        job_options={
            "cpus": order.cpus,
            "report_every": "1ep",
            "checkpoint_every": _SAVE_EVERY,
            "imports": own,
            "figures": order.figures,
        },
        score=scored(order.scores),
        localise=lambda found: found,
        kept=lambda number: False,
    )
    started = time.perf_counter()
    InProcess().run(driver, train_and_draw)
    wall = time.perf_counter() - started
    if book.trial.state != "COMPLETE":
        raised = (folder / "00000" / ERROR_FILE).exists() and not book.trial.reason.startswith("out of memory")
        return Probed(book.trial.reason or driver.trouble, fault=raised and (own_limit or wall < seconds))
    trained = 60 * watch.rows[-1].metrics["time_min"]
    ended = own_limit or trained < seconds
    judged = (*order.objectives, *order.further.get(config["method"]["name"], ()))
    lacks = _lacking(book.trial.runs, judged)
    missing = [name for name in lacks if not any(name in run.metrics for run in book.trial.runs)]
    if ended and missing:
        return Probed(f"the trial gave no {', '.join(missing)}", lacks=lacks)
    rows = len(watch.rows)
    extent: dict[str, Any] = {"epochs": float(rows), "planned": rows, "epoch_seconds": trained / rows}
    course = course_of(config, order.branches, registries_of(own))
    if not ended:
        extent |= _cut_short(course, watch, folder / "00000" / CHECKPOINT)
    return Probed(
        ended=ended,
        rows=rows,
        limit_seconds=limit,
        fixed_seconds=max(0.0, wall - trained - len(watch.sizes) * watch.save_seconds),
        save_seconds=watch.save_seconds,
        metrics=len(watch.rows[-1].metrics),
        files=_sizes(driver.folders.files(book.trial)),
        checkpoint_bytes=watch.checkpoint_bytes,
        checkpoint_growth=watch.checkpoint_growth,
        lacks=lacks,
        stages=course.stages,
        open=course.open,
        ends_bytes=watch.ends_bytes,
        **extent,
    )


def _lacking(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    """What the trial has no number of; of a fork nothing, where one branch has all."""
    lacking = [[name for name in names if isnan(run.metrics.get(name, nan))] for run in runs]
    return list(dict.fromkeys(name for each in lacking for name in each)) if all(lacking) else []


def _sizes(files: Mapping[Key, Mapping[str, Path]]) -> dict[str, int]:
    """Bytes by name, of all branches together."""
    found: dict[str, int] = {}
    for of_run in files.values():
        for name, path in of_run.items():
            found[name] = found.get(name, 0) + path.stat().st_size
    return found


def _cut_short(course: Course, watch: Watch, path: Path) -> dict[str, Any]:
    """How far it got, and the time of a whole epoch, when the last one may be a part of one."""
    found: dict[str, Any] = {"planned": ceil(course.epochs)}
    steps = course.steps
    rows = len(watch.rows)
    saved = checkpoint.load(path)
    if saved is not None and (state := saved["training"]) and _rows_in(state) == rows:
        cost = Cost(**state["live"]["cost"])
        evaluation = (cost.seconds - cost.step_seconds) / rows
        found["epochs"] = cost.steps / steps
        found["epoch_seconds"] = steps * cost.step_seconds / cost.steps + evaluation
    elif rows > 1:
        found["epochs"] = float(rows - 1)
        found["epoch_seconds"] = 60 * watch.rows[-2].metrics["time_min"] / (rows - 1)
    return found


def _rows_in(state: Mapping[str, Any]) -> int:
    """Rows of the first view of a training's saved state, whose first stage was cut short."""
    return int(next(iter(state["journal"]["written"].values()))["rows"])


def _process() -> Process:
    """What this process has cost so far; its start is known to the one that started it."""
    if not torch.cuda.is_initialized():
        return Process(peak_bytes=peak_memory(), device="cpu")
    free, _ = torch.cuda.mem_get_info()
    return Process(
        peak_bytes=peak_memory(),
        device=torch.cuda.get_device_name(),
        gpu_peak_bytes=torch.cuda.max_memory_reserved(),
        gpu_free_bytes=free + torch.cuda.memory_reserved(),
    )

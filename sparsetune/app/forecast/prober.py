"""The probing process: trains configs as a worker does, by the driver of every run, and tells who asked what they cost.

The first config is trained twice: what the first use of everything costs is the worker's, not a trial's.
"""

from __future__ import annotations

import gc
import os
import shutil
import threading
import time
from collections.abc import Sequence
from math import ceil, isnan, nan
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from sparsetune.app.forecast.course import course_of
from sparsetune.app.forecast.estimate import Probed
from sparsetune.app.forecast.machine import peak_memory
from sparsetune.app.forecast.probe import Order, Process, Say
from sparsetune.app.forecast.watch import Watch
from sparsetune.app.parts import run_alone
from sparsetune.base.messages import Row, Run
from sparsetune.base.paths import ERROR_FILE
from sparsetune.config.overrides import assign
from sparsetune.config.study.objectives import scored
from sparsetune.drive.book import SingleTrial
from sparsetune.training.left.saved import CHECKPOINT
from sparsetune.training.registries import registries_of

WARM_SECONDS = 1.0
_SAVE_EVERY = "0.05s"  # often enough to see a checkpoint, rarely enough not to be what is measured


def main(asking: Connection) -> None:
    """Do what the one who asks orders."""
    order, folder = asking.recv()
    threading.Thread(target=_end_when_alone, args=(asking, folder), daemon=True).start()
    if order.as_ray:
        import sparsetune.execution.ray_tune  # noqa: F401  # a worker has it loaded too
    warm = measure(order, order.configs[0], WARM_SECONDS, Path(folder, "warm"), lambda text: None)
    asking.send(warm.epochs * warm.epoch_seconds)
    gc.collect()  # or the first trial pays for going through what the imports have left
    count = len(order.configs)
    end = time.perf_counter() + order.seconds
    for index, config in enumerate(order.configs):
        left = end - time.perf_counter()
        if index and left <= 0:
            break
        name = f"config {index + 1} of {count}"
        asking.send(name)
        seconds = max(left, WARM_SECONDS) / (count - index)

        def say(text: str, name: str = name) -> None:
            asking.send(f"{name}, {text}")

        asking.send(measure(order, config, seconds, Path(folder, str(index)), say))
    asking.send(_process())


def _end_when_alone(asking: Connection, folder: str) -> None:
    """Who asks says no more, so that this ends with its process."""
    try:
        asking.recv()
    except (EOFError, OSError):
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)


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
    book = SingleTrial(config, order.branches)
    started = time.perf_counter()
    driver = run_alone(
        book,
        (watch,),
        folder=folder,
        job_options={**order.job_options, "report_every": "1ep", "checkpoint_every": _SAVE_EVERY},
        score=scored(order.job_options["scores"]),
    )
    wall, trial = time.perf_counter() - started, book.trial
    if trial.state != "COMPLETE":
        raised = (folder / "00000" / ERROR_FILE).exists() and not trial.reason.startswith("out of memory")
        return Probed(trial.reason or driver.trouble, fault=raised and (own_limit or wall < seconds))
    rows = watch.rows
    trained = 60 * rows[-1].metrics["time_min"]
    ended = own_limit or trained < seconds
    lacks = _lacking(trial.runs, (*order.judged, *order.further.get(config["method"]["name"], ())))
    missing = [name for name in lacks if not any(name in run.metrics for run in trial.runs)]
    if ended and missing:
        return Probed(f"the trial gave no {', '.join(missing)}", lacks=lacks)
    save_seconds = mean(watch.saving) if watch.saving else 0.0
    course = course_of(config, order.branches, registries_of(order.job_options["imports"]))
    epochs, epoch_seconds = _cut_short(rows, course.steps) if not ended else (float(len(rows)), trained / len(rows))
    return Probed(
        ended=ended,
        epochs=epochs,
        rows=len(rows),
        planned=len(rows) if ended else ceil(course.epochs),
        limit_seconds=limit,
        epoch_seconds=epoch_seconds,
        fixed_seconds=max(0.0, wall - trained - watch.saves * save_seconds),
        save_seconds=save_seconds,
        metrics=len(rows[-1].metrics),
        files=watch.sizes,
        checkpoint_bytes=watch.checkpoint_bytes,
        checkpoint_growth=watch.record_bytes / len(rows),
        lacks=lacks,
        stages=course.stages,
        open=course.open,
        ends_bytes=watch.ends_bytes,
    )


def _lacking(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    """What the trial has no number of; of a fork nothing, where one branch has all."""
    lacking = [[name for name in names if isnan(run.metrics.get(name, nan))] for run in runs]
    return list(dict.fromkeys(name for each in lacking for name in each)) if all(lacking) else []


def _cut_short(rows: Sequence[Row], steps: int) -> tuple[float, float]:
    """How many epochs of so many steps were trained, and the time of a whole one; the last may be a part of one."""
    before = [0, *(row.iterations for row in rows)]
    pairs = zip(rows, before, strict=False)
    stepping = sum(row.metrics["step_time_ms"] * (row.iterations - earlier) for row, earlier in pairs) / 1e3
    evaluating = 60 * rows[-1].metrics["time_min"] - stepping
    return before[-1] / steps, steps * stepping / before[-1] + evaluating / len(rows)


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

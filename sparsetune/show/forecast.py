"""A forecast in words: what was measured, then what follows from it for time, memory and disk."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from sparsetune.app.forecast.estimate import Spread
from sparsetune.app.forecast.study import Forecast
from sparsetune.base.layout.text import duration, size
from sparsetune.config.study.study import Study

_MOST = 8  # stages
_WIDTH = 66  # letters behind a label


def forecast_lines(study: Study, found: Forecast) -> Iterator[str]:
    """The lines; none but reasons of failures is too long for a terminal of 80 columns."""
    if found.ended:
        yield f"{_count(found.ended, 'trial')} ended before, {found.left} left of a budget of {study.budget.trials}"
    if found.nothing:
        yield f"no forecast: {found.nothing}"
        return
    yield from _probes(study, found)
    if not found.costs:
        yield "no forecast: no probed config came through"
        return
    yield ""
    yield "forecast, an estimate from these"
    yield from _labelled("stages", _stages(found))
    yield from _labelled("time", _time(study, found))
    yield from _labelled("memory", _memory(found))
    yield from _labelled("disk", _disk(study, found))


def _probes(study: Study, found: Forecast) -> Iterator[str]:
    threads = _count(study.resources.cpus, "thread")
    yield f"probe: configs trained for seconds on {found.process.device or 'this machine'}, {threads}"
    yield "  config       epochs   an epoch  set-up, files  whole trial"
    costs = iter(found.costs)
    for number, each in enumerate(found.probed, start=1):
        if each.reason:
            yield f"  {number:>6}  failed: {each.reason}"
            continue
        epochs = f"{each.epochs:.3g} of {each.planned}"
        one, fixed, whole = map(duration, (each.epoch_seconds, each.fixed_seconds, next(costs).seconds))
        yield f"  {number:>6} {epochs:>12} {one:>10} {fixed:>14} {whole:>12}"
    if len(found.probed) < found.configs:
        yield f"  the time was up before the other {found.configs - len(found.probed)}"


def _stages(found: Forecast) -> Iterator[str]:
    """Of the first config whose training has several: which share each is."""
    several = next((each for each in found.probed if each.stages), None)
    if several is None:
        return
    shown = [f"{name} {share:.0%}" for name, share in several.stages if share]
    more = [f"and {len(shown) - _MOST} more"] if len(shown) > _MOST else []
    yield f"{_count(len(several.stages), 'stage')} of all branches together, each trained once"
    yield from textwrap.wrap(", ".join([*shown[:_MOST], *more]), _WIDTH)
    if several.open:
        yield "at most: a rule may end some of them sooner"


def _labelled(label: str, lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield f"  {label:<7} {line}"
        label = ""


def _time(study: Study, found: Forecast) -> Iterator[str]:
    trial, wall = found.trial_seconds, found.wall_seconds
    assert trial is not None
    many = f"{_count(found.left, 'trial')} x {duration(trial.mean)}"
    if wall is not None:
        yield f"{many} / {_count(found.room.workers or 1, 'worker')}: about {duration(wall.mean)}"
        yield from _range(wall)
    else:
        work = trial.each(lambda seconds: found.left * seconds)
        yield f"{many}: about {duration(work.mean)} of work for the cluster's workers together"
        yield from _range(work)
    sooner = " and ".join(_sooner(study))
    if sooner:
        yield f"{sooner} may end trials sooner"
    yield f"on top: {duration(found.process.start_seconds)} to start, tenths of a second a trial to store results"
    if not found.room.in_process:
        yield "and with Ray its own start, and workers that slow each other down"


def _range(total: Spread) -> Iterator[str]:
    low, high = duration(total.low), duration(total.high)
    if low != high:
        yield f"{low} to {high} if all were like the cheapest or the dearest"


def _sooner(study: Study) -> Iterator[str]:
    if study.prunes:
        yield f"the {study.pruner.name} pruner"
    patience = "training.early_stop_patience"
    if study.trial.training.early_stop_patience is not None or patience in study.space.parameters:
        yield "early stopping"


def _memory(found: Forecast) -> Iterator[str]:
    peak, free = found.process.peak_bytes, found.free_memory
    if peak is None:
        yield "not known: the process died"
    elif found.running is None:
        yield f"{size(peak)} a worker"
    else:
        need = found.running * peak
        known = "" if free is None else f"; free: {size(free)}"
        yield f"{_count(found.running, 'worker')} x {size(peak)} = {size(need)}, and the study itself{known}"
        if free is not None and need > free:
            fitting = free // peak
            yield f"warning: does not fit; use --workers {fitting}" if fitting else "warning: not one fits"
    if found.process.gpu_peak_bytes is not None and found.process.gpu_free_bytes is not None:
        yield from _gpu_memory(found.process.gpu_peak_bytes, found.process.gpu_free_bytes, found.room.gpus)


def _gpu_memory(peak: int, free: int, gpus: float) -> Iterator[str]:
    packed = int(1 / gpus + 1e-9) if 0 < gpus < 1 else 1
    need = packed * peak
    yield f"on a GPU: {_count(packed, 'trial')} x {size(peak)} and a CUDA context; free: {size(free)}"
    if need > free:
        yield "warning: does not fit; a larger resources.gpus packs fewer on one"


def _disk(study: Study, found: Forecast) -> Iterator[str]:
    files, numbers = (max(getattr(cost, name) for cost in found.costs) for name in ("left_bytes", "stored_bytes"))
    total = size(found.left * (files + numbers))
    where = " on the tracking server" if found.remote else ""
    yield f"{_count(found.left, 'trial')} x ({size(files)} of files, {size(numbers)} of numbers) = {total}{where}"
    yield f"checkpoint of a running trial: {size(max(cost.checkpoint_bytes for cost in found.costs))}"
    kept = max((each.ends_bytes for each in found.probed), default=0)
    if kept:
        yield f"and beside it, for stages to come: {size(kept)}"
    for disk in found.disks:
        root = study.project.root
        folder = disk.folder.relative_to(root) if disk.folder.is_relative_to(root) else disk.folder
        yield f"in {folder}: {size(disk.need)}; free: {size(disk.free)}"
        if disk.need > disk.free:
            yield "warning: does not fit"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"

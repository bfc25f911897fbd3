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


def forecast_lines(study: Study, forecast: Forecast) -> Iterator[str]:
    """The lines; none but reasons of failures is too long for a terminal of 80 columns."""
    if forecast.ended:
        before = f"{_count(forecast.ended, 'trial')} ended before"
        yield f"{before}, {forecast.left} left of a budget of {study.budget.trials}"
    if forecast.nothing:
        yield f"no forecast: {forecast.nothing}"
        return
    yield from _probes(study, forecast)
    if not forecast.costs:
        yield "no forecast: no probed config came through"
        return
    yield ""
    yield "forecast, an estimate from these"
    yield from _labelled("stages", _stages(forecast))
    yield from _labelled("time", _time(study, forecast))
    yield from _labelled("memory", _memory(forecast))
    yield from _labelled("disk", _disk(study, forecast))


def _probes(study: Study, forecast: Forecast) -> Iterator[str]:
    threads = _count(study.resources.cpus, "thread")
    yield f"probe: configs trained for seconds on {forecast.process.device or 'this machine'}, {threads}"
    yield "  config       epochs   an epoch  set-up, files  whole trial"
    costs = iter(forecast.costs)
    for number, each in enumerate(forecast.probed, start=1):
        if each.reason:
            yield f"  {number:>6}  failed: {each.reason}"
            continue
        epochs = f"{each.epochs:.3g} of {each.planned}"
        one, fixed, whole = map(duration, (each.epoch_seconds, each.fixed_seconds, next(costs).seconds))
        yield f"  {number:>6} {epochs:>12} {one:>10} {fixed:>14} {whole:>12}"
    if len(forecast.probed) < forecast.configs:
        yield f"  the time was up before the other {forecast.configs - len(forecast.probed)}"


def _stages(forecast: Forecast) -> Iterator[str]:
    """Of the first config whose training has several: which share each is."""
    several = next((each for each in forecast.probed if each.stages), None)
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


def _time(study: Study, forecast: Forecast) -> Iterator[str]:
    trial, wall = forecast.trial_seconds, forecast.wall_seconds
    assert trial is not None
    many = f"{_count(forecast.left, 'trial')} x {duration(trial.mean)}"
    if wall is not None:
        yield f"{many} / {_count(forecast.room.workers or 1, 'worker')}: about {duration(wall.mean)}"
        yield from _range(wall)
    else:
        work = trial.each(lambda seconds: forecast.left * seconds)
        yield f"{many}: about {duration(work.mean)} of work for the cluster's workers together"
        yield from _range(work)
    sooner = " and ".join(_sooner(study))
    if sooner:
        yield f"{sooner} may end trials sooner"
    yield f"on top: {duration(forecast.process.start_seconds)} to start, tenths of a second a trial to store results"
    if not forecast.room.in_process:
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


def _memory(forecast: Forecast) -> Iterator[str]:
    peak, free = forecast.process.peak_bytes, forecast.free_memory
    if peak is None:
        yield "not known: the process died"
    elif forecast.at_once is None:
        yield f"{size(peak)} a worker"
    else:
        need = forecast.at_once * peak
        room = "" if free is None else f"; free: {size(free)}"
        yield f"{_count(forecast.at_once, 'worker')} x {size(peak)} = {size(need)}, and the study itself{room}"
        if free is not None and need > free:
            fitting = free // peak
            yield f"warning: does not fit; use --workers {fitting}" if fitting else "warning: not one fits"
    if forecast.process.gpu_peak_bytes is not None and forecast.process.gpu_free_bytes is not None:
        yield from _gpu_memory(forecast.process.gpu_peak_bytes, forecast.process.gpu_free_bytes, forecast.room.gpus)


def _gpu_memory(peak: int, free: int, gpus: float) -> Iterator[str]:
    packed = int(1 / gpus + 1e-9) if 0 < gpus < 1 else 1
    need = packed * peak
    yield f"on a GPU: {_count(packed, 'trial')} x {size(peak)} and a CUDA context; free: {size(free)}"
    if need > free:
        yield "warning: does not fit; a larger resources.gpus packs fewer on one"


def _disk(study: Study, forecast: Forecast) -> Iterator[str]:
    files, numbers = (max(getattr(cost, name) for cost in forecast.costs) for name in ("left_bytes", "stored_bytes"))
    total = size(forecast.left * (files + numbers))
    where = " on the tracking server" if forecast.remote else ""
    yield f"{_count(forecast.left, 'trial')} x ({size(files)} of files, {size(numbers)} of numbers) = {total}{where}"
    yield f"checkpoint of a running trial: {size(max(cost.checkpoint_bytes for cost in forecast.costs))}"
    kept = max((each.ends_bytes for each in forecast.probed), default=0)
    if kept:
        yield f"and beside it, for stages to come: {size(kept)}"
    for disk in forecast.disks:
        root = study.project.root
        folder = disk.folder.relative_to(root) if disk.folder.is_relative_to(root) else disk.folder
        yield f"in {folder}: {size(disk.need)}; free: {size(disk.free)}"
        if disk.need > disk.free:
            yield "warning: does not fit"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"

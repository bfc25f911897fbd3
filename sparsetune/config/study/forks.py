"""``fork: {method.mc_samples: [1, 5, 10]}``: one training, and a row for each value of what matters only late."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from sparsetune.base.durations import Duration
from sparsetune.base.errors import BadInput, shown, unknown
from sparsetune.base.messages import Branch
from sparsetune.config.base import EVALUATION, needed_by, phase_of
from sparsetune.config.overrides import assign, flatten
from sparsetune.config.registry import Registries
from sparsetune.config.schedules import Cosine, OneCycle
from sparsetune.config.trial import TrialConfig, resolve_trial


def branches_of(fork: Mapping[str, Sequence[Any]]) -> tuple[Branch, ...]:
    """All combinations of the values, the last name's varying fastest; one nameless branch without a fork."""
    if not fork:
        return (Branch(),)
    short = {name: name.rpartition(".")[2] for name in fork}
    combined = itertools.product(*fork.values())
    points = [dict(zip(fork, values, strict=True)) for values in combined]
    return tuple(Branch(" ".join(f"{short[name]}={value}" for name, value in point.items()), point) for point in points)


def check_fork(
    fork: Mapping[str, Any], bases: Mapping[str, TrialConfig], varied: Sequence[str], known: Registries, source: object
) -> None:
    """Raise :class:`BadInput` for what cannot be forked, and for values that the config does not take.

    Args:
        bases: the config of each choice of a method.
        varied: names that the space sets.
    """
    for name, values in fork.items():
        key = f"fork.{name}"
        if not isinstance(values, list | tuple) or not values:
            raise BadInput(f"found {shown(values)}, allowed: a list of values", source=source, key=key)
        if len({repr(value) for value in values}) < len(values):
            raise BadInput(f"found {shown(values)}, allowed: each value once", source=source, key=key)
        if name in varied:
            raise BadInput("varied by the space too; remove one", source=source, key=key)
        for base in bases.values():
            _check_late(name, base, known, source, key)
    timed = "training.max_minutes" in varied or any(base.training.max_minutes is not None for base in bases.values())
    if fork and timed:
        problem = "a fork evaluates all its branches while the clock runs, so each would train less than by itself"
        raise BadInput(f"{problem}; allowed: training.max_minutes without a fork", source=source, key="fork")
    patient = "training.early_stop_patience" in varied
    for base in bases.values():
        if patient or base.training.early_stop_patience is not None:
            _check_one_end(fork, base, known, source)
        configs = []
        for branch in branches_of(fork):
            try:
                configs.append(resolve_trial(assign(base.plain(), branch.values), known))
            except BadInput as error:
                raise BadInput(error.problem, source=source, key=f"fork.{error.key}") from None
        _check_one_length(configs, known, source)
        for name in fork:
            _check_effect(name, base, varied, known, source)


def _check_late(name: str, base: TrialConfig, known: Registries, source: object, key: str) -> None:
    method = known.method.get(base.method.name)
    phases = {f"method.{each}": phase_of(method.Config, each) for each in method.Config.model_fields}
    late = [each for each, phase in phases.items() if phase in (EVALUATION, *method.phases[1:])]
    if name not in phases and any(f"{each}.".startswith(f"{name}.") for each in flatten(base.plain())):
        problem = f"{name!r} matters from the start of a training, so nothing could be shared; let the space vary it"
        raise BadInput(problem, source=source, key=key)
    if name not in phases:
        problem = unknown("name", name, late).replace("(allowed", f"(allowed for {base.method.name!r}")
        raise BadInput(problem, source=source, key=key)
    if name not in late:
        first = f"phase {phases[name] or method.phases[0]!r}, the first of {base.method.name!r}"
        raise BadInput(
            f"{name!r} matters from {first}, so nothing could be shared; let the space vary it "
            f"(what can be forked: {', '.join(late) or 'nothing'})",
            source=source,
            key=key,
        )


def _check_effect(name: str, base: TrialConfig, varied: Sequence[str], known: Registries, source: object) -> None:
    """Rows that are all alike tell nothing."""
    needed = needed_by(known.method.get(base.method.name).Config, name.partition(".")[2])
    if needed and not getattr(base.method, needed) and f"method.{needed}" not in varied:
        problem = f"changes nothing while method.{needed} is {getattr(base.method, needed)}"
        raise BadInput(
            f"{problem}; allowed: with a larger one, or one that the space varies", source=source, key=f"fork.{name}"
        )


def _check_one_end(fork: Mapping[str, Sequence[Any]], base: TrialConfig, known: Registries, source: object) -> None:
    """Where patience ends a phase, what differs in evaluation only must end it alike, for all go on from there."""
    method = known.method.get(base.method.name)
    for name, values in fork.items():
        of_evaluation = phase_of(method.Config, name.partition(".")[2]) == EVALUATION
        if len(method.phases) > 1 and len(values) > 1 and of_evaluation:
            problem = f"patience may end a phase of {base.method.name!r} in another epoch for each value, and the next "
            problem += "phase is trained once for all; allowed: no training.early_stop_patience, or one value"
            raise BadInput(problem, source=source, key=f"fork.{name}")


def _check_one_length(configs: Sequence[TrialConfig], known: Registries, source: object) -> None:
    """A schedule that spans the plan runs otherwise from the first epoch on where the plan is longer."""
    schedule = configs[0].training.schedule
    if len(configs) == 1 or not isinstance(schedule, Cosine | OneCycle):
        return
    method = known.method.get(configs[0].method.name)
    lengths = [_ways(method.tree(config.method, config.training)) for config in configs]
    if len({*lengths}) > 1:
        said = ", ".join(dict.fromkeys(" + ".join(map(str, each[0])) for each in lengths))
        problem = f"trainings of {said}, and schedule {schedule.name} spans all of one"
        raise BadInput(f"{problem}; allowed in a fork: schedule constant or step", source=source, key="fork")


def _ways(stage: Any) -> tuple[tuple[Duration, ...], ...]:
    """The durations of the stages on each way through a tree."""
    further = [way for child in stage.then for way in _ways(child)] or [()]
    return tuple((stage.duration, *way) for way in further)

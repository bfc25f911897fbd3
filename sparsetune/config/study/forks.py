"""``fork: {method.mc_samples: [1, 5, 10]}``: one training, and a row for each value of what matters only late."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sparsetune.base.durations import Duration
from sparsetune.base.errors import BadInput, shown
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
    fork: Mapping[str, Any], bases: Mapping[str, TrialConfig], varied: Collection[str], registries: Registries
) -> None:
    """Raise :class:`BadInput` for what cannot be forked, and for values that the config does not take.

    Args:
        bases: the config of each choice of a method.
        varied: names that the space sets.
    """
    if not fork:
        return
    for name, values in fork.items():
        key = f"fork.{name}"
        if not isinstance(values, list | tuple) or not values:
            raise BadInput(found=shown(values), allowed="a list of values", key=key)
        if len({repr(value) for value in values}) < len(values):
            raise BadInput(found=shown(values), allowed="each value once", key=key)
        if name in varied:
            raise BadInput("varied by the space too; remove one", key=key, code="conflict")
        for base in bases.values():
            _check_late(name, base, registries.method.get(base.method.name))
    if "training.max_minutes" in varied or any(base.training.max_minutes is not None for base in bases.values()):
        problem = "a fork evaluates all its branches while the clock runs, so each would train less than by itself"
        raise BadInput(problem, allowed="training.max_minutes without a fork", key="fork", code="conflict")
    for base in bases.values():
        method = registries.method.get(base.method.name)
        if "training.early_stop_patience" in varied or base.training.early_stop_patience is not None:
            _check_one_end(fork, base, method)
        configs = []
        for branch in branches_of(fork):
            try:
                configs.append(resolve_trial(assign(base.plain(), branch.values), registries))
            except BadInput as error:
                key = f"fork.{error.key}" if error.key in branch.values else error.key
                raise error.at(key=key) from None
        _check_one_length(configs, method)
        for name in fork:  # rows that are all alike tell nothing
            needed = needed_by(method.Config, name.partition(".")[2])
            if needed and not getattr(base.method, needed) and f"method.{needed}" not in varied:
                problem = f"changes nothing while method.{needed} is {getattr(base.method, needed)}"
                allowed = "with a larger one, or one that the space varies"
                raise BadInput(problem, allowed=allowed, key=f"fork.{name}")


def _check_late(name: str, base: TrialConfig, method: Any) -> None:
    key = f"fork.{name}"
    phases = {f"method.{each}": phase_of(method.Config, each) for each in method.Config.model_fields}
    late = [each for each, phase in phases.items() if phase in (EVALUATION, *method.phases[1:])]
    let = "so nothing could be shared; let the space vary it"
    if name not in phases and any(f"{each}.".startswith(f"{name}.") for each in flatten(base.plain())):
        raise BadInput(f"{name!r} matters from the start of a training, {let}", key=key)
    if name not in phases:
        raise BadInput.unknown("name", name, late, key=key).at(more=f", for {base.method.name!r}")
    if name not in late:
        first = f"phase {phases[name] or method.phases[0]!r}, the first of {base.method.name!r}"
        forkable = f"(what can be forked: {', '.join(late) or 'nothing'})"
        raise BadInput(f"{name!r} matters from {first}, {let} {forkable}", key=key)


def _check_one_end(fork: Mapping[str, Sequence[Any]], base: TrialConfig, method: Any) -> None:
    """Where patience ends a phase, what differs in evaluation only must end it alike, for all go on from there."""
    for name, values in fork.items():
        of_evaluation = phase_of(method.Config, name.partition(".")[2]) == EVALUATION
        if len(method.phases) > 1 and len(values) > 1 and of_evaluation:
            problem = f"patience may end a phase of {base.method.name!r} in another epoch for each value, and the next "
            problem += "phase is trained once for all"
            allowed = "no training.early_stop_patience, or one value"
            raise BadInput(problem, allowed=allowed, key=f"fork.{name}", code="conflict")


def _check_one_length(configs: Sequence[TrialConfig], method: Any) -> None:
    """A schedule that spans the plan runs otherwise from the first epoch on where the plan is longer."""
    schedule = configs[0].training.schedule
    if len(configs) == 1 or not isinstance(schedule, Cosine | OneCycle):
        return
    lengths = [_ways(method.tree(config.method, config.training)) for config in configs]
    if len({*lengths}) > 1:
        said = ", ".join(dict.fromkeys(" + ".join(map(str, each[0])) for each in lengths))
        problem = f"trainings of {said}, and schedule {schedule.name} spans all of one"
        raise BadInput(problem, allowed="schedule constant or step", key="fork", code="conflict")


def _ways(stage: Any) -> tuple[tuple[Duration, ...], ...]:
    """The durations of the stages on each way through a tree, as far as one schedule goes on."""
    further = [way for child in stage.then if child.goes_on for way in _ways(child)] or [()]
    return tuple((stage.duration, *way) for way in further)

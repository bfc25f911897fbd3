"""``fork: {method.mc_samples: [1, 5, 10]}``: one training, and a row for each value of what matters only late."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from sparsetune.config.base import EVALUATION, phase_of
from sparsetune.config.errors import BadInput, shown, unknown
from sparsetune.config.messages import Branch
from sparsetune.config.overrides import assign, flatten
from sparsetune.config.registry import Registries
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
    for base in bases.values():
        for branch in branches_of(fork):
            try:
                resolve_trial(assign(base.plain(), branch.values), known)
            except BadInput as error:
                raise BadInput(error.problem, source=source, key=f"fork.{error.key}") from None


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

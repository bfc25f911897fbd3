"""What the names of a written point mean.

They are those that Optuna knows (``drr.alpha``), or those of the trial config, as the study file has them
(``method.alpha``): of what bears one of these a point draws one thing at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sparsetune.base.errors import BadInput, shown
from sparsetune.config.space.cells import combined
from sparsetune.config.space.conditions import matches
from sparsetune.config.space.parameters import Factor, Parameter
from sparsetune.config.space.space import Space

Drawn = Mapping[str, Parameter | Factor]
At = Mapping[str, Any]  # what is said of a point, by the names of the trial config


def readings(name: str, drawn: Drawn) -> list[str]:
    """All that a name can mean, what it names exactly first."""
    exact = [name] if name in drawn else []
    return exact + [each for each, rule in drawn.items() if rule.target == name and each != name]


def meaning(space: Space, drawn: Drawn, values: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """What each written name means, and the branches that follow from what is written without saying them.

    Args:
        drawn: the parameters and factors of the space; each name has a reading among them.

    Raises:
        BadInput: names that no point has together, or that may mean several things. Its key is the name.
    """
    said = {drawn[name].target if name in drawn else name: value for name, value in values.items()}
    choices = {
        f"{section}.name": branches for section, branches in space.chosen.items() if f"{section}.name" not in said
    }
    points = [{**branches, **said} for branches in combined(choices)]
    for name in values:
        exact = [at for at in points if name in _fitting(name, at, drawn)]
        fitting = exact or [at for at in points if _fitting(name, at, drawn)]
        if not fitting:
            raise _apart(name, points, drawn)
        points = fitting
    names = {name: _only(name, points, said, drawn) for name in values}
    for name, other in ((name, other) for name in names for other in names if name != other):
        if names[name] == names[other]:
            raise BadInput(f"stands here as {other} too; remove one", key=name, code="conflict")
    left = {asked: list(dict.fromkeys(at[asked] for at in points)) for asked in choices}
    return names, {asked: each[0] for asked, each in left.items() if len(each) == 1 < len(choices[asked])}


def _fitting(name: str, at: At, drawn: Drawn) -> list[str]:
    """What a name can mean at a point, as far as its conditions tell."""
    return [each for each in readings(name, drawn) if not _unmet(drawn[each], at)]


def _unmet(rule: Parameter | Factor, at: At) -> dict[str, Any]:
    return {name: wanted for name, wanted in rule.when.items() if name in at and not matches(at[name], wanted)}


def _only(name: str, points: Sequence[At], said: At, drawn: Drawn) -> str:
    """What it means at all points that are left."""
    several = list(dict.fromkeys(each for at in points for each in _fitting(name, at, drawn)))
    if name in several or len(several) == 1:
        return name if name in several else several[0]
    asked = " and ".join(dict.fromkeys(each for other in several for each in drawn[other].when if each not in said))
    beside = f", or {asked} beside it" if asked else ""
    raise BadInput(f"may be {' or '.join(several)} here", allowed=f"one of these names{beside}", key=name)


def _apart(name: str, points: Sequence[At], drawn: Drawn) -> BadInput:
    """Of a name that is drawn at none of the points."""
    unmet = [_unmet(drawn[each], at) for each in readings(name, drawn) for at in points]
    asked = next(iter(unmet[0]))
    wanted = " or ".join(dict.fromkeys(shown(each[asked]) for each in unmet if asked in each))
    there = " or ".join(dict.fromkeys(shown(at[asked]) for at in points))
    return BadInput(f"is drawn where {asked} is {wanted}, found {there}", key=name)

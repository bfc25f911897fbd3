"""Cells: what factors divide a study into. Each is searched by itself.

A cell has one value of each of its factors, and so have all of its trials. A branch with factors of its own therefore
has cells of its own; the branches without are together in others, where one of them is drawn. Where the branches
themselves are a factor, each has its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from sparsetune.config.space.conditions import matches
from sparsetune.config.space.parameters import Choice, Constant, Factor, Rule
from sparsetune.config.space.space import Space

Cell = Mapping[str, Any]


def cells(space: Space) -> list[dict[str, Any]]:
    """All cells, each as the values of its factors, by name; ``[{}]`` without any.

    The last factor varies fastest. Those of branches come last, in the order of the choice.
    """
    named = {f"{section}.name" for section in space.chosen}
    shared = {name: each.values for name, each in space.factors.items() if not each.when and name not in named}
    divided = [_of_branches(space, section) for section in space.chosen]
    parts = itertools.product(combined(shared), *divided)
    return [{name: value for part in each for name, value in part.items()} for each in parts]


def within(space: Space, cell: Cell) -> Space:
    """The space of a cell: factors are constants there, and of other cells' branches nothing is left.

    What the cell's branches have in common is no condition there. The name of its only branch is a choice of one.
    """
    here = {f"{section}.name": _branches(space, section, cell) for section in space.chosen if _divides(space, section)}
    if not here and not cell:
        return space
    rules: dict[str, Rule] = {}
    for name, rule in space.rules.items():
        asked = {key: [matches(each, rule.when[key]) for each in here[key]] for key in here if key in rule.when}
        if not all(map(any, asked.values())):
            continue
        when = {key: wanted for key, wanted in rule.when.items() if key not in asked or not all(asked[key])}
        if name in here:
            rules[name] = Choice(values=here[name], target=rule.target, when=when)
        elif name in cell:
            rules[name] = Constant(value=cell[name], target=rule.target, when=when)
        else:
            rules[name] = rule.model_copy(update={"when": when})
    return Space(rules, space.sources)


def holds(space: Space, cell: Cell, point: Mapping[str, Any]) -> bool:
    """Whether a point lies in a cell, as far as it says: it has the cell's values, and a branch of the cell's."""
    chosen = ((f"{section}.name", _branches(space, section, cell)) for section in space.chosen)
    return all(point.get(name, value) == value for name, value in cell.items()) and all(
        asked not in point or point[asked] in branches for asked, branches in chosen
    )


def combined(values: Mapping[str, tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """All combinations of values, by name; the last name's vary fastest."""
    for each in itertools.product(*values.values()):
        yield dict(zip(values, each, strict=True))


def _own(space: Space, section: str, branch: str) -> dict[str, Factor]:
    """The factors of a branch."""
    return {name: factor for name, factor in space.factors.items() if factor.when.get(f"{section}.name") == branch}


def _in_turn(space: Space, section: str) -> bool:
    """Whether trials take its branches in turn."""
    return f"{section}.name" in space.factors


def _divides(space: Space, section: str) -> bool:
    return _in_turn(space, section) or any(_own(space, section, branch) for branch in space.chosen[section])


def _branches(space: Space, section: str, cell: Cell) -> tuple[str, ...]:
    """Those of a cell: the one that it names, the one whose factors it has, or all without factors."""
    if _in_turn(space, section):
        return (cell[f"{section}.name"],)
    own = {branch: _own(space, section, branch) for branch in space.chosen[section]}
    return tuple(branch for branch, factors in own.items() if factors and factors.keys() <= cell.keys()) or tuple(
        branch for branch, factors in own.items() if not factors
    )


def _of_branches(space: Space, section: str) -> list[dict[str, Any]]:
    """The values of branches' factors, one combination after another; ``{}`` once for all branches without.

    Where branches are taken in turn each combination has the name of its own.
    """
    own = [_own(space, section, branch) for branch in space.chosen[section]]
    parts = [{name: factor.values for name, factor in factors.items()} for factors in own]
    if _in_turn(space, section):
        named = zip(space.chosen[section], parts, strict=True)
        return [{f"{section}.name": branch, **each} for branch, part in named for each in combined(part)]
    first = parts.index({}) if {} in parts else -1
    return [each for index, part in enumerate(parts) if part or index == first for each in combined(part)]

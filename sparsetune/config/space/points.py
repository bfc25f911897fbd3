"""Points of a space: from what is drawn to what a trial config becomes, and those that stand for the whole space."""

from __future__ import annotations

import itertools
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sparsetune.base.errors import BadInput
from sparsetune.config.overrides import flatten
from sparsetune.config.space.cells import cells, combined, within
from sparsetune.config.space.conditions import exclusive, matches
from sparsetune.config.space.parameters import Factor, Parameter
from sparsetune.config.space.space import Space

Chooser = Callable[[str, Parameter | Factor], Any]
_CAP = 4096  # corners that are combinations, over all cells and branches


def flat_base(space: Space, bases: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What does not vary, by dotted name; under the name of its branch (``drr.alpha``) where that decides.

    Args:
        bases: plain resolved trial configs by branch, ``""`` where the space has no branches.
    """
    flat = flatten(next(iter(bases.values())))
    for section in space.chosen:
        flat = {name: value for name, value in flat.items() if not name.startswith(f"{section}.")}
        for plain in bases.values():
            flat |= flatten(plain[section], f"{plain[section]['name']}.")
    return flat


def branch_of(space: Space, params: Mapping[str, Any]) -> str:
    """The branch of a point, the key of its base; with several such as ``drr/mlp`` (method, data, model)."""
    return "/".join(str(params[f"{section}.name"]) for section in space.chosen)


def draw(space: Space, base: Mapping[str, Any], choose: Chooser) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is chosen at a point, by the names that Optuna knows, and all that the point sets, by target.

    Args:
        space: that of a cell (:func:`within`); of a whole one factors are chosen too.
        base: from :func:`flat_base`; conditions and expressions on names that do not vary look here.
        choose: gives the value for a name and its parameter.

    Raises:
        BadInput: an expression that has no value at this point.
    """
    params: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    config: ChainMap[str, Any] = ChainMap(settings, dict(base))
    for name, rule in space.rules.items():
        if not all(matches(config.get(key), wanted) for key, wanted in rule.when.items()):
            continue
        if isinstance(rule, Parameter | Factor):
            params[name] = choose(name, rule)
            settings[rule.target] = rule.as_written(params[name])
            section = rule.target.removesuffix(".name")
            if section in space.chosen:  # the branch's own part of the base, under the names of the trial config
                own = f"{params[name]}."
                config.maps.append(
                    {f"{section}.{k.removeprefix(own)}": v for k, v in base.items() if k.startswith(own)}
                )
        else:
            try:
                settings[rule.target] = rule.compute(config)
            except ValueError as error:
                raise BadInput(str(error), source=space.sources[name], key=f"{space.key(name)}.{rule.kind}") from None
    return params, settings


def corners(space: Space, base: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What points at the corners set, by dotted name in the trial config.

    In each cell and branch: every end of every range and every choice, then combinations of them; of these 4,096 at
    most in all.

    Args:
        base: from :func:`flat_base`.
    """
    parts = [
        (within(space, cell), {space.rules[name].target: value for name, value in cell.items()})
        for cell in cells(space)
    ]
    branches = [
        (here, crossed, branch)
        for here, crossed in parts
        for branch in combined({f"{section}.name": names for section, names in here.chosen.items()})
    ]
    seen = set()
    for here, crossed, branch in branches:
        for at in _ends(here, {**crossed, **branch}, branch, max(1, _CAP // len(branches))):
            point = draw(here, base, lambda name, _, at=at: at[name])[1]  # type: ignore[misc]
            identity = repr(point)
            if identity not in seen:
                seen.add(identity)
                yield point


def _ends(space: Space, fixed: Mapping[str, Any], branch: Mapping[str, Any], cap: int) -> Iterator[dict[str, Any]]:
    """Values for all parameters of a cell and a branch: each end once, then at most so many combinations of ends."""
    here = {
        name: parameter
        for name, parameter in space.parameters.items()
        if name not in branch and all(matches(fixed[k], v) for k, v in parameter.when.items() if k in fixed)
    }
    ends = {name: parameter.ends for name, parameter in here.items()}
    single = ({name: end, **_asked_for(name, here)} for name in ends for end in ends[name])
    low = next(combined(ends))
    for some in itertools.chain(single, itertools.islice(combined(ends), cap)):
        yield {**branch, **low, **some}


def _asked_for(name: str, here: Mapping[str, Parameter]) -> dict[str, Any]:
    """Values of other parameters with which ``name`` is drawn."""
    values: dict[str, Any] = {}
    for needed, wanted in here[name].when.items():
        for other, parameter in here.items():
            if parameter.target == needed and not exclusive(parameter.when, here[name].when):
                reached = parameter.reach(wanted)
                if reached:
                    values[other] = reached[0]
                    values.update(_asked_for(other, here))
                    break
    return values

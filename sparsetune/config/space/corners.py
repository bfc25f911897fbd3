"""Points that stand for a whole space when it is checked."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from sparsetune.config.space.conditions import exclusive, matches
from sparsetune.config.space.parameters import Parameter
from sparsetune.config.space.points import cells, walk
from sparsetune.config.space.space import Space

_CAP = 4096  # combinations, over all cells and branches


def corners(space: Space, base: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What points at the corners set, by dotted name in the trial config.

    In each cell and branch: every end of every range and every choice, then combinations of them; of these 4,096 at
    most in all.

    Args:
        base: from :func:`~sparsetune.config.space.points.flat_base`.
    """
    names = [f"{section}.name" for section in space.chosen]
    branches = [dict(zip(names, each, strict=True)) for each in itertools.product(*space.chosen.values())]
    parts = list(itertools.product(cells(space), branches))
    seen = set()
    for cell, branch in parts:
        for point in _of_part(space, base, cell, branch, max(1, _CAP // len(parts))):
            identity = repr(point)
            if identity not in seen:
                seen.add(identity)
                yield point


def _of_part(
    space: Space, base: Mapping[str, Any], cell: Mapping[str, Any], branch: Mapping[str, Any], cap: int
) -> Iterator[dict[str, Any]]:
    fixed = {**cell, **branch}
    here = {
        name: parameter
        for name, parameter in space.parameters.items()
        if name not in branch and all(matches(fixed[k], v) for k, v in parameter.when.items() if k in fixed)
    }
    ends = {name: parameter.ends for name, parameter in here.items()}
    single = ({name: end, **_asked_for(name, here)} for name in ends for end in ends[name])
    combined = (dict(zip(ends, each, strict=True)) for each in itertools.product(*ends.values()))
    low = {name: each[0] for name, each in ends.items()}
    for some in itertools.chain(single, itertools.islice(combined, cap)):
        at = {**branch, **low, **some}
        yield walk(space, base, lambda name, _, at=at: at[name], cell)[1]  # type: ignore[misc]


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

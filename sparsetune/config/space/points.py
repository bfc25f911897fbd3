"""Points of a space: pure functions from what is drawn to what a trial config becomes."""

from __future__ import annotations

import itertools
from collections import ChainMap
from collections.abc import Callable, Mapping
from typing import Any

from sparsetune.base.errors import BadInput
from sparsetune.config.overrides import assign, flatten
from sparsetune.config.space.conditions import matches
from sparsetune.config.space.parameters import Factor, Parameter
from sparsetune.config.space.space import Space

Chooser = Callable[[str, Parameter], Any]


def cells(space: Space) -> list[dict[str, Any]]:
    """All combinations of the factors' values, by dotted name; the last factor varies fastest. ``[{}]`` without any."""
    names = [factor.target for factor in space.factors.values()]
    values = (factor.values for factor in space.factors.values())
    return [dict(zip(names, each, strict=True)) for each in itertools.product(*values)]


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


def draw(
    space: Space, base: Mapping[str, Any], choose: Chooser, cell: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What is drawn at one point of the space, under the names that Optuna knows.

    Args:
        base: from :func:`flat_base`; conditions and expressions on names that do not vary look here.
        choose: gives the value for a name and its parameter.
        cell: one of :func:`cells`.
    """
    return walk(space, base, choose, cell or {})[0]


def configured(
    space: Space,
    bases: Mapping[str, Mapping[str, Any]],
    params: Mapping[str, Any],
    cell: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The plain trial config of a point: the base of its branch with all that the space sets.

    Args:
        bases: plain resolved trial configs by branch, ``""`` where the space has no branches.
        params: from :func:`draw`.

    Raises:
        BadInput: an expression that has no value at this point, or ``params`` that lack a name.
    """

    def known(name: str, _: Parameter) -> Any:
        if name not in params:
            raise BadInput("missing", source=space.sources[name], key=name)
        return params[name]

    return assign(bases[branch_of(space, params)], walk(space, flat_base(space, bases), known, cell or {})[1])


def branch_of(space: Space, params: Mapping[str, Any]) -> str:
    """The branch of a point, the key of its base; with several such as ``drr/mlp`` (method, data, model)."""
    return "/".join(str(params[f"{section}.name"]) for section in space.chosen)


def walk(
    space: Space, base: Mapping[str, Any], choose: Chooser, cell: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is drawn, by the names that Optuna knows, and all that the point sets, by target."""
    params: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    config: ChainMap[str, Any] = ChainMap(settings, dict(base))
    for name, entry in space.entries.items():
        if not all(matches(config.get(key), wanted) for key, wanted in entry.when.items()):
            continue
        if isinstance(entry, Factor):
            settings[name] = cell[name]
        elif isinstance(entry, Parameter):
            params[name] = choose(name, entry)
            settings[entry.target] = entry.as_written(params[name])
            section = entry.target.removesuffix(".name")
            if section in space.chosen:
                config.maps.append(_of_branch(base, section, params[name]))
        else:
            try:
                settings[entry.target] = entry.compute(config)
            except ValueError as error:
                raise BadInput(str(error), source=space.sources[name], key=f"{space.key(name)}.{entry.kind}") from None
    return params, settings


def _of_branch(base: Mapping[str, Any], section: str, branch: str) -> dict[str, Any]:
    """The branch's own part of a flat base, under the names of the trial config."""
    own = f"{branch}."
    return {f"{section}.{name.removeprefix(own)}": value for name, value in base.items() if name.startswith(own)}

"""Arguments from Python, as plain as a study file would have them."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, SupportsIndex

from sparsetune.base.errors import BadInput, shown


def overrides(given: Any, trials: Any) -> dict[str, Any]:
    """Dotted names to plain values; ``trials`` is short for ``budget.trials``."""
    if not isinstance(given, Mapping | None):
        example = 'a mapping of dotted names to values, such as {"training.epochs": 5}'
        raise BadInput(f"found {shown(given)}, allowed: {example}", key="set")
    found = {}
    for name, value in (given or {}).items():
        if not isinstance(name, str) or not all(name.split(".")):
            raise BadInput(f"found {shown(name)}, allowed: a dotted name, such as 'training.epochs'", key="set")
        found[name] = plain(value, name)
    whole = whole_number("trials", trials)
    return found if whole is None else {**found, "budget.trials": whole}


def whole_number(name: str, given: Any) -> int | None:
    """An argument that is a whole number from 1, or None."""
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, SupportsIndex) or operator.index(given) < 1:
        raise BadInput(f"found {shown(given)}, allowed: a whole number from 1, or None", key=name)
    return operator.index(given)


def plain(value: Any, name: str) -> Any:
    """The value as YAML would give it: NumPy's numbers and arrays, tuples and paths too; raises :class:`BadInput`."""
    if isinstance(value, Mapping):
        return {key: plain(each, f"{name}.{key}") for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each, name) for each in value]
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "tolist"):  # before float, which np.float64 is too
        return value.tolist()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    problem = f"found {shown(value)}, allowed: numbers, text, True, False, None, and lists and mappings of them"
    raise BadInput(problem, source="set", key=name)

"""Arguments from Python, as plain as a study file would have them."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, SupportsIndex

from sparsetune.base.errors import BadInput, shown


def overrides(changes: Any, trials: Any) -> dict[str, Any]:
    """Dotted names to plain values; ``trials`` is short for ``budget.trials``."""
    if not isinstance(changes, Mapping | None):
        example = 'a mapping of dotted names to values, such as {"training.epochs": 5}'
        raise BadInput(key="set", found=shown(changes), allowed=example)
    values = {}
    for name, value in (changes or {}).items():
        if not isinstance(name, str) or not all(name.split(".")):
            raise BadInput(key="set", found=shown(name), allowed="a dotted name, such as 'training.epochs'")
        values[name] = plain(value, name)
    whole = whole_number("trials", trials)
    return values if whole is None else {**values, "budget.trials": whole}


def whole_number(name: str, value: Any) -> int | None:
    """An argument that is a whole number from 1, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, SupportsIndex) or operator.index(value) < 1:
        raise BadInput(key=name, found=shown(value), allowed="a whole number from 1, or None")
    return operator.index(value)


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
    allowed = "numbers, text, True, False, None, and lists and mappings of them"
    raise BadInput(source="set", key=name, found=shown(value), allowed=allowed)

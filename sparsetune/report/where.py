"""Rows of which an expression holds: ``val_accuracy > 0.95 and params.method.kp < 0.1``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sparsetune.base.errors import BadInput, shown, unknown
from sparsetune.base.messages import Trial
from sparsetune.config.metrics import METRICS
from sparsetune.config.space.expressions import Expression, parse

_PLAIN = ("number", "state", "branch", "feasible")


def matching(rows: Iterable[Trial], text: str, key: str) -> list[Trial]:
    """The rows of which ``text`` holds; one that lacks a number that is asked for is left out.

    Params and metrics go by their names, with or without ``params.`` and ``metrics.`` before them.

    Raises:
        BadInput: for an expression that cannot be read, a name that no row knows, or one that is no yes or no;
            ``key`` says where it stood.
    """
    try:
        condition = parse(text)
    except ValueError as error:
        raise BadInput(str(error), key=key) from None
    known = [(row, names_of(row)) for row in rows]
    names = dict.fromkeys([*_PLAIN, *METRICS, *(name for _, found in known for name in found)])
    for name in condition.names:
        if name not in names and f"metrics.{name}" not in names and name.removeprefix("metrics.") not in METRICS:
            problem = unknown("name", name, names).partition(" (allowed")[0]  # too many to list
            raise BadInput(f"{problem} (the columns of `sparsetune export --csv` are names)", key=key)
    asked = set(condition.names)
    return [row for row, found in known if asked <= found.keys() and _holds(condition, found, key)]


def names_of(row: Trial) -> dict[str, Any]:
    """All that a row can be asked for."""
    fields = {"params": row.params, "metrics": row.metrics, "errors": row.errors}
    return {
        **row.params,
        **row.metrics,
        **{f"{field}.{name}": value for field, values in fields.items() for name, value in values.items()},
        **{name: getattr(row, name) for name in _PLAIN},
    }


def _holds(condition: Expression, found: dict[str, Any], key: str) -> bool:
    try:
        value = condition.value(found)
    except ValueError as error:
        raise BadInput(str(error), key=key) from None
    if not isinstance(value, bool):
        raise BadInput(f"{condition.text!r} gives {shown(value)}, allowed: what is true or false", key=key)
    return value

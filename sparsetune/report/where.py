"""Rows of which an expression holds: ``val_accuracy > 0.95 and params.method.kp < 0.1``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sparsetune.base.errors import BadInput, shown
from sparsetune.base.messages import Trial
from sparsetune.config.space.expressions import Expression, parse
from sparsetune.sparsity.methods import METRICS

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
    values = [(row, names_of(row)) for row in rows]
    names = dict.fromkeys([*_PLAIN, *METRICS, *(name for _, of_row in values for name in of_row)])
    for name in condition.names:
        if name not in names and f"metrics.{name}" not in names and name.removeprefix("metrics.") not in METRICS:
            more = " (the columns of `sparsetune export --csv` are names)"
            raise BadInput.unknown("name", name, names, more=more, key=key)
    asked = set(condition.names)
    return [row for row, of_row in values if asked <= of_row.keys() and _holds(condition, of_row, key)]


def names_of(row: Trial) -> dict[str, Any]:
    """All that a row can be asked for."""
    fields = {"params": row.params, "metrics": row.metrics, "errors": row.errors}
    return {
        **row.params,
        **row.metrics,
        **{f"{field}.{name}": value for field, values in fields.items() for name, value in values.items()},
        **{name: getattr(row, name) for name in _PLAIN},
    }


def _holds(condition: Expression, values: dict[str, Any], key: str) -> bool:
    try:
        value = condition.value(values)
    except ValueError as error:
        raise BadInput(str(error), key=key) from None
    if not isinstance(value, bool):
        raise BadInput(f"{condition.text!r} gives {shown(value)}", allowed="what is true or false", key=key)
    return value

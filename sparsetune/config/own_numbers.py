"""The numbers that a module of one's own brings: rows of its table METRICS, and those that its methods declare."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from sparsetune.base.errors import BadInput, shown
from sparsetune.config.metrics import Metric, named, on_splits
from sparsetune.config.registry import Registries

NUMBERS = "METRICS"


def numbers_of(
    table: Mapping[Any, Callable[..., float] | None], methods: Mapping[str, Any], registries: Registries
) -> dict[str, Metric]:
    """The rows of a module, by name; one that is computed on both splits has two.

    Args:
        table: the module's METRICS.
        methods: its methods, which are methods.

    Raises:
        BadInput: names the entry, or the method and the row.
    """
    for name, method in methods.items():
        _check_declared(f"METHODS.{name}.metrics", method.metrics)
    rows: dict[str, Metric] = {}
    for key, row in [*_of_table(table, methods), *_of_methods(methods, table, registries)]:
        if row.name in registries.metrics or row.name in rows:
            raise BadInput(f"metric {row.name!r} exists already", allowed="another name", key=key, code="exists")
        rows[row.name] = row
    return rows


def check_numbers(key: str, method: Any, metrics: Mapping[str, Metric]) -> None:
    """Raise :class:`BadInput` where a method or its table of results has a number that is none of ``metrics``."""
    for name in named(method.metrics):
        if name not in metrics:
            raise BadInput(f"its number {name!r} stands in no table of metrics; give it a line in {NUMBERS}", key=key)
    if not isinstance(method.table, Mapping):
        raise BadInput(found=kind_of(method.table), allowed="a mapping from columns to numbers", key=f"{key}.table")
    for column, names in method.table.items():
        where = f"{key}.table.{column}"
        if not isinstance(names, tuple | list) or not names:
            raise BadInput(found=shown(names), allowed="a tuple of names of numbers, the first goes first", key=where)
        for name in names:
            if name != "epoch" and (not isinstance(name, str) or name not in metrics):
                problem = f"its number {shown(name)} stands in no table of metrics"
                raise BadInput(f"{problem}; give it a line in {NUMBERS}", key=where)


def kind_of(value: Any) -> str:
    """What a value is, as messages say it."""
    return f"class {value.__qualname__}" if isinstance(value, type) else f"a value of type {type(value).__qualname__}"


def _check_declared(key: str, declared: Any) -> None:
    allowed = f"a tuple of rows, {Metric.__module__}.Metric(...), and of names of rows in a table"
    if not isinstance(declared, Collection) or isinstance(declared, str | bytes):
        raise BadInput(found=kind_of(declared), allowed=allowed, key=key)
    for each in declared:
        if not isinstance(each, Metric | str):
            raise BadInput(found=shown(each), allowed=allowed, key=key)


def _of_table(
    table: Mapping[Any, Callable[..., float] | None], methods: Mapping[str, Any]
) -> Iterator[tuple[str, Metric]]:
    for metric, function in table.items():
        if not isinstance(metric, Metric):
            wanted = f"{Metric.__module__}.Metric(...): a function or None"
            raise BadInput(found=shown(metric), allowed=wanted, key=NUMBERS)
        key = f"{NUMBERS}.{metric.name}"
        _check_name(key, metric)
        if function is None and not any(metric.name in named(each.metrics) for each in methods.values()):
            raise BadInput("no method of the file has it in its `metrics`, and there is no function for it", key=key)
        if function is not None and not callable(function):
            raise BadInput(found=kind_of(function), allowed="a function of (outputs, targets), or None", key=key)
        if function is not None and metric.scope != "end":
            allowed = "'end', for a function runs at a trial's end"
            raise BadInput(found=f"scope {metric.scope!r}", allowed=allowed, key=key)
        for row in (metric,) if function is None else on_splits(metric):
            yield key, row


def _of_methods(
    methods: Mapping[str, Any], table: Mapping[Any, Any], registries: Registries
) -> Iterator[tuple[str, Metric]]:
    """Each row once, but for those that methods have from a table."""
    before = {*table}
    for name, method in methods.items():
        for row in method.metrics:
            if isinstance(row, Metric) and row not in before and registries.metrics.get(row.name) != row:
                before.add(row)
                key = f"METHODS.{name}.metrics.{row.name}"
                _check_name(key, row)
                yield key, row


def _check_name(key: str, row: Metric) -> None:
    if not re.fullmatch(r"[A-Za-z]\w*", row.name) or row.name.startswith("test_"):
        raise BadInput(found=repr(row.name), allowed="letters, digits and _, without test_ before it", key=key)

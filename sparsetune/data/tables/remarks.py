"""What is said of columns that should be no inputs, and the signs by which: they know the target, or count the rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sparsetune.base.errors import BadInput
from sparsetune.data.pools import Array
from sparsetune.data.tables.cells import Column, Text
from sparsetune.data.tables.columns import Categories, Numbers, alike
from sparsetune.data.tables.hints import listed

_SAID = 5  # names in a remark
_BY_CHANCE = 1e-3  # how likely a remark on a table without a leak may be
_FEW = 10  # different values, which repeated rows do not explain
_HEAD = 1 << 16  # rows that are looked at first
_SCALED = 1e-6  # of the variance that may be left: prices in another currency are rounded
_LEAST = 5  # rows: through fewer points there is often a line


def of_row_numbers(inputs: Iterable[Column]) -> Iterator[str]:
    """Of columns that count the rows."""
    names = [each.name for each in inputs if not isinstance(each.cells, Text) and counts_rows(each.cells)]
    if names:
        yield f"{_columns(names, 'counts', 'count')} the rows, which says nothing of them: data.ignore leaves it out"


def look_alikes(inputs: Sequence[Column], targets: Sequence[Column], path: Path) -> Iterator[str]:
    """Of names that differ in blanks or case; raises :class:`BadInput` where an input is the target in disguise."""
    by_name = {column.name: column for column in (*inputs, *targets)}
    wanted = {column.name for column in targets}
    for group in alike(by_name):
        for name in wanted.intersection(group):
            same = [each for each in group if each not in wanted and _same(by_name[name], by_name[each])]
            if same:
                problem = f"column {same[0]!r} holds what the target {name!r} holds"
                mend = f"leave it out by data.ignore: {listed(same[0])}"
                raise BadInput(f"{problem}; {mend}", source=path, code="conflict")
        yield f"columns {_and([repr(each) for each in group])} differ in blanks or in small and capital letters only"


def of_leaks(inputs: Sequence[Numbers | Categories], targets: Sequence[Numbers | Categories]) -> Iterator[str]:
    """Of inputs that determine a target."""
    for target in targets:
        names = dict.fromkeys(determining(inputs, target.key))
        if isinstance(target, Numbers):
            names |= dict.fromkeys(scaled(inputs, target.values))
        if names:
            who = _columns(list(names), "determines", "determine")
            yield f"{who} the target {target.name!r}: data.ignore leaves out what is not known before the target is"


def _same(one: Column, other: Column) -> bool:
    if isinstance(one.cells, Text) and isinstance(other.cells, Text):
        first, second = one.cells.sorted(), other.cells.sorted()
        return first.texts == second.texts and equals(first.codes, second.codes)
    return not (isinstance(one.cells, Text) or isinstance(other.cells, Text)) and equals(one.cells, other.cells)


def _columns(names: Sequence[str], one: str, many: str) -> str:
    if len(names) == 1:
        return f"column {names[0]!r} {one}"
    more = [f"{len(names) - _SAID:,} more"] if len(names) > _SAID else []
    return f"columns {_and([*map(repr, names[:_SAID]), *more])} {many}"


def _and(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def saved_index(values: Array) -> bool:
    """Whether whole numbers (N,) are an index that was saved: they rise, or number all rows in any order."""
    if values.dtype.kind not in "iu" or len(values) < 2:
        return False
    return bool((values[1:] > values[:-1]).all()) or _in_any_order(values)


def counts_rows(values: Array) -> bool:
    """Whether numbers (N,) are 0, 1, 2 ... or 1, 2, 3 ..., row by row."""
    if values.dtype.kind not in "iuf" or len(values) < 3 or values[0] not in (0, 1):
        return False
    return bool(np.array_equal(values, np.arange(len(values)) + int(values[0])))


def equals(one: Array, other: Array) -> bool:
    """Whether two columns hold the same, missing values included."""
    kinds = one.dtype.kind, other.dtype.kind
    return (kinds[0] == kinds[1] or {*kinds} <= {*"biuf"}) and bool(
        np.array_equal(one, other, equal_nan="f" in kinds or "M" in kinds)
    )


def determining(inputs: Sequence[Numbers | Categories], target: Array) -> list[str]:
    """Names of the inputs whose values that repeat have one target each, (N,), more often than chance explains."""
    limit = np.log(_BY_CHANCE / len(inputs))
    suspects = [each for each in inputs if _determines(*_reduced(each.key, target), limit)]
    if not suspects:
        return []
    once = _first_of_equal_rows([each.key for each in inputs], target)
    return [
        each.name
        for each in suspects
        if len(np.unique(each.key)) <= max(_FEW, len(np.unique(target)) if target.dtype.kind == "i" else 0)
        or _determines(each.key[once], target[once], limit)
    ]


def scaled(inputs: Sequence[Numbers | Categories], target: Array) -> list[str]:
    """Names of the inputs that are the target (N,) times a number, plus another."""
    wanted = _centred(target)
    return [
        each.name
        for each in inputs
        if isinstance(each, Numbers) and len(target) >= _LEAST and _is_scaled(_centred(each.values), wanted)
    ]


def _in_any_order(values: Array) -> bool:
    return int(values.max()) - int(values.min()) == len(values) - 1 and len(np.unique(values)) == len(values)


def _determines(feature: Array, target: Array, limit: float) -> bool:
    """Whether equal features have equal targets, and the logarithm of the chance for that is below ``limit``."""
    order = np.argsort(feature, kind="stable")
    repeats = np.diff(feature[order]) == 0
    agree = np.diff(target[order]) == 0
    if not repeats.any() or (repeats & ~agree).any():
        return False
    shares = np.unique(target, return_counts=True)[1] / len(target)
    return bool(np.count_nonzero(repeats) * np.log(np.square(shares).sum()) < limit)


def _reduced(feature: Array, target: Array) -> tuple[Array, Array]:
    """Of many rows those that decide: the first ones, if values repeat there with another target or all are different
    there; of a column of many values all rows of some of them."""
    if len(feature) <= 2 * _HEAD:
        return feature, target
    head, order = feature[:_HEAD], np.argsort(feature[:_HEAD], kind="stable")
    repeats = np.diff(head[order]) == 0
    if (repeats & (np.diff(target[:_HEAD][order]) != 0)).any():
        return head, target[:_HEAD]
    if np.count_nonzero(repeats) > _HEAD // 2:
        return feature, target
    bits = np.ascontiguousarray(feature).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    chosen = (bits >> np.uint64(40)) % np.uint64(len(feature) // _HEAD) == 0
    return feature[chosen], target[chosen]


def _first_of_equal_rows(keys: Sequence[Array], target: Array) -> NDArray[np.int64]:
    """Rows without those that repeat another in all columns."""
    mixed = np.zeros(len(target), np.uint64)
    for key in (*keys, target):
        bits = np.ascontiguousarray(key).view(np.uint64)
        mixed = (mixed ^ bits) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return np.unique(mixed, return_index=True)[1]


def _centred(values: Array) -> Array:
    away = values - values[0]
    return np.asarray(away - away.mean())


def _is_scaled(feature: Array, target: Array) -> bool:
    own, wanted, both = (float(one @ other) for one, other in ((feature, feature), (target, target), (feature, target)))
    return own > 0 and wanted > 0 and 1 - both / own * both / wanted < _SCALED

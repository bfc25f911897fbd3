"""What is said of columns that look as if they should be no inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sparsetune.base.errors import BadInput
from sparsetune.data.tables.cells import Column, Text
from sparsetune.data.tables.columns import Categories, Numbers
from sparsetune.data.tables.hints import listed
from sparsetune.data.tables.leaks import counts_rows, determining, equals, scaled
from sparsetune.data.tables.names import alike

_SAID = 5  # names in a remark


def of_row_numbers(inputs: Iterable[Column]) -> Iterator[str]:
    """Of columns that count the rows."""
    found = [each.name for each in inputs if not isinstance(each.cells, Text) and counts_rows(each.cells)]
    if found:
        yield f"{_columns(found, 'counts', 'count')} the rows, which says nothing of them: data.ignore leaves it out"


def look_alikes(inputs: Sequence[Column], targets: Sequence[Column], path: Path) -> Iterator[str]:
    """Of names that differ in blanks or case; raises :class:`BadInput` where an input is the target in disguise."""
    by_name = {column.name: column for column in (*inputs, *targets)}
    wanted = {column.name for column in targets}
    for group in alike(by_name):
        for name in wanted.intersection(group):
            same = [each for each in group if each not in wanted and _same(by_name[name], by_name[each])]
            if same:
                found = f"column {same[0]!r} holds what the target {name!r} holds"
                raise BadInput(f"{found}; leave it out by data.ignore: {listed(same[0])}", source=path)
        yield f"columns {_and([repr(each) for each in group])} differ in blanks or in small and capital letters only"


def of_leaks(inputs: Sequence[Numbers | Categories], targets: Sequence[Numbers | Categories]) -> Iterator[str]:
    """Of inputs that determine a target."""
    for target in targets:
        found = dict.fromkeys(determining(inputs, target.key))
        if isinstance(target, Numbers):
            found |= dict.fromkeys(scaled(inputs, target.values))
        if found:
            who = _columns(list(found), "determines", "determine")
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

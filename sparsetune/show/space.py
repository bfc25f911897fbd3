"""A search space in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sparsetune.base.errors import shown
from sparsetune.config.space import Space, cells
from sparsetune.config.space.conditions import bounds_in_words, listed
from sparsetune.config.space.parameters import Choice, Constant, Derived, Entry, Factor


def space_lines(space: Space) -> list[str]:
    """A line for each parameter: its name, what it may be, and when.

    Those of a branch stand under its name, as its own space has them. Last, in how many cells factors divide the
    study.
    """
    if not space.entries:
        return ["  nothing varies: all trials have the same config"]
    lines = _entry_lines(space.shared(), "  ")
    for section, branches in space.chosen.items():
        for branch in branches:
            own = _entry_lines(space.of_branch(section, branch), "    ")
            lines += [f"  if {section}.name is {branch}:{'' if own else ' nothing more'}", *own]
    if space.factors:
        lines.append(f"  {len(cells(space))} cells by factors: trials go to them in turn, each is searched by itself")
    return lines


def _entry_lines(entries: Mapping[str, Entry], margin: str) -> list[str]:
    width = max(map(len, entries), default=0)
    return [f"{margin}{name:<{width}}  {in_words(name, entry)}" for name, entry in entries.items()]


def point_lines(points: Iterable[Mapping[str, Any]]) -> list[str]:
    """Each point as YAML would list it, numbers in six digits."""
    lines = []
    for point in points:
        for index, (name, value) in enumerate(point.items()):
            written = f"{value:.6g}" if isinstance(value, float) else _value(value)
            lines.append(f"{' ' if index else '-'} {name}: {written}")
    return lines


def in_words(name: str, entry: Entry) -> str:
    """Such as ``0.001 to 1, log scale, if training.optimizer is sgd``."""
    target = f"{entry.target}: " if entry.target != name else ""
    when = " and ".join(f"{needed} is {_wanted(wanted)}" for needed, wanted in entry.when.items())
    return f"{target}{_what(entry)}{', if ' if when else ''}{when}"


def _what(entry: Entry) -> str:
    if isinstance(entry, Choice):
        return _listed(entry.values, "or")
    if isinstance(entry, Factor):
        return f"each of {_listed(entry.values, 'and')}"
    if isinstance(entry, Constant):
        return f"always {_value(entry.value)}"
    if isinstance(entry, Derived):
        return f"= {entry.derived}"
    step = f" in steps of {entry.step:g}" if entry.step is not None else ""
    return f"{entry.low:g} to {entry.high:g}{step}{', log scale' if entry.log else ''}"


def _wanted(wanted: Any) -> str:
    return bounds_in_words(wanted) if isinstance(wanted, Mapping) else _listed(listed(wanted), "or")


def _listed(values: Sequence[Any], word: str) -> str:
    names = [_value(value) for value in values]
    return f" {word} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else shown(value)

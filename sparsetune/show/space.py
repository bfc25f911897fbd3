"""A search space in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sparsetune.base.errors import shown
from sparsetune.config.space import Space, cells, within
from sparsetune.config.space.conditions import bounds_in_words, listed
from sparsetune.config.space.parameters import Choice, Constant, Derived, Factor, Rule


def space_lines(space: Space) -> list[str]:
    """A line for each parameter: its name, what it may be, and when.

    Those of a branch stand under its name, as its own space has them. Last, in how many cells factors divide the
    study, and how many of these each branch has.
    """
    if not space.rules:
        return ["  nothing varies: all trials have the same config"]
    lines = _rule_lines(space.shared(), "  ")
    for section, branches in space.chosen.items():
        for branch in branches:
            own = _rule_lines(space.of_branch(section, branch), "    ")
            lines += [f"  if {section}.name is {branch}:{'' if own else ' nothing more'}", *own]
    if space.factors:
        lines.append(f"  {len(cells(space))} cells by factors: trials go to them in turn, each is searched by itself")
        lines += _shares(space)
    return lines


def _shares(space: Space) -> list[str]:
    """A line for the branches that share cells, where not all do and not each has one."""
    chosen = [within(space, cell).chosen for cell in cells(space)]
    counts = Counter(" and ".join(_listed(names, "or") for names in here.values()) for here in chosen)
    return [f"    {count} of them: {names}" for names, count in counts.items()] if 1 < len(counts) < len(chosen) else []


def _rule_lines(rules: Mapping[str, Rule], margin: str) -> list[str]:
    width = max(map(len, rules), default=0)
    return [f"{margin}{name:<{width}}  {in_words(name, rule)}" for name, rule in rules.items()]


def point_lines(points: Iterable[Mapping[str, Any]]) -> list[str]:
    """Each point as YAML would list it, numbers in six digits."""
    lines = []
    for point in points:
        for index, (name, value) in enumerate(point.items()):
            written = f"{value:.6g}" if isinstance(value, float) else _value(value)
            lines.append(f"{' ' if index else '-'} {name}: {written}")
    return lines


def in_words(name: str, rule: Rule) -> str:
    """Such as ``0.001 to 1, log scale, if training.optimizer is sgd``."""
    target = f"{rule.target}: " if rule.target != name else ""
    when = " and ".join(f"{needed} is {_wanted(wanted)}" for needed, wanted in rule.when.items())
    return f"{target}{_what(rule)}{', if ' if when else ''}{when}"


def _what(rule: Rule) -> str:
    if isinstance(rule, Choice):
        return _listed(rule.values, "or")
    if isinstance(rule, Factor):
        return f"each of {_listed(rule.values, 'and')}"
    if isinstance(rule, Constant):
        return f"always {_value(rule.value)}"
    if isinstance(rule, Derived):
        return f"= {rule.derived}"
    step = f" in steps of {rule.step:g}" if rule.step is not None else ""
    return f"{rule.low:g} to {rule.high:g}{step}{', log scale' if rule.log else ''}"


def _wanted(wanted: Any) -> str:
    return bounds_in_words(wanted) if isinstance(wanted, Mapping) else _listed(listed(wanted), "or")


def _listed(values: Sequence[Any], word: str) -> str:
    names = [_value(value) for value in values]
    return f" {word} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else shown(value)

"""A space as a whole, and the way back to a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sparsetune.config.space.parameters import Choice, Determined, Entry, Factor, Int, Parameter
from sparsetune.config.trial import NAMED

_FEW = 50


@dataclass(frozen=True)
class Space:
    """Entries in the order in which a point is made: each after all that it asks for.

    A name is that of the entry's target in the trial config, but for entries of a branch, which carry its name:
    ``drr.alpha`` sets ``method.alpha`` where ``method.name`` is drr. Under this name Optuna knows a parameter.
    """

    entries: Mapping[str, Entry]
    sources: Mapping[str, str]  # the file that each name was written in

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """What is drawn."""
        return {name: entry for name, entry in self.entries.items() if isinstance(entry, Parameter)}

    @cached_property
    def factors(self) -> Mapping[str, Factor]:
        """What all that is drawn is crossed with."""
        return {name: entry for name, entry in self.entries.items() if isinstance(entry, Factor)}

    @cached_property
    def determined(self) -> Mapping[str, Determined]:
        """What is set or computed."""
        return {name: entry for name, entry in self.entries.items() if isinstance(entry, Determined)}

    @cached_property
    def chosen(self) -> Mapping[str, tuple[str, ...]]:
        """The sections of a trial config that have branches, and their names."""
        names = {section: self.parameters.get(f"{section}.name") for section in NAMED}
        return {section: entry.values for section, entry in names.items() if isinstance(entry, Choice)}

    @property
    def targets(self) -> set[str]:
        """The dotted names in the trial config that the space sets."""
        return {entry.target for entry in self.entries.values()}

    def without(self, names: Iterable[str]) -> Space:
        """The space with the pinned names of the trial config taken out."""
        pinned = set(names)
        return Space({name: e for name, e in self.entries.items() if e.target not in pinned}, self.sources)

    def about(self, section: str) -> Space:
        """What decides a section of the trial config, with what that asks for and the choice of branches.

        A range of few whole numbers becomes a choice, so that corners are all of its values.
        """
        wanted = {name for name, entry in self.entries.items() if entry.target.startswith(f"{section}.")}
        wanted |= {f"{each}.name" for each in self.chosen if wanted}
        for name, entry in reversed(list(self.entries.items())):  # each after what it asks for
            asked = {*entry.when, *(entry.names if isinstance(entry, Determined) else ())} if name in wanted else ()
            wanted |= {other for other, each in self.entries.items() if each.target in asked}
        return Space({name: _each(entry) for name, entry in self.entries.items() if name in wanted}, self.sources)

    def plain(self) -> dict[str, Any]:
        """The space as it would be written in a file."""
        return _plain(self.entries)

    def in_study(self) -> dict[str, Any]:
        """The space as a study file would say it: each section that has branches, and ``space``."""
        sections = {
            section: {"choose": {branch: _plain(self.of_branch(section, branch)) or None for branch in branches}}
            for section, branches in self.chosen.items()
        }
        names = {f"{section}.name" for section in sections}
        return {**sections, "space": _plain({n: e for n, e in self.shared().items() if n not in names})}

    def shared(self) -> dict[str, Entry]:
        """The entries that are no branch's own, those that choose a branch first."""
        own = {
            carried(section, branch, target)
            for section, branches in self.chosen.items()
            for branch in branches
            for target in self.of_branch(section, branch)
        }
        return {name: entry for name, entry in self.entries.items() if name not in own}

    def key(self, name: str) -> str:
        """The key of an entry in the file where it stands."""
        target = self.entries[name].target
        own = (carried(section, branch, target) for section, each in self.chosen.items() for branch in each)
        return target if name in own else name

    def of_branch(self, section: str, branch: str) -> dict[str, Entry]:
        """The entries of a branch as its own space has them: by target, without the condition that it is chosen."""
        asked = f"{section}.name"
        return {
            entry.target: entry.model_copy(update={"when": {k: v for k, v in entry.when.items() if k != asked}})
            for name, entry in self.entries.items()
            if entry.when.get(asked) == branch and name == carried(section, branch, entry.target)
        }


def carried(section: str, branch: str, name: str) -> str:
    """The name of a branch's own entry: ``drr.alpha``, ``drr.training.lr``."""
    return f"{branch}.{name.removeprefix(f'{section}.')}"


def _each(entry: Entry) -> Entry:
    if not isinstance(entry, Int) or (entry.high - entry.low) // (entry.step or 1) >= _FEW:
        return entry
    values = tuple(range(entry.low, entry.high + 1, entry.step or 1))
    return Choice(values=values, target=entry.target, when=entry.when)


def _plain(entries: Mapping[str, Entry]) -> dict[str, Any]:
    """Entries as a file has them."""
    plain = {}
    for name, entry in entries.items():
        plain[name] = _body(entry)
        if entry.target != name:
            plain[name]["target"] = entry.target
        if entry.when:
            plain[name]["when"] = dict(entry.when)
    return plain


def _body(entry: Entry) -> dict[str, Any]:
    if isinstance(entry, Choice | Factor):
        return {entry.kind: list(entry.values)}
    if isinstance(entry, Determined):
        return {entry.kind: getattr(entry, entry.kind)}
    options = {"log": True} if entry.log else {}
    steps = {} if entry.step is None else {"step": entry.step}
    return {entry.kind: [entry.low, entry.high], **options, **steps}

"""``method: {choose: {drr: drr_space, rl1: [a, b], dense: null}}``: each branch with a space of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sparsetune.base.errors import BadInput, shown
from sparsetune.config.overrides import assign
from sparsetune.config.space.files import read_entries, space_name
from sparsetune.config.space.order import in_order
from sparsetune.config.space.parameters import Choice, Constant, Entry, Factor
from sparsetune.config.space.space import Space, carried

Bases = dict[str, dict[str, Any]]


def load_choice(section: str, raw: Any, folder: Path, source: str) -> Space:
    """The choice that a section of a study file leaves open, and what varies in each of its branches.

    Names in a branch's space are those of the trial config; conditions and expressions in it mean its own.

    Args:
        section: ``method``, ``model`` or ``data``.
        raw: what stands there: ``{choose: {BRANCH: a space, ...}}``; with a ``name`` beside it (``--set
            method.name=drr``) that branch only. A section that has no ``choose`` gives an empty space.
        folder: ``search_spaces/`` of the project.
        source: the study file.

    Raises:
        BadInput: names file and key.
    """
    if not isinstance(raw, Mapping) or "choose" not in raw:
        return Space({}, {})
    written = raw["choose"]
    if not isinstance(written, Mapping) or not written:
        problem = f"found {shown(written)}, allowed: a mapping from a name to its search space, or to null"
        raise BadInput(problem, source=source, key=f"{section}.choose")
    asked = f"{section}.name"
    pinned = "name" in raw
    branches = [raw["name"]] if pinned else list(written)
    entries: dict[str, Entry] = {} if pinned else {asked: Choice(values=tuple(branches), target=asked)}
    sources = {asked: source}
    for branch in branches:
        key = f"{section}.choose.{branch}"
        own, files = read_entries(space_name(written.get(branch)), folder=folder, source=source, key=key)
        for name, entry in own.items():
            entries[carried(section, branch, name)] = _in_branch(asked, branch, name, entry, files[name], pinned)
            sources[carried(section, branch, name)] = files[name]
    return Space(entries, sources)


def _in_branch(asked: str, branch: str, name: str, entry: Entry, source: str, pinned: bool) -> Entry:
    if isinstance(entry, Factor):
        problem = f"a factor is crossed with all branches, and this one stands in {branch}; write it in space:"
        raise BadInput(problem, source=source, key=name)
    if asked == entry.target or asked in entry.when:
        raise BadInput(f"{asked} is {branch} here", source=source, key=name)
    return entry if pinned else entry.model_copy(update={"when": {asked: branch, **entry.when}})


def joined(shared: Space, choices: Iterable[Space]) -> Space:
    """One space of what all branches share and of what each has for itself.

    Raises:
        BadInput: an entry that stands in both, conditions that can never hold.
    """
    own = [(name, entry, each.sources[name]) for each in choices for name, entry in each.entries.items()]
    choosing = [item for item in own if item[0] == item[1].target]  # method.name: it decides all that follows
    common = [(name, entry, shared.sources[name]) for name, entry in shared.entries.items()]
    entries: dict[str, Entry] = {}
    sources: dict[str, str] = {}
    for name, entry, source in [*choosing, *common, *(item for item in own if item not in choosing)]:
        if name in entries:
            raise BadInput(f"stands in {sources[name]} too; remove one", source=source, key=name)
        entries[name], sources[name] = entry, source
    return Space(in_order(entries, sources), sources)


def raw_bases(raw: Mapping[str, Any], space: Space) -> Bases:
    """What a trial config is before anything is drawn, for each branch; ``{"": ...}`` where the space has none.

    Args:
        raw: the sections of a trial config in a study file; of one with branches all else that stands in it counts
            for each branch.

    Returns:
        What :func:`~sparsetune.config.trial.resolve_trial` takes, with the constants of each branch set.
    """
    plain = {key: _unchosen(value) for key, value in raw.items()}
    found: Bases = {}
    for each in itertools.product(*space.chosen.values()):
        at = {f"{section}.name": branch for section, branch in zip(space.chosen, each, strict=True)}
        constants = {
            entry.target: entry.value
            for entry in space.entries.values()
            if isinstance(entry, Constant) and all(key in at and at[key] == v for key, v in entry.when.items())
        }
        found["/".join(each)] = assign(plain, {**at, **constants})
    return found


def _unchosen(section: Any) -> Any:
    return {k: v for k, v in section.items() if k != "choose"} if isinstance(section, Mapping) else section

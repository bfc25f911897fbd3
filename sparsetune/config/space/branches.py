"""Branches of a section of a study file, each with a space of its own.

In ``method: {choose: {drr: drr_space, rl1: [a, b], dense: null}}`` a branch is drawn; with ``factor`` in the place of
``choose`` trials take the branches in turn. Names are those of the trial config, and conditions and expressions of a
branch mean its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sparsetune.base.errors import BadInput, shown
from sparsetune.config.overrides import assign
from sparsetune.config.space.files import read_rules, space_name
from sparsetune.config.space.order import in_order
from sparsetune.config.space.parameters import Constant, Rule
from sparsetune.config.space.space import BRANCHING, Space, carried

Bases = dict[str, dict[str, Any]]


def load_choice(section: str, raw: Any, folder: Path, source: str) -> Space:
    """The choice that a section of a study file leaves open, and what varies in each of its branches.

    Args:
        section: ``method``, ``model`` or ``data``.
        raw: what stands there: ``{choose: {BRANCH: a space, ...}}``, or ``factor`` for ``choose``; with a ``name``
            beside it (``--set method.name=drr``) that branch only. A section that has neither gives an empty space.
        folder: ``search_spaces/`` of the project.
        source: the study file.

    Raises:
        BadInput: names file and key.
    """
    words = [word for word in BRANCHING if isinstance(raw, Mapping) and word in raw]
    if not words:
        return Space({}, {})
    if len(words) > 1:
        raise BadInput(found=" and ".join(words), allowed="one of them", source=source, key=section, code="conflict")
    written = raw[words[0]]
    if not isinstance(written, Mapping) or not written:
        allowed = "a mapping from a name to its search space, or to null"
        raise BadInput(found=shown(written), allowed=allowed, source=source, key=f"{section}.{words[0]}")
    asked = f"{section}.name"
    pinned = "name" in raw
    branches = [raw["name"]] if pinned else list(written)
    rules: dict[str, Rule] = {} if pinned else {asked: BRANCHING[words[0]](values=tuple(branches), target=asked)}
    sources = {asked: source}
    for branch in branches:
        key = f"{section}.{words[0]}.{branch}"
        own, files = read_rules(space_name(written.get(branch)), folder=folder, source=source, key=key)
        for name, rule in own.items():
            rules[carried(section, branch, name)] = _in_branch(asked, branch, name, rule, files[name], pinned)
            sources[carried(section, branch, name)] = files[name]
    return Space(rules, sources)


def _in_branch(asked: str, branch: str, name: str, rule: Rule, source: str, pinned: bool) -> Rule:
    if asked == rule.target or asked in rule.when:
        raise BadInput(f"{asked} is {branch} here", source=source, key=name, code="conflict")
    return rule if pinned else rule.model_copy(update={"when": {asked: branch, **rule.when}})


def joined(shared: Space, choices: Iterable[Space]) -> Space:
    """One space of what all branches share and of what each has for itself.

    Raises:
        BadInput: a rule that stands in both, conditions that can never hold.
    """
    own = [(name, rule, each.sources[name]) for each in choices for name, rule in each.rules.items()]
    choosing = [item for item in own if item[0] == item[1].target]  # method.name: it decides all that follows
    common = [(name, rule, shared.sources[name]) for name, rule in shared.rules.items()]
    rules: dict[str, Rule] = {}
    sources: dict[str, str] = {}
    for name, rule, source in [*choosing, *common, *(item for item in own if item not in choosing)]:
        if name in rules:
            raise BadInput(f"stands in {sources[name]} too; remove one", source=source, key=name, code="conflict")
        rules[name], sources[name] = rule, source
    return Space(in_order(rules, sources), sources)


def raw_bases(raw: Mapping[str, Any], space: Space) -> Bases:
    """What a trial config is before anything is drawn, for each branch; ``{"": ...}`` where the space has none.

    Args:
        raw: the sections of a trial config in a study file; of one with branches all else that stands in it counts
            for each branch.

    Returns:
        What :func:`~sparsetune.config.trial.resolve_trial` takes, with the constants of each branch set.
    """
    plain = dict(raw)
    for section, value in raw.items():
        if isinstance(value, Mapping):
            plain[section] = {key: each for key, each in value.items() if key not in BRANCHING}
    bases: Bases = {}
    for each in itertools.product(*space.chosen.values()):
        at = {f"{section}.name": branch for section, branch in zip(space.chosen, each, strict=True)}
        constants = {
            rule.target: rule.value
            for rule in space.rules.values()
            if isinstance(rule, Constant) and all(key in at and at[key] == v for key, v in rule.when.items())
        }
        bases["/".join(each)] = assign(plain, {**at, **constants})
    return bases

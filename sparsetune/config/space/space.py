"""A space as a whole, and the way back to a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sparsetune.config.space.parameters import Choice, Determined, Factor, Int, Parameter, Rule
from sparsetune.config.trial import NAMED

BRANCHING: Mapping[str, type[Choice | Factor]] = {"choose": Choice, "factor": Factor}
"""How a study file's section says that it has branches: one is drawn, or trials take them in turn."""
_FEW = 50


@dataclass(frozen=True)
class Space:
    """Rules in the order in which a point is made: each after all that it asks for.

    A name is that of the rule's target in the trial config, but for rules of a branch, which carry its name:
    ``drr.alpha`` sets ``method.alpha`` where ``method.name`` is drr. Under this name Optuna knows a parameter.
    """

    rules: Mapping[str, Rule]
    sources: Mapping[str, str]  # the file that each name was written in

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """What is drawn."""
        return {name: rule for name, rule in self.rules.items() if isinstance(rule, Parameter)}

    @cached_property
    def factors(self) -> Mapping[str, Factor]:
        """What all that is drawn is crossed with."""
        return {name: rule for name, rule in self.rules.items() if isinstance(rule, Factor)}

    @cached_property
    def determined(self) -> Mapping[str, Determined]:
        """What is set or computed."""
        return {name: rule for name, rule in self.rules.items() if isinstance(rule, Determined)}

    @cached_property
    def chosen(self) -> Mapping[str, tuple[str, ...]]:
        """The sections of a trial config that have branches, and their names."""
        named = {each: self.rules.get(f"{each}.name") for each in NAMED}
        return {each: rule.values for each, rule in named.items() if isinstance(rule, Choice | Factor)}

    @property
    def targets(self) -> set[str]:
        """The dotted names in the trial config that the space sets."""
        return {rule.target for rule in self.rules.values()}

    def without(self, names: Iterable[str]) -> Space:
        """The space with the pinned names of the trial config taken out."""
        pinned = set(names)
        return Space({name: e for name, e in self.rules.items() if e.target not in pinned}, self.sources)

    def about(self, section: str) -> Space:
        """What decides a section of the trial config, with what that asks for and the choice of branches.

        A range of few whole numbers becomes a choice, so that corners are all of its values.
        """
        wanted = {name for name, rule in self.rules.items() if rule.target.startswith(f"{section}.")}
        if not wanted:
            return Space({}, self.sources)
        wanted |= {f"{each}.name" for each in self.chosen}
        for name, rule in reversed(list(self.rules.items())):  # each after what it asks for
            asked = {*rule.when, *(rule.names if isinstance(rule, Determined) else ())} if name in wanted else ()
            wanted |= {other for other, each in self.rules.items() if each.target in asked}
        return Space({name: _each(rule) for name, rule in self.rules.items() if name in wanted}, self.sources)

    def plain(self) -> dict[str, Any]:
        """The space as it would be written in a file, with the condition of each rule of a branch (a factor's too)."""
        return _plain(self.rules)

    def in_study(self) -> dict[str, Any]:
        """The space as a study file would say it: each section that has branches, and ``space``."""
        sections = {
            section: {self._word(section): {each: _plain(self.of_branch(section, each)) or None for each in branches}}
            for section, branches in self.chosen.items()
        }
        names = {f"{section}.name" for section in sections}
        return {**sections, "space": _plain({n: e for n, e in self.shared().items() if n not in names})}

    def _word(self, section: str) -> str:
        return next(word for word, kind in BRANCHING.items() if isinstance(self.rules[f"{section}.name"], kind))

    def shared(self) -> dict[str, Rule]:
        """The rules that are no branch's own, those that choose a branch first."""
        own = {
            carried(section, branch, target)
            for section, branches in self.chosen.items()
            for branch in branches
            for target in self.of_branch(section, branch)
        }
        return {name: rule for name, rule in self.rules.items() if name not in own}

    def key(self, name: str) -> str:
        """The key of a rule in the file where it stands."""
        target = self.rules[name].target
        own = (carried(section, branch, target) for section, each in self.chosen.items() for branch in each)
        return target if name in own else name

    def of_branch(self, section: str, branch: str) -> dict[str, Rule]:
        """The rules of a branch as its own space has them: by target, without the condition that it is chosen."""
        asked = f"{section}.name"
        return {
            rule.target: rule.model_copy(update={"when": {k: v for k, v in rule.when.items() if k != asked}})
            for name, rule in self.rules.items()
            if rule.when.get(asked) == branch and name == carried(section, branch, rule.target)
        }


def carried(section: str, branch: str, name: str) -> str:
    """The name of a branch's own rule: ``drr.alpha``, ``drr.training.lr``."""
    return f"{branch}.{name.removeprefix(f'{section}.')}"


def _each(rule: Rule) -> Rule:
    if not isinstance(rule, Int) or (rule.high - rule.low) // (rule.step or 1) >= _FEW:
        return rule
    values = tuple(range(rule.low, rule.high + 1, rule.step or 1))
    return Choice(values=values, target=rule.target, when=rule.when)


def _plain(rules: Mapping[str, Rule]) -> dict[str, Any]:
    """Rules as a file has them."""
    plain = {}
    for name, rule in rules.items():
        plain[name] = _body(rule)
        if rule.target != name:
            plain[name]["target"] = rule.target
        if rule.when:
            plain[name]["when"] = dict(rule.when)
    return plain


def _body(rule: Rule) -> dict[str, Any]:
    if isinstance(rule, Choice | Factor):
        return {rule.kind: list(rule.values)}
    if isinstance(rule, Determined):
        return {rule.kind: getattr(rule, rule.kind)}
    options = {"log": True} if rule.log else {}
    steps = {} if rule.step is None else {"step": rule.step}
    return {rule.kind: [rule.low, rule.high], **options, **steps}

"""The order in which a point is made: as written, but for what a rule asks for, which comes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sparsetune.base.errors import BadInput, shown
from sparsetune.config.space.conditions import bounds_in_words, check_form, exclusive, listed
from sparsetune.config.space.parameters import Choice, Constant, Derived, Determined, Factor, Float, Int, Rule


def in_order(rules: Mapping[str, Rule], sources: Mapping[str, str]) -> dict[str, Rule]:
    """The rules, each after what its condition and its expression look at.

    Raises:
        BadInput: a condition that can never hold, rules that depend on themselves, two rules for one target.
    """
    by_target: dict[str, list[str]] = {}
    for name, rule in rules.items():
        by_target.setdefault(rule.target, []).append(name)
        for needed, wanted in rule.when.items():
            check_form(needed, wanted, source=sources[name], key=f"{name}.when.{needed}")
    for name in rules:
        _check_conditions(name, rules, by_target, sources[name])
    for names in by_target.values():
        _refuse_two(names, rules, sources)
    ordered: dict[str, Rule] = {}

    def asked(targets: Iterable[str], by: str) -> list[str]:
        return [
            other
            for target in targets
            for other in by_target.get(target, ())
            if not exclusive(rules[other].when, rules[by].when)
        ]

    def put(name: str, waiting: tuple[str, ...]) -> None:
        if name in waiting:
            circle = [*waiting[waiting.index(name) :], name]
            where = "when" if circle[1] in asked(rules[name].when, name) else "derived"
            problem = f"depends on itself: {' -> '.join(circle)}"
            raise BadInput(problem, source=sources[name], key=f"{name}.{where}", code="conflict")
        if name in ordered:
            return
        rule = rules[name]
        computed_from = rule.names if isinstance(rule, Determined) else ()
        for other in asked((*rule.when, *computed_from), name):
            put(other, (*waiting, name))
        ordered[name] = rule

    for name in rules:
        put(name, ())
    return ordered


def _check_conditions(name: str, rules: Mapping[str, Rule], by_target: Mapping[str, list[str]], source: str) -> None:
    """A condition on another rule must name values that it can have."""
    for needed, wanted in rules[name].when.items():
        key = f"{name}.when.{needed}"
        possible = [rules[other] for other in by_target.get(needed, ())]
        possible = [other for other in possible if not exclusive(other.when, rules[name].when)]
        definite = [other for other in possible if not isinstance(other, Derived)]
        if not definite or len(definite) < len(possible):
            continue  # it does not vary, or it is computed and may be anything
        if isinstance(wanted, Mapping):
            if not any(other.reach(wanted) for other in definite):
                problem = f"{needed} is never {bounds_in_words(wanted)}; it is {_range(definite[0])}"
                raise BadInput(problem, source=source, key=key)
            continue
        for value in listed(wanted):
            if not any(other.has(value) for other in definite):
                raise _other_values(value, definite[0]).at(source=source, key=key)


def _other_values(value: object, rule: Rule) -> BadInput:
    if isinstance(rule, Choice | Factor):
        return BadInput.unknown("value", str(value), map(str, rule.values))
    values = shown(rule.value) if isinstance(rule, Constant) else f"values of {_range(rule)}"
    return BadInput(found=shown(value), allowed=values)


def _range(rule: Rule) -> str:
    if isinstance(rule, Float | Int):
        return f"{rule.kind} [{rule.low}, {rule.high}]"
    if isinstance(rule, Choice | Factor):
        return " or ".join(map(shown, rule.values))
    return f"always {shown(rule.value)}" if isinstance(rule, Constant) else "computed"


def _refuse_two(names: list[str], rules: Mapping[str, Rule], sources: Mapping[str, str]) -> None:
    """A field has one rule at a time."""
    for number, name in enumerate(names):
        for other in names[:number]:
            if not exclusive(rules[name].when, rules[other].when):
                problem = f"sets {rules[name].target}, as {other} ({sources[other]}) does; remove one"
                raise BadInput(problem, source=sources[name], key=name, code="conflict")

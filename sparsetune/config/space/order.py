"""The order in which a point is made: as written, but for what an entry asks for, which comes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sparsetune.base.errors import BadInput, shown
from sparsetune.config.space.conditions import bounds_in_words, check_form, exclusive, listed
from sparsetune.config.space.parameters import Choice, Constant, Derived, Determined, Entry, Factor, Float, Int


def in_order(entries: Mapping[str, Entry], sources: Mapping[str, str]) -> dict[str, Entry]:
    """The entries, each after what its condition and its expression look at.

    Raises:
        BadInput: a condition that can never hold, entries that depend on themselves, two entries for one target.
    """
    by_target: dict[str, list[str]] = {}
    for name, entry in entries.items():
        by_target.setdefault(entry.target, []).append(name)
        for needed, wanted in entry.when.items():
            check_form(needed, wanted, source=sources[name], key=f"{name}.when.{needed}")
    for name in entries:
        _check_conditions(name, entries, by_target, sources[name])
    for names in by_target.values():
        _refuse_two(names, entries, sources)
    ordered: dict[str, Entry] = {}

    def asked(targets: Iterable[str], by: str) -> list[str]:
        return [
            other
            for target in targets
            for other in by_target.get(target, ())
            if not exclusive(entries[other].when, entries[by].when)
        ]

    def put(name: str, waiting: tuple[str, ...]) -> None:
        if name in waiting:
            circle = [*waiting[waiting.index(name) :], name]
            where = "when" if circle[1] in asked(entries[name].when, name) else "derived"
            problem = f"depends on itself: {' -> '.join(circle)}"
            raise BadInput(problem, source=sources[name], key=f"{name}.{where}", code="conflict")
        if name in ordered:
            return
        entry = entries[name]
        computed_from = entry.names if isinstance(entry, Determined) else ()
        for other in asked((*entry.when, *computed_from), name):
            put(other, (*waiting, name))
        ordered[name] = entry

    for name in entries:
        put(name, ())
    return ordered


def _check_conditions(name: str, entries: Mapping[str, Entry], by_target: Mapping[str, list[str]], source: str) -> None:
    """A condition on another entry must name values that it can have."""
    for needed, wanted in entries[name].when.items():
        key = f"{name}.when.{needed}"
        possible = [entries[other] for other in by_target.get(needed, ())]
        possible = [other for other in possible if not exclusive(other.when, entries[name].when)]
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


def _other_values(value: object, entry: Entry) -> BadInput:
    if isinstance(entry, Choice | Factor):
        return BadInput.unknown("value", str(value), map(str, entry.values))
    values = shown(entry.value) if isinstance(entry, Constant) else f"values of {_range(entry)}"
    return BadInput(found=shown(value), allowed=values)


def _range(entry: Entry) -> str:
    if isinstance(entry, Float | Int):
        return f"{entry.kind} [{entry.low}, {entry.high}]"
    if isinstance(entry, Choice | Factor):
        return " or ".join(map(shown, entry.values))
    return f"always {shown(entry.value)}" if isinstance(entry, Constant) else "computed"


def _refuse_two(names: list[str], entries: Mapping[str, Entry], sources: Mapping[str, str]) -> None:
    """A field has one entry at a time."""
    for number, name in enumerate(names):
        for other in names[:number]:
            if not exclusive(entries[name].when, entries[other].when):
                problem = f"sets {entries[name].target}, as {other} ({sources[other]}) does; remove one"
                raise BadInput(problem, source=sources[name], key=name, code="conflict")

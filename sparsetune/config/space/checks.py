"""The names and ends of a space: against the trial configs that it varies, or against all that could vary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from sparsetune.base.errors import BadInput
from sparsetune.config.overrides import assign, flatten
from sparsetune.config.registry import Registries
from sparsetune.config.space.branches import raw_bases
from sparsetune.config.space.conditions import matches
from sparsetune.config.space.parameters import Determined, Rule
from sparsetune.config.space.points import branch_of, corners, flat_base
from sparsetune.config.space.space import Space
from sparsetune.config.trial import NAMED, SECTIONS, TrialConfig, resolve_trial


def refuse_double(trial_raw: Mapping[str, Any], space: Space, path: Path) -> None:
    """A key has one place: the study file or the space."""
    written = flatten(trial_raw)
    short = {f"{name}.name" for name, value in written.items() if isinstance(value, str)}  # schedule: cosine
    for name, rule in space.rules.items():
        if rule.target in written or rule.target in short:
            where = space.sources[name]
            by = "the space of this file" if where == str(path) else where
            verb = "set" if isinstance(rule, Determined) else "varied"
            problem = f"written here and {verb} by {by}; remove one"
            raise BadInput(problem, source=path, key=rule.target, code="conflict")


def resolve_bases(
    trial_raw: Mapping[str, Any], space: Space, registries: Registries, *, source: object = ""
) -> dict[str, TrialConfig]:
    """The checked trial config of each branch before anything is drawn; ``{"": ...}`` where the space has none.

    Args:
        trial_raw: the sections of a trial config in a study file, those with branches as they stand there.

    Raises:
        BadInput: names file and key, also where a constant of the space is to blame.
    """
    bases = {}
    for branch, raw in raw_bases(trial_raw, space).items():
        try:
            bases[branch] = resolve_trial(raw, registries, source=source)
        except BadInput as error:
            blamed = [name for name, rule in space.determined.items() if rule.target == error.key]
            where = space.sources[blamed[0]] if blamed else source
            raise error.at(source=where) from None
    return bases


def check_space(bases: Mapping[str, TrialConfig], space: Space, registries: Registries) -> None:
    """Every name must be a field of the config, and the config must be valid at every corner of the space.

    Args:
        bases: from :func:`resolve_bases`.

    Raises:
        BadInput: names the space's file and key.
    """
    for each in bases.values():
        _check_names(each.plain(), space)
    check_corners(bases, space, lambda config: resolve_trial(config, registries))


def check_corners(bases: Mapping[str, TrialConfig], space: Space, check: Callable[[dict[str, Any]], object]) -> None:
    """Ask ``check`` of the plain config at every corner of the space.

    Raises:
        BadInput: what ``check`` raises, with the file of the space and the key.
    """
    plain = {branch: trial.plain() for branch, trial in bases.items()}
    for point in corners(space, flat_base(space, plain)):
        try:
            check(assign(plain[branch_of(space, point)], point))
        except BadInput as error:
            raise _blamed(error, point, space) from None


def _check_names(plain: Mapping[str, Any], space: Space) -> None:
    """All names that count in one branch."""
    fields = flatten(plain)
    branch = {f"{section}.name": plain[section]["name"] for section in space.chosen}
    for name, rule in space.rules.items():
        if all(matches(branch[key], wanted) for key, wanted in rule.when.items() if key in branch):
            for used, key in _uses(space.key(name), rule):
                if used not in fields:
                    where = f", where {' and '.join(f'{k} is {v}' for k, v in branch.items())}" if branch else ""
                    raise _unknown(used, fields).at(source=space.sources[name], key=key, more=where)


def _uses(key: str, rule: Rule) -> Iterator[tuple[str, str]]:
    """The dotted names of the trial config that a rule uses, each with its key in the file."""
    yield rule.target, key if key == rule.target else f"{key}.target"
    for condition in rule.when:
        yield condition, f"{key}.when"
    if isinstance(rule, Determined):
        yield from ((used, f"{key}.{rule.kind}") for used in rule.names)


def _blamed(error: BadInput, point: Mapping[str, Any], space: Space) -> BadInput:
    named = {rule.target: space.sources[name] for name, rule in space.rules.items() if rule.target in point}
    blamed = named.get(error.key, next(iter(named.values()), ""))
    at = "" if error.key in point or not point else f" (at {', '.join(f'{k}={v}' for k, v in point.items())})"
    return error.at(source=error.source or blamed, more=at)


def _unknown(name: str, fields: Iterable[str]) -> BadInput:
    """A name that is no field, with the nearest of its section."""
    section = name.partition(".")[0]
    siblings = [each for each in fields if each.partition(".")[0] == section]
    return BadInput.unknown("name", name, siblings) if siblings else BadInput.unknown("section", section, SECTIONS)


def check_names(space: Space, registries: Registries) -> None:
    """Each name must be a field of a trial config, and one method (data set, model) must have all that it needs.

    Raises:
        BadInput: names the space's file and key.
    """
    uses = [(name, used, key) for name, rule in space.rules.items() for used, key in _uses(name, rule)]
    for section in dict.fromkeys(used.partition(".")[0] for _, used, _ in uses):
        here = [use for use in uses if use[1].partition(".")[0] == section]
        fields_of = _fields(section, registries)
        what = getattr(registries, section).what if section in NAMED else ""
        fields = {each for names in fields_of.values() for each in names}
        for name, used, key in here:
            if used not in fields:
                none_has = f" (no {what} has it)"  # of all methods there are too many names to list
                error = BadInput.unknown("name", used, fields, more=none_has) if what else _unknown(used, fields)
                raise error.at(source=space.sources[name], key=key)
        together = [(name, used) for name, used, _ in here if f"{section}.name" not in (*space.rules[name].when, used)]
        wanted = {used for _, used in together}
        if not any(wanted <= names for names in fields_of.values()):
            problem = f"no {what} has all of {', '.join(sorted(wanted))}"
            raise BadInput(problem, source=space.sources[together[0][0]])


def _fields(section: str, registries: Registries) -> dict[str, set[str]]:
    """Dotted names of the fields of a section, for each thing that it can name."""
    if section in NAMED:
        registry = getattr(registries, section)
        return {name: set(_names(registry.get(name).Config, section)) for name in registry.names()}
    field = TrialConfig.model_fields.get(section)
    return {"": (set(_names(field.annotation, section)) or {section}) if field else set()}


def _names(annotation: Any, path: str) -> Iterator[str]:
    """Names below ``path``, those of every member of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield f"{path}.{name}"
            yield from _names(field.annotation, f"{path}.{name}")
    for part in get_args(annotation):
        yield from _names(part, path)

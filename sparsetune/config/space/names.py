"""The names of a space against all that could vary, without a study that says which method or data it is for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from sparsetune.base.errors import BadInput, unknown
from sparsetune.config.registry import Registries
from sparsetune.config.space import Space
from sparsetune.config.space.checks import names_of, refuse_unknown
from sparsetune.config.trial import NAMED, SECTIONS, TrialConfig


def check_names(space: Space, registries: Registries) -> None:
    """Each name must be a field of a trial config, and one method (data set, model) must have all that it needs.

    Raises:
        BadInput: names the space's file and key.
    """
    uses = [(name, used, key) for name, entry in space.entries.items() for used, key in names_of(name, entry)]
    for section in dict.fromkeys(used.partition(".")[0] for _, used, _ in uses):
        here = [use for use in uses if use[1].partition(".")[0] == section]
        has = _fields(section, registries)
        what = getattr(registries, section).what if section in NAMED else ""
        known = dict.fromkeys(each for names in has.values() for each in names)
        for name, used, key in here:
            _refuse_strange(what, used, known, source=space.sources[name], key=key)
        together = [
            (name, used) for name, used, _ in here if f"{section}.name" not in (*space.entries[name].when, used)
        ]
        wanted = {used for _, used in together}
        if not any(wanted <= names for names in has.values()):
            problem = f"no {what} has all of {', '.join(sorted(wanted))}"
            raise BadInput(problem, source=space.sources[together[0][0]])


def _refuse_strange(what: str, name: str, known: dict[str, None], *, source: str, key: str) -> None:
    if not what:
        refuse_unknown(name, known or dict.fromkeys(SECTIONS), source=source, key=key)
    elif name not in known:
        problem = unknown("name", name, known).partition(" (allowed")[0]  # of all methods: too many to list
        raise BadInput(f"{problem} (no {what} has it)", source=source, key=key)


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

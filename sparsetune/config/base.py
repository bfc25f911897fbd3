"""The base of every model in this package, and the field that documents itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar, get_origin

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo

EVALUATION = "evaluation"
"""The phase in which a field matters that changes no training: how predictions are made."""


class Model(BaseModel):
    """Immutable; strict about unknown keys and about types: neither ``true`` nor ``"1"`` is a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, raw: Any) -> Any:
        """A list, as YAML has it, for a tuple."""
        if not isinstance(raw, Mapping):
            return raw
        fields = cls.model_fields.items()
        tuples = {field.alias or name for name, field in fields if get_origin(field.annotation) is tuple}
        return {k: tuple(v) if k in tuples and isinstance(v, list) else v for k, v in raw.items()}


class Part(Model):
    """The settings of something that a registry knows by ``name``: a method, a data set, a model, a sampler."""

    name: str


def places(part: Model) -> dict[str, Any]:
    """The fields that say where something lies on this machine, with their values."""
    return {name: getattr(part, name) for name in names_of_places(type(part))}


def names_of_places(kind: type[Model]) -> list[str]:
    """The fields of a part that say where something lies."""
    return [name for name, field in kind.model_fields.items() if _notes(field).get("place")]


def phase_of(part: type[Part], field: str) -> str:
    """The first phase in which a field matters; empty if it does not say."""
    return str(_notes(part.model_fields[field]).get("phase", ""))


P = TypeVar("P", bound=Part)


def known_in(config: P, phases: Collection[str]) -> P:
    """A copy of a method's config that has only what matters in these phases: reading anything else is an error."""
    copy = config.model_copy()
    for name in type(config).model_fields:
        if phase_of(type(config), name) not in ("", *phases):
            del copy.__dict__[name]
    return copy


def needed_by(part: type[Part], field: str) -> str:
    """The field of the same part without which this one changes nothing; empty if there is none."""
    return str(_notes(part.model_fields[field]).get("needs", ""))


def _notes(field: FieldInfo) -> Mapping[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, Mapping) else {}


def param(
    default: Any,
    doc: str,
    *,
    unit: str = "",
    phase: str = "",
    source: str = "",
    place: bool = False,
    needs: str = "",
    **limits: Any,
) -> Any:
    """A documented field.

    Args:
        default: its value when nothing is written; ``...`` makes it required.
        doc: one sentence for ``--help`` and the documentation.
        unit: the unit of the value, if it has one.
        phase: for a method's field, the first phase of its plan in which the value matters.
        source: paper, section or design note that fixes the default or the formula.
        place: the value is a path, which differs between machines and is made absolute before it reaches a worker.
        needs: the field of the same part that has to be above 0 for the value to change anything.
        limits: pydantic's ``ge``, ``gt``, ``le``, ``lt``.
    """
    notes: dict[str, Any] = {"unit": unit, "phase": phase, "source": source, "place": place, "needs": needs}
    extra = {key: value for key, value in notes.items() if value}
    return Field(default, description=doc, json_schema_extra=extra or None, **limits)


def count_or_fraction(value: int | float) -> int | float:
    """The check of a field that is a count, or below 1 a fraction of all."""
    if isinstance(value, float) and value >= 1:
        raise ValueError(f"found {value}, allowed: a whole number from 1 (a count) or a float below 1 (a fraction)")
    return value

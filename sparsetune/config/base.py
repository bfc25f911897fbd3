"""The base of every model of a config, the field that documents itself, and what is wrong with a value in one line."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from sparsetune.base.errors import BadInput, shown

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
        tuples = {field.alias or name for name, field in fields if _takes_a_tuple(field.annotation)}
        return {k: tuple(v) if k in tuples and isinstance(v, list) else v for k, v in raw.items()}


def _takes_a_tuple(annotation: Any) -> bool:
    """Whether a field is one, or may be."""
    return get_origin(annotation) is tuple or any(get_origin(each) is tuple for each in get_args(annotation))


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


def of_phases(config: P, phases: Collection[str]) -> P:
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
        allowed = "a whole number from 1 (a count) or a float below 1 (a fraction)"
        raise BadInput(found=f"{value}", allowed=allowed)
    return value


M = TypeVar("M", bound=BaseModel)
Path = tuple[str | int, ...]

TEXT = "text (a number or a date needs quotes)"
_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": TEXT,
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "greater_than": "above {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "below {lt:g}",
    "less_than_equal": "at most {le:g}",
    "literal_error": "{expected}",
}


def expand_name(value: Any) -> Any:
    """``cosine`` is short for ``{name: cosine}``."""
    return {"name": value} if isinstance(value, str) else value


def check_model(model: type[M], raw: Any, *, source: object = "", key: str = "") -> M:
    """``model`` built from plain values; the first thing that is wrong becomes a :class:`BadInput`."""
    if not isinstance(raw, Mapping):
        allowed = f"a mapping with {', '.join(model.model_fields)}"
        raise BadInput(found=shown(raw), allowed=allowed, source=source, key=key)
    try:
        return model.model_validate(dict(raw))
    except ValidationError as error:
        problems = error.errors(include_url=False)
        problems.sort(key=lambda each: each["type"] == "missing")  # a misspelt key tells more than what it leaves out
        where = _keys_only(raw, problems[0])
        here = [each for each in problems if _keys_only(raw, each) == where]  # of a union each member complains
        dotted = ".".join(map(str, [key, *where] if key else where))
        refusal = _refusal(model, here, where)
        raise refusal.at(source=source, key=f"{dotted}.{refusal.key}" if refusal.key else dotted) from None


def _refusal(model: type[BaseModel], errors: Sequence[Any], where: Path) -> BadInput:
    first = errors[0]
    kind, path = first["type"], first["loc"]
    context = first.get("ctx", {})
    if kind == "extra_forbidden":
        return BadInput.unknown("key", str(where[-1]), _fields_at(model, path[:-1]))
    if kind == "missing":
        return BadInput("missing", code="missing")
    if kind == "union_tag_invalid":
        names = [name.strip(" '") for name in context["expected_tags"].split(",")]
        return BadInput.unknown("name", str(context["tag"]), names)
    if kind == "value_error":
        error = context["error"]
        return error if isinstance(error, BadInput) else BadInput(str(error))
    if kind == "union_tag_not_found":
        names = [each.model_fields["name"].default for each in _models_at(model, path)]
        return BadInput(found=shown(first["input"]), allowed=f"a mapping with a name ({', '.join(names)})")
    wanted = dict.fromkeys(_wanted(each, model) for each in errors)
    if _WANTED["float_type"] in wanted:
        wanted.pop(_WANTED["int_type"], None)
    return BadInput(found=shown(first["input"]), allowed=" or ".join(wanted))


def _wanted(error: Any, model: type[BaseModel]) -> str:
    if error["type"] in ("model_type", "model_attributes_type"):
        return f"a mapping with {', '.join(dict.fromkeys(_fields_at(model, error['loc'])))}"
    form = _WANTED.get(error["type"])
    return form.format(**error.get("ctx", {})) if form else str(error["msg"]).removeprefix("Input should be ")


def _fields_at(model: type[BaseModel], path: Path) -> list[str]:
    return [name for each in _models_at(model, path) for name in each.model_fields]


def _models_at(model: type[BaseModel], path: Path) -> list[type[BaseModel]]:
    """The models at ``path`` (a union's tag counts as a step)."""
    candidates: list[type[BaseModel]] = [model]
    for step in path:
        following: list[type[BaseModel]] = []
        for candidate in candidates:
            if step in candidate.model_fields:
                following += _models_in(candidate.model_fields[str(step)].annotation)
        tagged = [c for c in candidates if c.model_fields.get("name") and c.model_fields["name"].default == step]
        candidates = following or tagged or candidates
    return candidates


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [each for part in getattr(annotation, "__args__", ()) for each in _models_in(part)]


def _keys_only(raw: Any, error: Any) -> Path:
    """Where an error is, without the steps that name a member of a union or a function rather than a key."""
    keys: list[str | int] = []
    node = raw
    for step in error["loc"]:
        here = expand_name(node)
        listed = isinstance(step, int) and isinstance(here, list | tuple)
        if listed or (isinstance(here, Mapping) and step in here):
            node = here[step]
        elif error["type"] != "missing" or step != error["loc"][-1]:
            continue
        keys.append(step)
    return tuple(keys)

"""pydantic's findings as one line of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sparsetune.base.errors import BadInput, shown, unknown

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
        problem = f"found {shown(raw)}, allowed: a mapping with {', '.join(model.model_fields)}"
        raise BadInput(problem, source=source, key=key)
    try:
        return model.model_validate(dict(raw))
    except ValidationError as error:
        found = error.errors(include_url=False)
        found.sort(key=lambda each: each["type"] == "missing")  # a misspelt key tells more than the one it leaves out
        where = _keys_only(raw, found[0])
        here = [each for each in found if _keys_only(raw, each) == where]  # of a union each member complains
        problem = _problem(model, here, where)
        raise BadInput(problem, source=source, key=".".join(map(str, [key, *where] if key else where))) from None


def _problem(model: type[BaseModel], errors: Sequence[Any], where: Path) -> str:
    first = errors[0]
    kind, path = first["type"], first["loc"]
    context = first.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown("key", str(where[-1]), _fields_at(model, path[:-1]))
    if kind == "missing":
        return "missing"
    if kind == "union_tag_invalid":
        return unknown("name", str(context["tag"]), _names(context["expected_tags"]))
    if kind == "union_tag_not_found":
        names = ", ".join(each.model_fields["name"].default for each in _models_at(model, path))
        return f"found {shown(first['input'])}, allowed: a mapping with a name ({names})"
    if kind == "value_error":
        return str(first["msg"]).removeprefix("Value error, ")
    wanted = dict.fromkeys(_wanted(each, model) for each in errors)
    if _WANTED["float_type"] in wanted:
        wanted.pop(_WANTED["int_type"], None)
    return f"found {shown(first['input'])}, allowed: {' or '.join(wanted)}"


def _wanted(error: Any, model: type[BaseModel]) -> str:
    if error["type"] in ("model_type", "model_attributes_type"):
        return f"a mapping with {', '.join(dict.fromkeys(_fields_at(model, error['loc'])))}"
    form = _WANTED.get(error["type"])
    return form.format(**error.get("ctx", {})) if form else str(error["msg"]).removeprefix("Input should be ")


def _names(listed: str) -> list[str]:
    return [name.strip(" '") for name in listed.split(",")]


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
    return [found for part in getattr(annotation, "__args__", ()) for found in _models_in(part)]


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

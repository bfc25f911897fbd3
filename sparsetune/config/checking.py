"""pydantic's findings as one line of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sparsetune.config.errors import BadInput, unknown

M = TypeVar("M", bound=BaseModel)


def expand_name(value: Any) -> Any:
    """``cosine`` is short for ``{name: cosine}``."""
    return {"name": value} if isinstance(value, str) else value


def check_model(model: type[M], raw: Any, *, source: object = "", key: str = "") -> M:
    """``model`` built from plain values; the first thing that is wrong becomes a :class:`BadInput`."""
    if not isinstance(raw, Mapping):
        raise BadInput(
            f"found {raw!r}, allowed: a mapping with {', '.join(model.model_fields)}", source=source, key=key
        )
    try:
        return model.model_validate(dict(raw))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = [str(part) for part in first["loc"] if not str(part).startswith("function-")]
        if first["type"] == "extra_forbidden":
            problem = unknown("key", where[-1], _fields_at(model, where[:-1]))
        elif first["type"] == "missing":
            problem = "missing"
        else:
            problem = _sentence(first)
        where = _keys_only(raw, where)
        raise BadInput(problem, source=source, key=".".join([key, *where] if key else where)) from None


def _sentence(first: Any) -> str:
    problem = str(first["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    if first["type"] == "value_error":
        return problem
    return f"found {first['input']!r}, allowed: {problem.removeprefix('should be ')}"


def _fields_at(model: type[BaseModel], path: list[str]) -> list[str]:
    """The field names of the model at ``path`` (a union's tag counts as a step)."""
    candidates: list[type[BaseModel]] = [model]
    for step in path:
        following: list[type[BaseModel]] = []
        for candidate in candidates:
            if step in candidate.model_fields:
                following += _models_in(candidate.model_fields[step].annotation)
        tagged = [c for c in candidates if c.model_fields.get("name") and c.model_fields["name"].default == step]
        candidates = following or tagged or candidates
    return [name for candidate in candidates for name in candidate.model_fields]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in getattr(annotation, "__args__", ()) for found in _models_in(part)]


def _keys_only(raw: Any, path: list[str]) -> list[str]:
    """The path without the steps that name a member of a union (its ``name``) rather than a key."""
    keys, node = [], raw
    for step in path:
        here = expand_name(node)
        if isinstance(here, Mapping) and step not in here and here.get("name") == step:
            continue
        keys.append(step)
        node = here.get(step) if isinstance(here, Mapping) else None
    return keys

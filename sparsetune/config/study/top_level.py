"""The keys at the top of a file: of which kind of file are they, and what was meant by one that is unknown?

A study, a trial's config and a search space look alike. To be told which one it is helps more than a list of keys.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel

from sparsetune.base.errors import BadInput, unknown
from sparsetune.config.checking import expand_name
from sparsetune.config.own import KEY
from sparsetune.config.registry import Registries
from sparsetune.config.study.file import Budget, Resources, StudyFile, Tracking
from sparsetune.config.trial import NAMED, SECTIONS, Measurement, Training

Kind = Literal["study", "trial", "space"]

FILE_KEYS = frozenset(each.alias or name for name, each in StudyFile.model_fields.items())
STUDY_KEYS = frozenset((*FILE_KEYS, *SECTIONS))
TRIAL_KEYS = frozenset(SECTIONS)
_STUDY_MARKS = frozenset(("study", "objectives", "budget", "space"))
_MODELS: dict[str, type[BaseModel]] = {
    "training": Training,
    "metrics": Measurement,
    "budget": Budget,
    "resources": Resources,
    "tracking": Tracking,
}
_HINTS: dict[Kind, str] = {
    "study": "this seems to be a study: start it with `sparsetune study {file}`",
    "trial": "this seems to be the config of a single trial: train it with `sparsetune run {file}`",
    "space": "this seems to be a search space: a study names it (`space: {name}`), `sparsetune spaces {name}` shows it",
}


def kind_of(raw: Mapping[str, Any]) -> Kind | None:
    """What a file with these keys seems to be; None if it could be anything."""
    if not raw:
        return None
    if all("." in key or key == "include" for key in raw):
        return "space"
    if len(_STUDY_MARKS & raw.keys()) > 1:
        return "study"
    return "trial" if raw.keys() <= {*TRIAL_KEYS, KEY} else None


def refuse_other_kind(raw: Mapping[str, Any], wanted: Kind, source: Any) -> None:
    """Raise :class:`BadInput` for a file that seems to be of another kind, with the command that takes it."""
    kind = kind_of(raw)
    if kind not in (wanted, None):
        hint = _HINTS[kind].format(file=shlex.quote(str(source)), name=source.stem)
        raise BadInput(hint, source=source)


def refuse_unknown(raw: Mapping[str, Any], allowed: Collection[str], registries: Registries, source: object) -> None:
    """Raise :class:`BadInput` for an unknown key; one that a section has (``epochs``) is shown with it."""
    for key in raw:
        if key not in allowed:
            sections = ((name, fields) for name, fields in _sections(raw, registries) if name in allowed)
            deeper = [f"'{name}.{key}'" for name, fields in sections if key in fields]
            meant = f"unknown key {key!r}; did you mean {' or '.join(deeper)}?"
            raise BadInput(meant if deeper else unknown("key", key, allowed), source=source, key=key)


def _sections(raw: Mapping[str, Any], registries: Registries) -> Iterator[tuple[str, Collection[str]]]:
    """Each section with the names of its fields."""
    for section, model in _MODELS.items():
        yield section, model.model_fields
    for section in NAMED:
        spec = expand_name(raw.get(section))
        name = spec.get("name") if isinstance(spec, Mapping) else None
        registry = getattr(registries, section)
        if name in registry.names():
            yield section, registry.get(name).Config.model_fields

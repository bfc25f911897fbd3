"""A space against the trial config that it varies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparsetune.config.errors import BadInput, unknown
from sparsetune.config.overrides import assign, flatten
from sparsetune.config.registry import Registries
from sparsetune.config.space import Space, corners
from sparsetune.config.trial import SECTIONS, TrialConfig, resolve_trial


def refuse_double(trial_raw: Mapping[str, Any], space: Space, path: Path) -> None:
    """A key has one place: the study file or the space."""
    written = flatten(trial_raw)
    short = {f"{name}.name" for name, value in written.items() if isinstance(value, str)}  # schedule: cosine
    for name in space.parameters:
        if name in written or name in short:
            where = space.sources[name]
            by = "the space of this file" if where == str(path) else where
            raise BadInput(f"written here and varied by {by}; remove one", source=path, key=name)


def check_space(trial: TrialConfig, space: Space, registries: Registries) -> None:
    """Every name must be a field of the config, and the config must be valid at every corner of the space."""
    plain = trial.plain()
    known = flatten(plain)
    for name, parameter in space.parameters.items():
        _refuse_unknown(name, known, source=space.sources[name], key=name)
        for condition in parameter.when:
            _refuse_unknown(condition, known, source=space.sources[name], key=f"{name}.when")
    for point in corners(space, known):
        try:
            resolve_trial(assign(plain, point), registries)
        except BadInput as error:
            blamed = error.key if error.key in point else next(iter(point))
            at = "" if error.key in point else f" (at {', '.join(f'{k}={v}' for k, v in point.items())})"
            raise BadInput(error.problem + at, source=space.sources[blamed], key=error.key) from None


def _refuse_unknown(name: str, known: Mapping[str, Any], *, source: str, key: str) -> None:
    if name in known:
        return
    section = name.partition(".")[0]
    siblings = [each for each in known if each.partition(".")[0] == section]
    problem = unknown("name", name, siblings) if siblings else unknown("section", section, SECTIONS)
    raise BadInput(problem, source=source, key=key)

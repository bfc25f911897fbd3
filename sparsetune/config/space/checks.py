"""A space against the trial configs that it varies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sparsetune.base.errors import BadInput, unknown
from sparsetune.config.overrides import assign, flatten
from sparsetune.config.registry import Registries
from sparsetune.config.space import Space, corners, flat_base, raw_bases
from sparsetune.config.space.conditions import matches
from sparsetune.config.space.parameters import Determined, Entry
from sparsetune.config.space.points import branch_of
from sparsetune.config.trial import SECTIONS, TrialConfig, resolve_trial


def refuse_double(trial_raw: Mapping[str, Any], space: Space, path: Path) -> None:
    """A key has one place: the study file or the space."""
    written = flatten(trial_raw)
    short = {f"{name}.name" for name, value in written.items() if isinstance(value, str)}  # schedule: cosine
    for name, entry in space.entries.items():
        if entry.target in written or entry.target in short:
            where = space.sources[name]
            by = "the space of this file" if where == str(path) else where
            verb = "set" if isinstance(entry, Determined) else "varied"
            raise BadInput(f"written here and {verb} by {by}; remove one", source=path, key=entry.target)


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
            blamed = [name for name, entry in space.determined.items() if entry.target == error.key]
            where = space.sources[blamed[0]] if blamed else source
            raise BadInput(error.problem, source=where, key=error.key) from None
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
    known = flatten(plain)
    branch = {f"{section}.name": plain[section]["name"] for section in space.chosen}
    for name, entry in space.entries.items():
        if all(matches(branch[key], wanted) for key, wanted in entry.when.items() if key in branch):
            for used, key in names_of(space.key(name), entry):
                try:
                    refuse_unknown(used, known, source=space.sources[name], key=key)
                except BadInput as error:
                    where = f", where {' and '.join(f'{k} is {v}' for k, v in branch.items())}" if branch else ""
                    raise BadInput(f"{error.problem}{where}", source=error.source, key=error.key) from None


def names_of(key: str, entry: Entry) -> Iterator[tuple[str, str]]:
    """The dotted names of the trial config that an entry uses, each with its key in the file."""
    yield entry.target, key if key == entry.target else f"{key}.target"
    for condition in entry.when:
        yield condition, f"{key}.when"
    if isinstance(entry, Determined):
        yield from ((used, f"{key}.{entry.kind}") for used in entry.names)


def _blamed(error: BadInput, point: Mapping[str, Any], space: Space) -> BadInput:
    named = {entry.target: space.sources[name] for name, entry in space.entries.items() if entry.target in point}
    blamed = named.get(error.key, next(iter(named.values()), ""))
    at = "" if error.key in point or not point else f" (at {', '.join(f'{k}={v}' for k, v in point.items())})"
    return BadInput(error.problem + at, source=error.source or blamed, key=error.key)


def refuse_unknown(name: str, known: Mapping[str, Any], *, source: str, key: str) -> None:
    """Raise :class:`BadInput` for a name that is none of the known ones, with the nearest of its section."""
    if name in known:
        return
    section = name.partition(".")[0]
    siblings = [each for each in known if each.partition(".")[0] == section]
    problem = unknown("name", name, siblings) if siblings else unknown("section", section, SECTIONS)
    raise BadInput(problem, source=source, key=key)

"""Where a study begins: points that are given, and what other studies know of them (``start_with``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sparsetune.config.errors import BadInput, shown, unknown
from sparsetune.config.messages import Trial
from sparsetune.config.study import Study
from sparsetune.search.known import Results
from sparsetune.search.storage import StoredStudy, read_keys, read_study

POINTS = "points"  # the study's attribute with those that it began with
_KEY = "start_with"
_OF_STUDIES: dict[str, Callable[[StoredStudy], list[Trial]]] = {
    "best_of": lambda stored: stored.front,
    "all_of": lambda stored: [trial for trial in stored.trials if trial.state == "COMPLETE"],
}


@dataclass(frozen=True)
class Points:
    """Given points, in order, each as parameters by the name that Optuna knows; and results of other studies by key."""

    given: list[dict[str, Any]] = field(default_factory=list)
    results: Results = field(default_factory=dict)

    @staticmethod
    def of(study: Study, warn: Callable[[str], None]) -> Points:
        """What ``start_with`` means now; later runs of the study go by what it meant at the first.

        Raises:
            BadInput: a point outside the space, a study that is not there or whose best lies outside the space.
        """
        given: list[dict[str, Any]] = []
        results: dict[str, Any] = {}
        for number, entry in enumerate(study.start_with):
            key = f"{_KEY}.{number}"
            if not isinstance(entry, Mapping) or not entry:
                allowed = "a mapping of parameters to values, {best_of: STUDY} or {all_of: STUDY}"
                raise BadInput(f"found {shown(entry)}, allowed: {allowed}", source=study.source, key=key)
            named = next((word for word in _OF_STUDIES if word in entry), "")
            if not named:
                given.append(_point(study, entry, key))
                continue
            found, known = _of_study(study, named, entry, key, warn)
            given += found
            results |= known
        distinct = {repr(sorted(point.items())): point for point in given}
        return Points(list(distinct.values()), results)


def _of_study(
    study: Study, named: str, entry: Mapping[str, Any], key: str, warn: Callable[[str], None]
) -> tuple[list[dict[str, Any]], Results]:
    name = entry[named]
    if len(entry) > 1 or not isinstance(name, str):
        raise BadInput(f"found {shown(dict(entry))}, allowed: {{{named}: STUDY}}", source=study.source, key=key)
    try:
        stored = read_study(study.storage, name)
    except BadInput as error:
        raise BadInput(error.problem, source=study.source, key=f"{key}.{named}") from None
    trials = {trial.number: trial for trial in _OF_STUDIES[named](stored)}
    agreeing = {number: trial for number, trial in trials.items() if not _outside(study, _drawn(study, trial))}
    left_out = len(trials) - len(agreeing)
    if not agreeing:
        why = next((_outside(study, _drawn(study, trial)) for trial in trials.values()), "it has no complete trial")
        raise BadInput(f"nothing of {name!r} can be taken: {why}", source=study.source, key=f"{key}.{named}")
    if left_out:
        warn(f"start_with: {left_out} of {len(trials)} trials of {name!r} lie outside this space and are left out")
    keys = read_keys(study.storage, name)
    known = {
        keys[number]: (f"trial {number} of {name}", stored.trials[number].runs) for number in agreeing if number in keys
    }
    return [_drawn(study, stored.trials[number]) for number in sorted(agreeing)], known


def _drawn(study: Study, trial: Trial) -> dict[str, Any]:
    """A trial's parameters, without what the other study forked and this one forks too."""
    return {name: value for name, value in trial.params.items() if name not in study.fork}


def _point(study: Study, entry: Mapping[str, Any], key: str) -> dict[str, Any]:
    point = dict(entry)
    problem = _outside(study, point)
    if problem:
        raise BadInput(problem, source=study.source, key=key)
    return point


def _outside(study: Study, point: Mapping[str, Any]) -> str:
    """Why a point cannot be drawn in the study's space; empty if it can."""
    return next(_problems(study, point), "")


def _problems(study: Study, point: Mapping[str, Any]) -> Iterator[str]:
    parameters = study.space.parameters
    for name, value in point.items():
        if name in study.space.factors:
            yield f"{name!r} is a factor, with which every point is crossed"
        elif name not in parameters:
            yield unknown("parameter", name, parameters)
        elif not parameters[name].has(value):
            yield f"{name} = {shown(value)} lies outside {', '.join(map(str, parameters[name].ends))}"

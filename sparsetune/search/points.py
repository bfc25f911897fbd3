"""Where a study begins: points, and the results that other studies have of them (``start_with``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sparsetune.base.errors import BadInput, shown
from sparsetune.base.messages import Key, Run, Trial
from sparsetune.config.space.cells import cells, holds
from sparsetune.config.space.space import Space
from sparsetune.config.study.study import Study
from sparsetune.search.agreement import Point, carried_over, written_point
from sparsetune.search.definition import stored_study
from sparsetune.search.duplicates import Results
from sparsetune.search.storage import StoredStudy, read_study

POINTS, RESULTS = "points", "results"  # the study's attributes with what it began with
_KEY = "start_with"
_ALLOWED = "a mapping of parameters to values, {best_of: STUDY} or {all_of: STUDY}"
_OF_STUDIES: dict[str, Callable[[StoredStudy], list[Trial]]] = {
    "best_of": lambda stored: stored.front,
    "all_of": lambda stored: [row for row in stored.rows if row.state == "COMPLETE"],
}


@dataclass(frozen=True)
class Points:
    """Points that are tried first, in order, and results of other studies by key.

    A point holds parameters by the name that Optuna knows, and values of factors if it is for their cells alone.
    """

    points: list[Point] = field(default_factory=list)
    results: Results = field(default_factory=dict)

    @staticmethod
    def of(study: Study, warn: Callable[[str], None]) -> Points:
        """What ``start_with`` means; of a study that has begun, what it meant then.

        Raises:
            BadInput: a point outside the space, a study that is not there or of which nothing agrees with the space.
        """
        if not study.start_with:
            return Points()
        stored = stored_study(study)
        begun = stored and Points.kept(stored[0].get_study_user_attrs(stored[1]))
        return begun or _read(study, warn)

    @staticmethod
    def kept(attributes: Mapping[str, Any]) -> Points | None:
        """Those of a study that has begun, from its attributes; None if it has none."""
        if POINTS not in attributes:
            return None
        results = {
            key: (named, tuple(Run(**{**run, "key": Key(**run["key"])}) for run in runs))
            for key, (named, runs) in attributes.get(RESULTS, {}).items()
        }
        return Points(attributes[POINTS], results)

    def attributes(self) -> dict[str, Any]:
        """What :meth:`kept` wants, in the order in which it is to be written."""
        results = {key: [named, [asdict(run) for run in runs]] for key, (named, runs) in self.results.items()}
        return {RESULTS: results, POINTS: self.points}


def crossed(points: Sequence[Point], space: Space) -> list[tuple[int, Point]]:
    """The trials with which a study begins: each point in each of its cells, by the cell's index; none twice."""
    trials: dict[str, tuple[int, Point]] = {}
    divided = list(enumerate(cells(space)))
    for point in points:
        for index, factors in divided:
            if holds(space, factors, point):
                params = {name: value for name, value in point.items() if name not in factors}
                trials.setdefault(repr((index, sorted(params.items()))), (index, params))
    return list(trials.values())


def in_turn(drawn: Sequence[int], sizes: Sequence[int | None]) -> int:
    """The index of the cell from which the next trial comes: of those with points left one that had the fewest trials.

    Args:
        drawn: trials of each cell, without those that it began with.
        sizes: the points of each, None without end.
    """
    left = [index for index, size in enumerate(sizes) if size is None or drawn[index] < size]
    return min(left or range(len(drawn)), key=lambda index: drawn[index])


def _read(study: Study, warn: Callable[[str], None]) -> Points:
    points: list[Point] = []
    results: dict[str, Any] = {}
    for number, item in enumerate(study.start_with):
        key = f"{_KEY}.{number}"
        if not isinstance(item, Mapping) or not item:
            raise BadInput(found=shown(item), allowed=_ALLOWED, source=study.source, key=key)
        word = next((word for word in _OF_STUDIES if word in item), "")
        if not word:
            points.append(written_point(study, item, key))
            continue
        if len(item) > 1 or not isinstance(item[word], str):
            raise BadInput(found=shown(dict(item)), allowed=f"{{{word}: STUDY}}", source=study.source, key=key)
        try:
            of_study = _of_study(study, word, item[word], warn)
        except BadInput as error:
            raise error.at(source=study.source, key=f"{key}.{word}") from None
        points += of_study.points
        results |= of_study.results
    return Points(points, results)


def _of_study(study: Study, word: str, name: str, warn: Callable[[str], None]) -> Points:
    """The points of another study, and its results of them."""
    stored = read_study(study.storage, name)
    rows = _OF_STUDIES[word](stored)
    points: list[Point] = []
    problems: list[str] = []
    results: dict[str, Any] = {}
    for row in rows:
        try:
            points.append(carried_over(study, row))
        except BadInput as error:
            problems.append(f"trial {row.label}: {error.sentence}")
            continue
        if row.number in stored.keys and stored.trials[row.number].state == "COMPLETE":
            results[stored.keys[row.number]] = (f"trial {row.number} of {name}", stored.trials[row.number].runs)
    if not points:
        why = problems[0] if problems else "it has no complete trial that meets its constraints"
        raise BadInput(f"nothing of {name!r} can be taken: {why}")
    if problems:
        warn(
            f"start_with: {len(problems)} of {len(rows)} rows of {name!r} lie outside this space and are left out "
            f"({problems[0]})"
        )
    if word == "best_of":  # a start for every cell that has its branch
        left = study.space.factors.keys() - {f"{section}.name" for section in study.space.chosen}
        points = [{key: value for key, value in each.items() if key not in left} for each in points]
    return Points(points, results)

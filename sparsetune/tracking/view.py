"""What a study's page in MLflow shows: its columns, and charts in named sections. Knows nothing of MLflow's fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, islice

from sparsetune.base.messages import Trial
from sparsetune.config.overrides import flatten
from sparsetune.tracking.naming import clean
from sparsetune.tracking.places import BROKEN, FRONT, NUMBER, ROLE, STATE
from sparsetune.tracking.subject import Subject, drawn, table_columns
from sparsetune.tracking.view_state import Axis, Chart, Column, Section, document, metric, param

_MOST_PAIRS = 3  # of objectives
_MOST_CURVES = 4
_FALLBACK = "val_loss"  # a curve that every trial has


def view_of(subject: Subject, rows: Sequence[Trial], matter: Sequence[str]) -> str:
    """The view of a study, as a tag of its experiment holds it.

    Args:
        rows: of the study's table.
        matter: drawn parameters, the one that matters most first; empty where that is not known.
    """
    first = subject.objectives[0]
    return document(
        f"tags.`{ROLE}` = 'trial'",
        ("metrics", clean(first.metric)),
        first.goal == "minimize",
        columns(subject, rows),
        [each for each in sections(subject, rows, matter) if each.charts],
        list(dict.fromkeys(name.partition("/")[0] for row in rows for name in row.metrics if "/" in name)),
    )


def columns(subject: Subject, rows: Sequence[Trial]) -> list[Column]:
    """Objectives, what is constrained, what was drawn; then tags that say how a row stands."""
    tags = [FRONT, *([] if all(row.feasible for row in rows) else [BROKEN]), STATE]
    return [
        *(("metrics", clean(name)) for name in table_columns(subject, rows)),
        *(("params", clean(name)) for name in drawn(rows)),
        *(("tags", name) for name in tags),
    ]


def sections(subject: Subject, rows: Sequence[Trial], matter: Sequence[str]) -> Iterator[Section]:
    """All sections, some of which may be empty."""
    complete = [row for row in rows if row.state == "COMPLETE"]
    names = [each.metric for each in subject.objectives]
    if len(names) > 1:
        pairs = islice(combinations(names, 2), _MOST_PAIRS)
        yield Section("Objectives", tuple(_against(right, left) for left, right in pairs))
    else:
        yield Section("History", (Chart("SCATTER", (param(NUMBER), metric(clean(names[0])))),))
    for title, axes in _parallels(names, complete):
        yield Section(title, (Chart("PARALLEL", axes),))
    yield Section("What matters most", tuple(_contour(names[0], complete, matter)))
    learnt = [name for name in names if subject.by_epoch(name, rows)] or [_FALLBACK]
    yield Section("Learning curves", tuple(map(_curve, learnt)))
    methods = ", ".join(dict.fromkeys(_method(row) for row in complete))
    yield Section(f"Method: {methods}", tuple(_of_method(subject, names[0], complete)))


def _against(across: str, up: str) -> Chart:
    return Chart("SCATTER", (metric(clean(across)), metric(clean(up))))


def _curve(name: str) -> Chart:
    return Chart("LINE", (metric(clean(name)),))


def _parallels(objectives: Sequence[str], rows: Sequence[Trial]) -> Iterator[tuple[str, tuple[Axis, ...]]]:
    """What all rows have; where methods draw parameters of their own, those of each of them too."""
    of_all = _varying(rows)
    shown = tuple(metric(clean(name)) for name in objectives)
    if of_all:
        yield "Parameters", (*map(param, map(clean, of_all)), *shown)
    methods = dict.fromkeys(_method(row) for row in rows)
    for method in methods if len(methods) > 1 else ():
        own = _varying([row for row in rows if _method(row) == method])
        if set(own) - set(of_all):
            yield f"Parameters of {method}", (*map(param, map(clean, own)), *shown)


def _contour(objective: str, rows: Sequence[Trial], matter: Sequence[str]) -> Iterator[Chart]:
    """The objective over the two that matter most of those that are numbers in all rows."""
    numeric = [name for name in matter if rows and all(_is_number(row.params.get(name)) for row in rows)]
    if len(numeric) >= 2:
        yield Chart("CONTOUR", (*map(param, map(clean, numeric[:2])), metric(clean(objective))))


def _of_method(subject: Subject, objective: str, rows: Sequence[Trial]) -> Iterator[Chart]:
    """What methods measure of themselves by epoch; where they prune, the objective over what is kept."""
    yield from map(_curve, subject.of_methods(rows)[:_MOST_CURVES])
    kept = {row.metrics.get("density") for row in rows}
    if len(kept - {None}) > 1 and objective != "density":
        yield _against("density", objective)


def _varying(rows: Sequence[Trial]) -> list[str]:
    """Drawn names of which all rows have a value in MLflow, where a config stands as a whole, and not all the same."""
    values = [{**flatten(row.config), **row.params} for row in rows]
    shared = [name for name in drawn(rows) if all(name in each for each in values)]
    return [name for name in shared if len({str(each[name]) for each in values}) > 1]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _method(row: Trial) -> str:
    return str(row.config.get("method", {}).get("name", ""))

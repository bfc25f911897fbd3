"""What a study's page in MLflow shows: its columns, and charts in named sections. Knows nothing of MLflow's fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, islice

from sparsetune.base.messages import Trial
from sparsetune.config.overrides import flatten
from sparsetune.tracking.page_state import Axis, AxisKind, Chart, Column, Section, document
from sparsetune.tracking.run_keys import BROKEN, FRONT, NUMBER, ROLE, STATE
from sparsetune.tracking.subject import Subject, drawn, table_columns

_MOST_PAIRS = 3  # of objectives
_MOST_CURVES = 4
_FALLBACK = "val_loss"  # a curve that every trial has


def page_of(subject: Subject, rows: Sequence[Trial], matter: Sequence[str]) -> str:
    """The page of a study, as a tag of its experiment holds it.

    Args:
        rows: of the study's table.
        matter: drawn parameters, the one that matters most first; empty where that is not known.
    """
    first = subject.objectives[0]
    families = dict.fromkeys(name.partition("/")[0] for row in rows for name in row.metrics if "/" in name)
    return document(
        f"tags.`{ROLE}` = 'trial'",
        ("metrics", first.metric),
        first.goal == "minimize",
        columns(subject, rows),
        [each for each in sections(subject, rows, matter) if each.charts],
        list(families),
    )


def columns(subject: Subject, rows: Sequence[Trial]) -> list[Column]:
    """Objectives, what is constrained, what was drawn; then tags that say how a row stands."""
    tags = [FRONT, *([] if all(row.feasible for row in rows) else [BROKEN]), STATE]
    kinds = {"metrics": table_columns(subject, rows), "params": drawn(rows), "tags": tags}
    return [(kind, name) for kind, names in kinds.items() for name in names]


def sections(subject: Subject, rows: Sequence[Trial], matter: Sequence[str]) -> Iterator[Section]:
    """All sections, some of which may be empty."""
    complete = [row for row in rows if row.state == "COMPLETE"]
    names = [each.metric for each in subject.objectives]
    objectives = _axes("METRIC", names)
    if len(names) > 1:
        pairs = islice(combinations(objectives, 2), _MOST_PAIRS)
        yield Section("Objectives", tuple(Chart("SCATTER", (across, up)) for up, across in pairs))
    else:
        yield Section("History", (Chart("SCATTER", (("PARAM", NUMBER), *objectives)),))
    methods = list(dict.fromkeys(map(_method, complete)))
    of_all = _varying(complete)
    if of_all:
        yield Section("Parameters", (Chart("PARALLEL", (*_axes("PARAM", of_all), *objectives)),))
    for method in methods if len(methods) > 1 else ():
        own = _varying([row for row in complete if _method(row) == method])
        if set(own) - set(of_all):
            chart = Chart("PARALLEL", (*_axes("PARAM", own), *objectives))
            yield Section(f"Parameters of {method}", (chart,))
    numeric = [name for name in matter if complete and all(_is_number(row.params.get(name)) for row in complete)]
    contour = Chart("CONTOUR", (*_axes("PARAM", numeric[:2]), objectives[0]))
    yield Section("What matters most", (contour,) if len(numeric) > 1 else ())
    learnt = [name for name in names if subject.by_epoch(name, rows)] or [_FALLBACK]
    yield Section("Learning curves", _curves(learnt))
    charts = _curves(subject.of_methods(complete)[:_MOST_CURVES])
    kept = {row.metrics.get("density") for row in complete} - {None}
    if len(kept) > 1 and names[0] != "density":  # methods prune
        charts += (Chart("SCATTER", (("METRIC", "density"), objectives[0])),)
    yield Section(f"Method: {', '.join(methods)}", charts)


def _axes(kind: AxisKind, names: Sequence[str]) -> tuple[Axis, ...]:
    return tuple((kind, name) for name in names)


def _curves(names: Sequence[str]) -> tuple[Chart, ...]:
    return tuple(Chart("LINE", (("METRIC", name),)) for name in names)


def _varying(rows: Sequence[Trial]) -> list[str]:
    """Drawn names of which all rows have a value in MLflow, where a config stands as a whole, and not all the same."""
    values = [{**flatten(row.config), **row.params} for row in rows]
    shared = [name for name in drawn(rows) if all(name in each for each in values)]
    return [name for name in shared if len({str(each[name]) for each in values}) > 1]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _method(row: Trial) -> str:
    return str(row.config.get("method", {}).get("name", ""))

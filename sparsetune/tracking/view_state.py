"""What MLflow's pages take for a view: the fields of its 3.17, which no contract of its names. All of them stand here.

A view is a JSON document in a tag of the experiment, and an address that names it.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

VERSION = "3.17"
"""The MLflow for which these fields were tried."""

KEY = "sparsetune"
TAG = f"mlflow.sharedViewState.{KEY}"
KIND = {"mlflow.experimentKind": "custom_model_development"}  # else its pages open among those for language models
TABLES = "mlflow.loggedArtifacts"  # a run's tag: which of its files are tables
_IN_A_ROW = 2  # charts
MOST_RUNS = 1000  # drawn in a chart
_LONGEST_PLAIN = 5000  # characters: what older servers take of a tag
_PER_LETTER, _MARGIN = 8, 40  # pixels of a column's heading
_NARROWEST, _WIDEST = 110, 230  # pixels of a column

Axis = tuple[Literal["METRIC", "PARAM"], str]
Column = tuple[Literal["metrics", "params", "tags"], str]


def metric(name: str) -> Axis:
    return "METRIC", name


def param(name: str) -> Axis:
    return "PARAM", name


@dataclass(frozen=True)
class Chart:
    """A chart of a section: its kind, as MLflow calls it, and what it shows; MLflow makes its title of that."""

    kind: Literal["SCATTER", "CONTOUR", "PARALLEL", "LINE"]
    axes: tuple[Axis, ...]


@dataclass(frozen=True)
class Section:
    """Charts under a heading, of which pages of 1,000 pixels show some twenty letters."""

    title: str
    charts: tuple[Chart, ...]


def document(
    condition: str,
    order: Column,
    ascending: bool,
    columns: Sequence[Column],
    sections: Sequence[Section],
    families: Sequence[str] = (),
) -> str:
    """The view as its tag holds it.

    Args:
        condition: which runs, as a filter of MLflow's.
        order: by which column they are sorted.
        columns: in this order, from left to right.
        families: what stands before the slash of other metrics: MLflow shows these in sections of that name.
    """
    named = [_column(each) for each in columns]
    widths = {name: _width(each[1]) for name, each in zip(named, columns, strict=True)}
    own = [
        _chart(chart, f"chart-{place}-{index}", f"section-{place}")
        for place, section in enumerate(sections)
        for index, chart in enumerate(section.charts)
    ]
    state = {
        "searchFilter": condition,
        "orderByKey": _column(order),
        "orderByAsc": ascending,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": named,
        "columnOrder": ["attributes.`Run Name`", *named, "runDateAndNestInfo", "duration"],
        "columnWidths": {"attributes.`Run Name`": 260, **widths},
        "runsHiddenMode": "SHOW_ALL",
        "isAccordionReordered": True,
        "compareRunSections": [
            *(_section(each, place) for place, each in enumerate(sections)),
            *map(_closed, ("Model metrics", *families)),
        ],
        "compareRunCharts": own,
    }
    text = json.dumps(state, separators=(",", ":"))
    if len(text) <= _LONGEST_PLAIN:
        return text
    return f"deflate;{base64.b64encode(zlib.compress(text.encode())).decode()}"


def address(base: str, experiment: str, *, view: str = "", charts: bool = False) -> str:
    """The page of an experiment's runs, through a view and as charts where asked; else it opens among GenAI's tabs."""
    query = "workflowType=machine_learning"
    if view:
        query += f"&viewStateShareKey={quote(view)}"
    if charts:
        query += "&compareRunsMode=CHART"
    return f"{base}/#/experiments/{experiment}/runs?{query}"


def tables(*names: str) -> str:
    """The value of the tag that says which of a run's files are tables."""
    return json.dumps([{"path": name, "type": "table"} for name in names])


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as such a file holds it."""
    return json.dumps({"columns": list(names), "data": [list(row) for row in rows]})


def _column(column: Column) -> str:
    kind, name = column
    return f"{kind}.`{name}`"


def _width(heading: str) -> int:
    return min(_WIDEST, max(_NARROWEST, _MARGIN + _PER_LETTER * len(heading)))


def _section(section: Section, place: int) -> dict[str, Any]:
    return {
        **_SHOWN,
        "uuid": f"section-{place}",
        "name": section.title,
        "display": True,
        "columns": min(_IN_A_ROW, len(section.charts)),
        "cardHeight": 420,
    }


_SHOWN = {"isReordered": True, "deleted": False, "isGenerated": False}


def _closed(name: str) -> dict[str, Any]:
    """A section to which MLflow adds a chart of each metric that no other chart has."""
    return {**_SHOWN, "uuid": f"section-{name}", "name": name, "display": False}


def _chart(chart: Chart, uuid: str, section: str) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "type": chart.kind,
        "runsCountToCompare": MOST_RUNS,
        "metricSectionId": section,
        "deleted": False,
        "isGenerated": False,
        **_FIELDS[chart.kind](chart.axes),
    }


def _axis(axis: Axis) -> dict[str, str]:
    kind, name = axis
    return {"key": name, "type": kind}


def _in_space(axes: Sequence[Axis]) -> Mapping[str, Any]:
    return {f"{letter}axis": _axis(each) for letter, each in zip("xyz", axes, strict=False)}


def _parallel(axes: Sequence[Axis]) -> Mapping[str, Any]:
    return {
        "selectedParams": [name for kind, name in axes if kind == "PARAM"],
        "selectedMetrics": [name for kind, name in axes if kind == "METRIC"],
        "showAllRuns": True,
    }


def _line(axes: Sequence[Axis]) -> Mapping[str, Any]:
    names = [name for _, name in axes]
    return {
        "metricKey": names[0],
        "selectedMetricKeys": names,
        "xAxisKey": "step",
        "xAxisScaleType": "linear",
        "scaleType": "linear",
        "lineSmoothness": 0,
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
    }


_FIELDS = {"SCATTER": _in_space, "CONTOUR": _in_space, "PARALLEL": _parallel, "LINE": _line}

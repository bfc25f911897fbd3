"""What MLflow's pages take for a prepared page: fields of its 3.17, which no contract of its names. All stand here.

Its pages call that a view: a JSON document in a tag of the experiment, and an address that names it.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from sparsetune.tracking.limits import clean

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
_SHOWN = {"isReordered": True, "deleted": False, "isGenerated": False}  # of a section

AxisKind = Literal["METRIC", "PARAM"]
Axis = tuple[AxisKind, str]
Column = tuple[str, str]
"""``metrics``, ``params`` or ``tags``, and a name."""


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
    """The page as its tag holds it. Names are a study's own; here they become those that MLflow takes.

    Args:
        condition: which runs, as a filter of MLflow's.
        order: by which column they are sorted.
        columns: in this order, from left to right.
        families: what stands before the slash of other metrics: MLflow shows these in sections of that name.
    """
    widths = {_column(each): _width(clean(each[1])) for each in columns}
    shown, charts = [], []
    for index, section in enumerate(sections):
        uuid = f"section-{index}"
        shown.append(
            {
                **_SHOWN,
                "uuid": uuid,
                "name": section.title,
                "display": True,
                "columns": min(_IN_A_ROW, len(section.charts)),
                "cardHeight": 420,
            }
        )
        charts += [_chart(chart, f"chart-{index}-{number}", uuid) for number, chart in enumerate(section.charts)]
    for name in ("Model metrics", *families):  # closed: MLflow adds a chart of each metric that no other chart has
        shown.append({**_SHOWN, "uuid": f"section-{name}", "name": name, "display": False})
    state = {
        "searchFilter": condition,
        "orderByKey": _column(order),
        "orderByAsc": ascending,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": list(widths),
        "columnOrder": ["attributes.`Run Name`", *widths, "runDateAndNestInfo", "duration"],
        "columnWidths": {"attributes.`Run Name`": 260, **widths},
        "runsHiddenMode": "SHOW_ALL",
        "isAccordionReordered": True,
        "compareRunSections": shown,
        "compareRunCharts": charts,
    }
    text = json.dumps(state, separators=(",", ":"))
    if len(text) <= _LONGEST_PLAIN:
        return text
    return f"deflate;{base64.b64encode(zlib.compress(text.encode())).decode()}"


def address(base: str, experiment: str, *, key: str = "", charts: bool = False) -> str:
    """Where an experiment's runs are shown, by a prepared page and as charts where asked; else it opens among GenAI's
    tabs."""
    query = "workflowType=machine_learning"
    if key:
        query += f"&viewStateShareKey={quote(key)}"
    if charts:
        query += "&compareRunsMode=CHART"
    return f"{base}/#/experiments/{experiment}/runs?{query}"


def tables(name: str) -> str:
    """The value of the tag that says which of a run's files is a table."""
    return json.dumps([{"path": name, "type": "table"}])


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as such a file holds it."""
    return json.dumps({"columns": names, "data": rows})


def _column(column: Column) -> str:
    kind, name = column
    return f"{kind}.`{clean(name)}`"


def _width(heading: str) -> int:
    return min(_WIDEST, max(_NARROWEST, _MARGIN + _PER_LETTER * len(heading)))


def _chart(chart: Chart, uuid: str, section: str) -> dict[str, Any]:
    axes = [{"key": clean(name), "type": kind} for kind, name in chart.axes]
    fields: dict[str, Any] = {
        "uuid": uuid,
        "type": chart.kind,
        "runsCountToCompare": MOST_RUNS,
        "metricSectionId": section,
        "deleted": False,
        "isGenerated": False,
    }
    if chart.kind == "LINE":
        return fields | {
            "metricKey": axes[0]["key"],
            "selectedMetricKeys": [each["key"] for each in axes],
            "xAxisKey": "step",
            "xAxisScaleType": "linear",
            "scaleType": "linear",
            "lineSmoothness": 0,
            "useGlobalXaxisKey": True,
            "useGlobalLineSmoothing": True,
        }
    if chart.kind == "PARALLEL":
        return fields | {
            "selectedParams": [each["key"] for each in axes if each["type"] == "PARAM"],
            "selectedMetrics": [each["key"] for each in axes if each["type"] == "METRIC"],
            "showAllRuns": True,
        }
    return fields | {f"{letter}axis": each for letter, each in zip("xyz", axes, strict=False)}

"""The fields of MLflow's views, for the version for which they were tried."""

from __future__ import annotations

import base64
import json
import zlib

import mlflow

from sparsetune.tracking.page_state import VERSION, Chart, Section, address, document, table, tables

CHARTS = (
    Chart("SCATTER", (("METRIC", "macs"), ("METRIC", "acc"))),
    Chart("CONTOUR", (("PARAM", "kp"), ("PARAM", "ki"), ("METRIC", "acc"))),
    Chart("PARALLEL", (("PARAM", "kp"), ("METRIC", "acc"))),
    Chart("LINE", (("METRIC", "acc"),)),
)


def test_the_version_for_which_the_fields_were_tried() -> None:
    """After a new version of MLflow: `make test-slow`, whose browser opens the views; then this number."""
    assert mlflow.__version__.rpartition(".")[0] == VERSION


def test_a_view_as_a_document() -> None:
    columns = [("metrics", "acc"), ("params", "a.very.long.name.of.a.parameter"), ("tags", "t")]
    state = json.loads(document("x = 1", columns[0], False, columns, [Section("First", CHARTS)], ["family"]))  # type: ignore[arg-type]
    names = ["metrics.`acc`", "params.`a.very.long.name.of.a.parameter`", "tags.`t`"]
    assert (state["searchFilter"], state["orderByKey"], state["orderByAsc"]) == ("x = 1", "metrics.`acc`", False)
    assert state["selectedColumns"] == names
    assert [each for each in state["columnOrder"] if each in names] == names
    assert [state["columnWidths"][name] for name in names] == [110, 230, 110]
    first, others, family = state["compareRunSections"]
    assert (first["name"], first["display"], first["columns"]) == ("First", True, 2)
    assert [(each["name"], each["display"]) for each in (others, family)] == [
        ("Model metrics", False),
        ("family", False),
    ]
    scatter, contour, parallel, line = state["compareRunCharts"]
    assert {each["metricSectionId"] for each in state["compareRunCharts"]} == {first["uuid"]}
    assert len({each["uuid"] for each in state["compareRunCharts"]}) == len(CHARTS)
    acc = {"key": "acc", "type": "METRIC"}
    assert (scatter["xaxis"], scatter["yaxis"]) == ({"key": "macs", "type": "METRIC"}, acc)
    assert (contour["xaxis"], contour["zaxis"]) == ({"key": "kp", "type": "PARAM"}, acc)
    assert (parallel["selectedParams"], parallel["selectedMetrics"], parallel["showAllRuns"]) == (["kp"], ["acc"], True)
    assert (line["metricKey"], line["selectedMetricKeys"], line["xAxisKey"]) == ("acc", ["acc"], "step")


def test_a_long_view_is_compressed_as_mlflow_does() -> None:
    columns = [("params", f"parameter_{index}") for index in range(100)]
    text = document("x = 1", ("metrics", "acc"), True, columns, [])  # type: ignore[arg-type]
    assert len(text) < 5000
    kind, _, packed = text.partition(";")
    assert kind == "deflate"
    assert len(json.loads(zlib.decompress(base64.b64decode(packed)))["selectedColumns"]) == 100


def test_addresses() -> None:
    runs = "http://h/#/experiments/3/runs?workflowType=machine_learning"
    assert address("http://h", "3") == runs
    assert address("http://h", "3", key="a b", charts=True) == (f"{runs}&viewStateShareKey=a%20b&compareRunsMode=CHART")


def test_tables_as_files() -> None:
    assert json.loads(tables("a.json")) == [{"path": "a.json", "type": "table"}]
    assert json.loads(table(["x", "y"], [("1", "2")])) == {"columns": ["x", "y"], "data": [["1", "2"]]}

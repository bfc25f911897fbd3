"""What a study's page shows: columns and charts, from its rows alone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from sparsetune.base.messages import Trial
from sparsetune.config.study.constraints import Constraint
from sparsetune.config.study.file import Objective
from sparsetune.tracking.limits import clean
from sparsetune.tracking.page import columns, page_of, sections
from sparsetune.tracking.page_state import Chart
from sparsetune.tracking.subject import Subject

ACC = Objective(metric="val_accuracy", goal="maximize")
MACS = Objective(metric="macs", goal="minimize")
ONE, TWO = Subject("one", (ACC,)), Subject("two", (ACC, MACS))


def row(number: int, params: dict[str, Any], method: str = "dense", **metrics: float) -> Trial:
    config = {"method": {"name": method}, "metrics": {"each_epoch": False}, "training": {"lr": 0.1, "momentum": 0.9}}
    return Trial(number, "COMPLETE", params, config, {"val_accuracy": 0.9, "macs": 10.0, **metrics})


PLAIN = [row(number, {"training.lr": 0.1 * number, "training.batch_size": 2**number}) for number in range(1, 4)]


def titles(subject: Subject, rows: list[Trial], matter: tuple[str, ...] = ()) -> dict[str, list[Chart]]:
    return {each.title: list(each.charts) for each in sections(subject, rows, matter) if each.charts}


def metric(name: str) -> tuple[str, str]:
    return "METRIC", name


def param(name: str) -> tuple[str, str]:
    return "PARAM", name


def test_one_objective_has_a_history() -> None:
    found = titles(ONE, PLAIN, ("training.batch_size", "training.lr"))
    assert found == {
        "History": [Chart("SCATTER", (param("trial"), metric("val_accuracy")))],
        "Parameters": [Chart("PARALLEL", (param("training.lr"), param("training.batch_size"), metric("val_accuracy")))],
        "What matters most": [
            Chart("CONTOUR", (param("training.batch_size"), param("training.lr"), metric("val_accuracy")))
        ],
        "Learning curves": [Chart("LINE", (metric("val_accuracy"),))],
    }


def test_several_objectives_stand_against_each_other() -> None:
    three = Subject("three", (ACC, MACS, Objective(metric="density", goal="minimize")))
    charts = titles(three, PLAIN)["Objectives"]
    assert [chart.axes for chart in charts] == [
        (metric("macs"), metric("val_accuracy")),
        (metric("density"), metric("val_accuracy")),
        (metric("density"), metric("macs")),
    ]
    assert "History" not in titles(TWO, PLAIN)


def test_curves_are_of_objectives_that_rows_have_by_epoch() -> None:
    assert titles(TWO, PLAIN)["Learning curves"] == [Chart("LINE", (metric("val_accuracy"),))], "macs comes at the end"
    each = [replace(one, config={**one.config, "metrics": {"each_epoch": True}}) for one in PLAIN]
    assert len(titles(TWO, each)["Learning curves"]) == 2
    assert titles(Subject("m", (MACS,)), PLAIN)["Learning curves"] == [Chart("LINE", (metric("val_loss"),))]
    scored = Objective(metric="score", goal="maximize", score="val_accuracy - 0.1 * val_loss")
    assert titles(Subject("s", (scored,)), PLAIN)["Learning curves"] == [Chart("LINE", (metric("score"),))]
    late = Objective(metric="score", goal="maximize", score="val_accuracy - macs")
    assert titles(Subject("s", (late,)), PLAIN)["Learning curves"] == [Chart("LINE", (metric("val_loss"),))]


def test_a_contour_wants_two_numbers_that_all_rows_have() -> None:
    mixed = [row(1, {"a": 1, "b": 2, "c": "x"}), row(2, {"a": 2, "b": 3, "c": "y", "d": 1})]
    assert "What matters most" not in titles(ONE, mixed, ("d", "c", "a"))
    (chart,) = titles(ONE, mixed, ("d", "b", "c", "a"))["What matters most"]
    assert chart.axes == (param("b"), param("a"), metric("val_accuracy"))
    switched = [row(1, {"a": True, "b": 2}), row(2, {"a": False, "b": 3})]
    assert "What matters most" not in titles(ONE, switched, ("a", "b"))
    assert "What matters most" not in titles(ONE, PLAIN), "nothing is known of what matters"


def test_what_is_always_the_same_is_no_axis() -> None:
    rows = [row(number, {"training.lr": number / 10, "training.epochs": 5}) for number in (1, 2)]
    (chart,) = titles(ONE, rows)["Parameters"]
    assert chart.axes == (param("training.lr"), metric("val_accuracy"))


def test_a_parameter_under_a_condition_has_the_config_s_value_where_it_was_not_drawn() -> None:
    rows = [row(1, {"training.lr": 0.1, "training.momentum": 0.8}), row(2, {"training.lr": 0.2})]
    (chart,) = titles(ONE, rows)["Parameters"]
    assert param("training.momentum") in chart.axes


def test_methods_of_a_choice_have_their_own_parameters_beside_what_they_share() -> None:
    rows = [
        row(1, {"method.name": "dense", "training.lr": 0.1}),
        row(2, {"method.name": "ast", "training.lr": 0.2, "ast.method.kp": 0.1}, "ast", activation_rate=0.3),
        row(3, {"method.name": "ast", "training.lr": 0.3, "ast.method.kp": 0.2}, "ast", activation_rate=0.4),
    ]
    found = titles(ONE, rows, ("ast.method.kp", "training.lr"))
    shared, own = found["Parameters"], found["Parameters of ast"]
    assert shared == [Chart("PARALLEL", (param("method.name"), param("training.lr"), metric("val_accuracy")))]
    assert own == [Chart("PARALLEL", (param("training.lr"), param("ast.method.kp"), metric("val_accuracy")))]
    assert "Parameters of dense" not in found
    assert found["Method: dense, ast"] == [Chart("LINE", (metric("activation_rate"),))]
    assert "What matters most" not in found, "one of them is ast's alone"


def test_what_a_pruned_network_keeps() -> None:
    rows = [row(1, {}, "slt", density=0.5), row(2, {}, "slt", density=0.4)]
    assert titles(ONE, rows)["Method: slt"] == [Chart("SCATTER", (metric("density"), metric("val_accuracy")))]
    assert "Method: slt" not in titles(ONE, rows[:1]), "always the same"


def test_the_columns() -> None:
    score = Objective(metric="score", goal="maximize", score="val_accuracy - 0.1 * macs")
    asked = Subject("s", (score,), (Constraint(metric="ece", at_most=0.1),))
    rows = [row(1, {"method.kp": 1}, ece=0.1, score=0.1), row(2, {"training.lr": 1}, ece=0.2, score=0.1)]
    assert ("tags", "sparsetune.broken") not in columns(asked, rows), "MLflow has no columns without values"
    assert columns(asked, [rows[0], replace(rows[1], feasible=False)]) == [
        ("metrics", "score"), ("metrics", "val_accuracy"), ("metrics", "macs"), ("metrics", "ece"),
        ("params", "method.kp"), ("params", "training.lr"),
        ("tags", "sparsetune.front"), ("tags", "sparsetune.broken"), ("tags", "sparsetune.state"),
    ]  # fmt: skip


def test_a_study_of_which_nothing_is_complete_has_a_page() -> None:
    failed = [Trial(0, "FAIL", {"training.lr": 0.1}, {"method": {"name": "dense"}})]
    for rows in ([], failed):
        assert [each.title for each in sections(TWO, rows, ()) if each.charts] == [
            "Objectives",
            "Learning curves",
        ]
        assert json.loads(page_of(TWO, rows, ()))["orderByKey"] == "metrics.`val_accuracy`"


def test_names_are_those_that_mlflow_has() -> None:
    odd = [row(number, {"layer(1)": number, "x": number}) for number in (1, 2)]
    state = json.loads(page_of(Subject("s", (ACC,)), odd, ("layer(1)", "x")))
    assert f"params.`{clean('layer(1)')}`" in state["selectedColumns"]
    assert "layer(1)" not in json.dumps(state)


def test_the_best_come_first() -> None:
    least = json.loads(page_of(Subject("s", (MACS,)), PLAIN, ()))
    assert (least["orderByKey"], least["orderByAsc"]) == ("metrics.`macs`", True)
    assert json.loads(page_of(ONE, PLAIN, ()))["orderByAsc"] is False


def test_metrics_of_a_family_are_in_a_section_that_is_closed() -> None:
    rows = [row(1, {}, **{"layer_density/a": 0.5, "layer_density/b": 0.5})]
    state = json.loads(page_of(ONE, rows, ()))
    closed = [each["name"] for each in state["compareRunSections"] if not each["display"]]
    assert closed == ["Model metrics", "layer_density"]


def test_sections_are_listed_with_their_charts() -> None:
    state = json.loads(page_of(TWO, PLAIN, ()))
    shown = {each["uuid"]: each["name"] for each in state["compareRunSections"] if each["display"]}
    assert [(shown[each["metricSectionId"]], each["type"]) for each in state["compareRunCharts"]] == [
        ("Objectives", "SCATTER"),
        ("Parameters", "PARALLEL"),
        ("Learning curves", "LINE"),
    ]
    assert [each["columns"] for each in state["compareRunSections"] if each["display"]] == [1, 1, 1]

"""Trials whose controller did not track are told apart, where no constraint does so."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from sparsetune.base.messages import Trial
from sparsetune.config.study.constraints import Constraint, held
from sparsetune.config.study.file import Objective
from sparsetune.report.tables import single_table, trial_table
from sparsetune.show.answer import soundness, unguarded, unsound
from sparsetune.sparsity.methods import METRICS

TRACKED = Constraint(metric="tracking_error", at_most=0.05)
LOOSE = Constraint(metric="tracking_error", at_most=0.5)
ACCURATE = Constraint(metric="val_accuracy", at_least=0.5)
ADVICE = "A constraint keeps them from winning: {metric: tracking_error, at_most: 0.05}"
TEXT = "the controller did not reach its target, so what they save was not controlled: tracking error above 0.05."


def row(number: int, error: float | None = None, state: Any = "COMPLETE", method: str = "ast") -> Trial:
    metrics = {"val_accuracy": 0.9, **({} if error is None else {"tracking_error": error})}
    return Trial(number, state, {}, {"method": {"name": method}}, metrics, (0.9,))


ROWS = [row(0, 0.01), row(1, 0.2), row(2, 0.05), row(3, 0.0501), row(4, 0.9, "FAIL"), row(5, method="dense")]


@pytest.mark.parametrize(
    ("constraints", "labels"),
    [([], {"1", "3"}), ([ACCURATE], {"1", "3"}), ([TRACKED], set()), ([LOOSE], set()), ([ACCURATE, TRACKED], set())],
)
def test_which_rows(constraints: list[Constraint], labels: set[str]) -> None:
    assert unsound(ROWS, unguarded(METRICS, constraints)) == labels


def test_the_remark() -> None:
    sounds = unguarded(METRICS, [])
    assert list(soundness(ROWS, sounds)) == [f"* In 2 of 5 complete trials {TEXT} {ADVICE}"]
    assert list(soundness([ROWS[0], ROWS[5]], sounds)) == []
    assert list(soundness(ROWS, unguarded(METRICS, [LOOSE]))) == []


def printed(table: Any) -> str:
    console = Console(width=80, file=io.StringIO())
    with console.capture() as text:
        console.print(table)
    return text.get()


def test_the_marks() -> None:
    lines = printed(trial_table(ROWS[:4], ["val_accuracy"], None, 80, {"1", "3"})).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["trial", "0", "1*", "2", "3*"][-4:]
    assert "1*" in printed(single_table(ROWS[1], ["val_accuracy"], "Best trial", {"1"}))
    assert "*" not in printed(single_table(ROWS[0], ["val_accuracy"], "Best trial", {"1"}))


def test_a_constraint_that_some_methods_have_no_number_for() -> None:
    """Those that have it are counted, the others are named, and the nearest is found among all."""
    met = "tracking error at most 0.05 counts as met in trials of dense, which have no such number"
    assert list(held([TRACKED], ROWS)) == ["2 of 4 complete trials break tracking error at most 0.05", met]
    assert list(held([TRACKED], [row(0, 0.01), row(1, 0.0123)])) == [
        "tracking error at most 0.05: kept by every complete trial, 0.01 to 0.0123"
    ]
    assert list(held([TRACKED], [row(0, 0.01)])) == ["tracking error at most 0.05: kept by every complete trial, 0.01"]
    assert list(held([TRACKED], [row(0, method="dense"), row(1, method="slt")])) == [
        "tracking error at most 0.05 counts as met in trials of dense or slt, which have no such number"
    ]
    wrong = Constraint(metric="val_accuracy", at_least=0.95)
    bad = [Trial(**{**vars(each), "feasible": False}) for each in (row(0, 0.2), row(1, method="dense"))]
    *_, nearest = held([TRACKED, wrong], bad)
    assert nearest == "None meets all constraints, so there is no best. The nearest is trial 1: val accuracy 0.9"


def test_the_table_of_metrics_says_where_a_trial_is_sound() -> None:
    assert {name for name, each in METRICS.items() if each.sound} == {"tracking_error"}
    assert Objective(metric="tracking_error", goal="minimize").metric in METRICS

"""Rows of which an expression holds."""

from __future__ import annotations

import pytest
from helpers.trials import several

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Trial
from sparsetune.config.study.rows import branch_rows
from sparsetune.report.where import matching


def row(number: int, kp: float, **metrics: float) -> Trial:
    state = "COMPLETE" if metrics else "FAIL"
    return Trial(number, state, {"method.kp": kp, "training.optimizer": "sgd"}, {}, metrics)  # type: ignore[arg-type]


ROWS = [row(0, 0.05, val_accuracy=0.97), row(1, 0.5, val_accuracy=0.98), row(2, 0.05, val_loss=1.0), row(3, 0.05)]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("val_accuracy > 0.95 and params.method.kp < 0.1", [0]),
        ("metrics.val_accuracy > 0.975", [1]),
        ("method.kp < 0.1", [0, 2, 3]),
        ("state == 'FAIL'", [3]),
        ("number >= 1 and training.optimizer == 'sgd'", [1, 2, 3]),
        ("val_loss < 2 or val_accuracy > 0", []),  # no row has both
        ("val_loss < 2", [2]),
        ("density < 2", []),  # a metric that no row has
        ("feasible", [0, 1, 2, 3]),
    ],
)
def test_rows_of_which_it_holds(text: str, numbers: list[int]) -> None:
    assert [row.number for row in matching(ROWS, text, "--where")] == numbers


@pytest.mark.parametrize(
    ("text", "problem", "allowed"),
    [
        ("val_acuracy > 0.9", "unknown name 'val_acuracy'; did you mean 'val_accuracy'?", ""),
        ("params.method.kq > 0.9", "unknown name 'params.method.kq'; did you mean 'params.method.kp'?", ""),
        ("val_accuracy >", "unexpected end at character 15 of 'val_accuracy >'", ""),
        ("val_accuracy", "'val_accuracy' gives 0.97", "what is true or false"),
        ("training.optimizer < 3", "", ""),
        ("number / 0 > 1", "division by zero", ""),
        ("__import__('os')", "", ""),
    ],
)
def test_what_cannot_be_asked_is_one_line(text: str, problem: str, allowed: str) -> None:
    with pytest.raises(BadInput) as caught:
        matching(ROWS, text, "--where")
    assert problem in caught.value.problem
    assert (caught.value.key, caught.value.allowed) == ("--where", allowed)
    assert caught.value.code == ("unknown" if "unknown" in problem else "not_allowed" if allowed else "invalid")
    assert "\n" not in str(caught.value)


def test_branches_and_errors_can_be_asked_for() -> None:
    results = {
        (seed, f"mc_samples={count}"): {"acc": 0.1 * count * (1 + seed)} for seed in (0, 1) for count in (1, 5, 50)
    }
    rows = branch_rows(several(0, results))
    assert [row.branch for row in matching(rows, "method.mc_samples > 1", "where")] == ["mc_samples=5", "mc_samples=50"]
    assert [row.branch for row in matching(rows, "branch == 'mc_samples=5'", "where")] == ["mc_samples=5"]
    assert [row.branch for row in matching(rows, "errors.acc < 0.1", "where")] == ["mc_samples=1"]

"""Constraints on numbers that only some methods of a choice have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .files import GONE, accepted, refused, write

LR = {"training.lr": {"float": [0.001, 0.1], "log": True}}
AST = {"method.kp": {"float": [0.001, 1.0], "log": True}}
CHOICE: dict[str, Any] = {"method": {"choose": {"dense": None, "ast": AST, "slt": None}}, "space": LR}
TRACKED = {"metric": "tracking_error", "at_most": 0.05}
SEEDED = {"metric": "bytes_seed_mask", "at_most": 1e6}
ACCURATE = {"metric": "val_accuracy", "at_least": 0.5}


@pytest.mark.parametrize(
    ("constraints", "shared", "further"),
    [
        ([TRACKED], [], {"ast": ["tracking_error"], "dense": [], "slt": []}),
        ([ACCURATE], [], {"ast": [], "dense": [], "slt": []}),
        ([SEEDED, TRACKED], [], {"ast": ["tracking_error"], "dense": [], "slt": ["bytes_seed_mask"]}),
        (
            [{"metric": "val_loss", "at_most": 2}, TRACKED],
            ["val_loss"],
            {"ast": ["tracking_error"], "dense": [], "slt": []},
        ),
    ],
)
def test_each_trial_must_have_what_its_method_has(
    constraints: list[dict[str, Any]], shared: list[str], further: dict[str, list[str]], tmp_path: Path
) -> None:
    study = accepted(tmp_path, **CHOICE, constraints=constraints)
    assert study.judged_by == ["val_accuracy", *shared]
    assert study.judged_in == further


def test_a_score_is_a_number_of_all(tmp_path: Path) -> None:
    objectives = [{"metric": "both", "score": "val_accuracy - val_loss", "goal": "maximize"}]
    study = accepted(
        tmp_path, **CHOICE, objectives=objectives, constraints=[{"metric": "both", "at_least": 0}, TRACKED]
    )
    assert study.judged_by == ["both"]
    assert study.lacking == {"ast": [], "dense": ["tracking_error"], "slt": ["tracking_error"]}


LISTED = "(`sparsetune metrics` lists them)"
REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"metric": "trakcing_error", "at_most": 1},
        f"constraints.0.metric: unknown metric 'trakcing_error'; did you mean 'tracking_error'? {LISTED}",
    ),
    (
        {"metric": "test_loss", "at_most": 1},
        f"constraints.0.metric: 'test_loss' is of test data, which never selects anything {LISTED}",
    ),
    (
        {"metric": "val_mse", "at_most": 1},
        f"constraints.0.metric: 'val_mse' is of regression; 'digits' is for classification {LISTED}",
    ),
    ({"metric": "ape", "at_most": 1}, "constraints.0.metric: 'ape' wants metrics.noise_samples to be set"),
]


@pytest.mark.parametrize(("constraint", "line"), REFUSED)
def test_what_no_branch_may_be_judged_by_is_refused(constraint: dict[str, Any], line: str, tmp_path: Path) -> None:
    assert refused(write(tmp_path, **CHOICE, constraints=[constraint])) == line


def test_a_number_of_a_method_that_is_not_chosen_from_is_refused(tmp_path: Path) -> None:
    choice = {"method": {"choose": {"dense": None, "slt": None}}, "space": LR}
    line = f"constraints.0.metric: 'tracking_error' is no number of 'dense' {LISTED}"
    assert refused(write(tmp_path, **choice, constraints=[TRACKED])) == line
    assert refused(write(tmp_path, method="dense", space=GONE, constraints=[TRACKED])) == line


def test_an_objective_is_a_number_of_all(tmp_path: Path) -> None:
    """Without it nothing can be compared."""
    objectives = [{"metric": "tracking_error", "goal": "minimize"}]
    line = f"objectives.0.metric: 'tracking_error' is no number of 'dense' {LISTED}"
    assert refused(write(tmp_path, **CHOICE, objectives=objectives)) == line

"""A study that varies its loss is judged by what all its trials have alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .files import accepted, refused, write

LOSS = {"training.loss": {"choice": [None, "gauss"]}}
MSE = {"metric": "val_mse", "goal": "minimize"}
STUDENT: dict[str, Any] = {"method": "dense", "data": "teacher_student", "objectives": [MSE]}
VARIES = "is another number with another training.loss, which the space varies"
SAID = f"{VARIES}; allowed: val_mse and the like, or one loss"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"objectives": [MSE, {"metric": "val_loss", "goal": "minimize"}]}, "objectives.1.metric: 'val_loss'"),
        (
            {"objectives": [{"metric": "s", "goal": "minimize", "score": "density - train_loss"}]},
            "objectives.0.score: 'train_loss'",
        ),
        ({"constraints": [{"metric": "best_val_loss", "at_most": 1}]}, "constraints.0.metric: 'best_val_loss'"),
        ({"pruner": {"name": "median", "metric": "val_loss"}}, "pruner.metric: 'val_loss'"),
    ],
)
def test_what_no_study_with_several_losses_is_judged_by(changes: dict[str, Any], line: str, tmp_path: Path) -> None:
    assert refused(write(tmp_path, **{**STUDENT, "space": LOSS, **changes})) == f"{line} {SAID}"
    one = {"training.loss": {"value": "gauss"}}
    accepted(tmp_path, **{**STUDENT, "space": one, **changes})


def test_branches_have_a_loss_each(tmp_path: Path) -> None:
    choice = {"choose": {"dense": None, "drr": {"training.loss": {"value": "gauss"}}}}
    judged = [{"metric": "val_loss", "goal": "minimize"}]
    raw = {**STUDENT, "method": choice, "space": {}, "objectives": judged}
    assert refused(write(tmp_path, **raw)) == f"objectives.0.metric: 'val_loss' {SAID}"
    accepted(tmp_path, **{**raw, "objectives": [MSE]})

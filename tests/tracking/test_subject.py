"""What a study's pages need to know of it."""

from __future__ import annotations

from sparsetune.config.study.file import Objective
from sparsetune.tracking.subject import Subject


def test_the_best_so_far_is_a_curve_only_where_an_objective_reads_it() -> None:
    plain = Subject("s", (Objective(metric="val_loss", goal="minimize"),))
    assert plain.last_only == {"best_epoch", "best_iteration", "best_val_loss", "best_val_accuracy"}
    scored = Objective(metric="mine", goal="minimize", score="best_val_loss + val_loss")
    assert Subject("s", (scored,)).last_only == {"best_epoch", "best_iteration", "best_val_accuracy"}

"""The table of metrics: families, and what is known after each epoch."""

from __future__ import annotations

import pytest

from sparsetune.config.metrics import core, metric_of
from sparsetune.config.study.file import Objective
from sparsetune.config.study.problem import Problem
from sparsetune.sparsity.methods import METRICS

ONE = (Objective(metric="val_loss", goal="minimize"),)
OF_A_STATE = [
    "ece", "ece_15", "ece_odds", "brier", "entropy", "val_top5_accuracy", "val_mse", "ape", "density", "sparsity",
    "nonzeros", "macs", "flops", "mc_macs", "bytes_bitmask", "bytes_seed_mask", "description_length_bits",
    "model_bits",
]  # fmt: skip
OF_THE_END = ["test_ece", "test_accuracy", "test_mse", "peak_memory_mb", "energy_kj", "steady_state_error"]


def problem(each_epoch: bool) -> Problem:
    return Problem("toy", 0, {}, ONE, metrics=METRICS, each_epoch=each_epoch)


def test_what_is_said_of_a_state_is_late_unless_each_epoch_has_it() -> None:
    assert problem(False).late([*OF_A_STATE, "val_loss"]) == OF_A_STATE
    assert problem(True).late([*OF_A_STATE, "val_loss"]) == []


@pytest.mark.parametrize("each_epoch", [False, True])
def test_test_data_and_totals_are_always_late(each_epoch: bool) -> None:
    assert problem(each_epoch).late([*OF_THE_END, "threshold", "time_min"]) == OF_THE_END
    assert not [name for name in METRICS if name.startswith("test_") and METRICS[name].in_rows(True)]


def test_a_family_is_found_by_what_stands_before_the_slash() -> None:
    family = METRICS["layer_density"]
    assert metric_of("layer_density/block1.conv1.weight", METRICS) is family
    assert metric_of("layer_density", METRICS) is None, "no number has this name"
    assert metric_of("layer_density/", METRICS) is None
    assert metric_of("density/conv1.weight", METRICS) is None
    assert metric_of("density", METRICS) is METRICS["density"]
    assert metric_of("nothing", METRICS) is None
    assert problem(True).late(["layer_density"]) == ["layer_density"], "nothing to judge by"


def test_what_all_methods_have() -> None:
    assert "sparsity" in core("classification")
    assert "sparsity" in core("regression")
    assert "layer_density" not in core("classification")

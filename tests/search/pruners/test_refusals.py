"""What a pruner is refused with."""

from __future__ import annotations

from typing import Any

import pytest

from search.cells import ONE, TWO, problem, pruner_config
from sparsetune.base.errors import BadInput
from sparsetune.config.study.file import Objective
from sparsetune.config.study.problem import Problem
from sparsetune.search.pruners import PRUNERS
from sparsetune.sparsity.methods import METRICS

GATED = ["asha", "hyperband", "median", "patient", "percentile", "threshold", "wilcoxon"]
NEEDED: dict[str, dict[str, Any]] = {"patient": {"patience": 2}, "threshold": {"upper": 1.0}}
LIST = " (`sparsetune metrics` lists them)"


def reason(name: str, of: Problem, **settings: Any) -> str:
    with pytest.raises(BadInput) as caught:
        PRUNERS.get(name).refuse(pruner_config(name, **NEEDED.get(name, {}), **settings), of)
    return str(caught.value)


@pytest.mark.parametrize("name", GATED)
def test_several_objectives_want_a_gate(name: str) -> None:
    of = problem(objectives=TWO, replicates=5, epochs=9)
    missing = "missing: with several objectives one metric is judged, such as val_accuracy"
    assert reason(name, of) == f"pruner.metric: {missing}"
    PRUNERS.get(name).refuse(pruner_config(name, metric="val_loss", **NEEDED.get(name, {})), of)
    PRUNERS.get("none").refuse(pruner_config("none"), of)


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        ("activation_rate", "'activation_rate' has no better and worse: nothing to prune on"),
        ("density", "'density' is known only at the end of a trial: nothing to prune on"),
        ("test_loss", "'test_loss' is of test data, which never selects anything"),
        ("val_los", "unknown metric 'val_los'; did you mean 'val_loss'?"),
    ],
)
def test_gates_that_are_none(metric: str, why: str) -> None:
    assert reason("median", problem(metrics=METRICS), metric=metric) == f"pruner.metric: {why}{LIST}"


def test_objectives_that_are_no_gates() -> None:
    late = problem(objectives=(Objective(metric="brier", goal="minimize"),), replicates=5)
    why = "'brier' is known only at the end of a trial: nothing to prune on"
    assert reason("asha", late) == f"pruner.metric: {why}{LIST}"
    PRUNERS.get("wilcoxon").refuse(pruner_config("wilcoxon"), late)  # which reads the ends
    score = Objective(metric="gain", goal="maximize", score="val_accuracy - 0.1 * brier")
    assert reason("asha", problem(objectives=(score,))) == f"pruner.metric: {why}{LIST}"
    soon = Objective(metric="gain", goal="maximize", score="val_accuracy - 0.1 * val_loss")
    PRUNERS.get("asha").refuse(pruner_config("asha"), problem(objectives=(soon,)))


def test_an_objectives_own_goal_makes_a_gate_of_what_has_none() -> None:
    rate = Objective(metric="activation_rate", goal="minimize")
    PRUNERS.get("median").refuse(pruner_config("median"), problem(objectives=(rate,)))


def test_what_else_is_refused_of_problems() -> None:
    assert reason("wilcoxon", problem(objectives=ONE)) == (
        "pruner.name: 'wilcoxon' compares replicates, found none; allowed: with replicates"
    )
    assert reason("wilcoxon", problem(objectives=ONE, replicates=4)) == (
        "pruner.p_threshold: with p_threshold 0.1 4 replicates never decide before the last (p is at least 0.125); "
        "allowed: more replicates, or a larger p_threshold"
    )
    PRUNERS.get("wilcoxon").refuse(pruner_config("wilcoxon"), problem(objectives=ONE, replicates=5))
    few = problem(epochs=4)
    found = "found 5, allowed: up to the 4 epochs of the longest trial"
    assert reason("hyperband", few, min_epochs=5) == f"pruner.min_epochs: {found}"
    within = {"name": "hyperband", "min_epochs": 5}
    assert reason("patient", few, pruner=within) == f"pruner.pruner.min_epochs: {found}"
    PRUNERS.get("patient").refuse(pruner_config("patient", patience=1, pruner="hyperband"), few)


@pytest.mark.parametrize("name", ["asha", "hyperband", "median", "patient", "percentile", "wilcoxon"])
@pytest.mark.parametrize("keep", [True, False])
def test_one_objective_has_no_front(name: str, keep: bool) -> None:
    of = problem(objectives=ONE, replicates=5)
    line = "pruner.keep_front: the study has one objective, and so no front; remove the key"
    assert reason(name, of, keep_front=keep) == line


def test_a_bound_holds_on_the_front_too() -> None:
    with pytest.raises(BadInput, match=r"pruner\.keep_front: unknown key 'keep_front'"):
        pruner_config("threshold", upper=1.0, keep_front=True)


WITHIN = "asha, hyperband, median, percentile, threshold"
FIELDS = "interval_epochs, keep_front, metric, n_min_trials, n_startup_trials, n_warmup_epochs, name"
STEPS = f"unknown key 'n_warmup_steps'; did you mean 'n_warmup_epochs'? (allowed: {FIELDS})"


@pytest.mark.parametrize(
    ("name", "settings", "line"),
    [
        ("threshold", {}, "pruner: found no bound, allowed: lower, upper, or both"),
        ("threshold", {"lower": 2.0, "upper": 1.0}, "pruner: found lower 2 above upper 1"),
        ("percentile", {"percentile": 101.0}, "pruner.percentile: found 101.0, allowed: at most 100"),
        ("asha", {"reduction_factor": 1}, "pruner.reduction_factor: found 1, allowed: at least 2"),
        ("median", {"n_warmup_steps": 2}, f"pruner.n_warmup_steps: {STEPS}"),
        ("patient", {}, "pruner.patience: missing"),
    ],
)
def test_bad_settings(name: str, settings: dict[str, Any], line: str) -> None:
    with pytest.raises(BadInput) as caught:
        pruner_config(name, **settings)
    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("within", "line"),
    [
        ("wilcoxon", f"pruner.pruner: unknown name 'wilcoxon' (allowed: {WITHIN})"),
        (3, f"pruner.pruner: found 3, allowed: a name, or a mapping with a name ({WITHIN})"),
        ({"name": "asha", "min_epochs": 0}, "pruner.pruner.min_epochs: found 0, allowed: at least 1"),
        (
            {"name": "asha", "metric": "val_loss"},
            "pruner.pruner.metric: both judge the same one, which stands beside patience",
        ),
        (
            {"name": "asha", "keep_front": True},
            "pruner.pruner.keep_front: it stands beside patience, and holds for both",
        ),
    ],
)
def test_a_pruner_within_that_is_none(within: object, line: str) -> None:
    with pytest.raises(BadInput) as caught:
        pruner_config("patient", patience=1, pruner=within)
    assert str(caught.value) == line


def test_the_pruner_within_is_written_out() -> None:
    """What is noted in the study, and shown."""
    config = pruner_config("patient", patience=1, pruner={"name": "threshold", "upper": 2.0})
    found = config.model_dump(mode="json")
    assert found["pruner"] == pruner_config("threshold", upper=2.0).model_dump(mode="json")
    assert found["pruner"]["upper"] == 2.0
    assert type(config).model_validate(config.model_dump()) == config

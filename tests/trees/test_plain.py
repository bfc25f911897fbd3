"""Stages of every kind give the numbers of plain torch loops, bit for bit where the operations are the same."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from sparsetune.base.messages import Metrics
from sparsetune.config.trial import TrialConfig
from sparsetune.testing.trained import trial_config
from sparsetune.training.trainer import Trainer
from sparsetune.training.walk.results import Due

from .plain import Loss, Plain, Weights
from .plain_toys import LENGTH, comb, cut, deltas, fit
from .walking import BATCH, KNOWN, NETWORK, STEPS, Branches, branches

COSINE = {"schedule": {"name": "cosine", "per": "step"}}
ADAM = {"optimizer": "adam", "lr": 0.02}
DROPPING = {**NETWORK, "dropout": 0.2}
ITERATIONS = {"epochs": None, "iterations": 40, "evaluate": "7it"}
ARMS = ("ticket", "reinit", "shuffled")
DELTAS = (0.0, 0.1, 0.15, 1.0)


def toy(method: dict[str, Any] | str, model: dict[str, Any] = NETWORK, **training: Any) -> TrialConfig:
    given = {"batch_size": BATCH, "epochs": 2, "lr": 0.1, **training}
    return trial_config(method, model, registries=KNOWN, seed=7, **given)


def trained(config: TrialConfig, parts: Branches | None = None) -> tuple[Trainer, dict[str, dict[str, Weights]]]:
    """The trainer at its end, and the weights of each result by branch and name."""
    trainer = Trainer(config, parts, registries=KNOWN)
    ends: dict[str, dict[str, Weights]] = {branch: {} for branch in trainer.union.steps}
    while trainer.go_on():
        for due in trainer.due:
            trainer.measure(due, partial(copy_weights, trainer, due, ends))
    return trainer, ends


def copy_weights(trainer: Trainer, due: Due, to: dict[str, dict[str, Weights]], measured: Metrics) -> None:
    for branch in due.branches:
        weights = {name: value.clone() for name, value in trainer.network.state_dict().items()}
        to[branch][f"{trainer.node.path} {due.which}"] = weights


def assert_rows(trainer: Trainer, branch: str, wanted: list[Loss]) -> None:
    found = [row.metrics for row in trainer.journal.rows(branch)]
    assert [each["val_loss"] for each in found] == pytest.approx([val for _, val in wanted], rel=1e-12, abs=0)
    assert [each.get("train_loss") for each in found] == [
        None if loss is None else pytest.approx(loss, rel=1e-12, abs=0) for loss, _ in wanted
    ]


def assert_weights(found: Weights, wanted: Weights) -> None:
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        assert torch.equal(found[name], value), name


def assert_same(config: TrialConfig, loop: Plain) -> None:
    """One training, whose last state is its result."""
    trainer, ends = trained(config)
    (result,) = ends[""].values()
    assert_rows(trainer, "", loop.rows)
    assert_weights(result, loop.weights())


@pytest.mark.parametrize("model", [NETWORK, DROPPING], ids=["certain", "dropping"])
@pytest.mark.parametrize("training", [{}, COSINE, {**ADAM, **COSINE}], ids=["constant", "cosine", "adam"])
def test_a_comb_with_its_controls(training: dict[str, Any], model: dict[str, Any]) -> None:
    config = toy({"name": "comb"}, model, **training)
    trainer, ends = trained(config, branches(config, "arm", ARMS))
    for arm in ARMS:
        rows, wanted = comb(config, arm)
        assert_rows(trainer, arm, rows)
        assert list(ends[arm]) == list(wanted)
        assert len(wanted) == 8 + (arm == "ticket")
        for name, weights in wanted.items():
            assert_weights(ends[arm][name], weights)


@pytest.mark.parametrize("model", [NETWORK, DROPPING], ids=["certain", "dropping"])
def test_a_procedure_that_yields(model: dict[str, Any]) -> None:
    config = toy({"name": "course", "fit": 3}, model)
    loop = Plain(config)
    fit(loop, 3, 0.05)
    loop.through(LENGTH, horizon=LENGTH)
    assert_same(config, loop)


def test_procedures_of_two_branches() -> None:
    """Each is as in a training of its own, though the second begins after the first has been evaluated."""
    config = toy({"name": "course", "fit": 2}, DROPPING)
    trainer, _ = trained(config, branches(config, "fit", (2, 3)))
    for steps in (2, 3):
        loop = Plain(config)
        fit(loop, steps, 0.05)
        loop.through(LENGTH, horizon=LENGTH)
        assert_rows(trainer, str(steps), loop.rows)


@pytest.mark.parametrize("training", [{}, {**ADAM, **COSINE}], ids=["sgd", "adam"])
def test_a_stage_in_iterations(training: dict[str, Any]) -> None:
    """Evaluations within epochs, of which the last has three steps left: dropout goes on as if they had not been."""
    config = toy("dense", DROPPING, **ITERATIONS, **training)
    loop = Plain(config)
    loop.through(40, 7, horizon=40)
    assert len(loop.rows) == 6
    assert_same(config, loop)


def test_a_rule_that_ends_a_stage() -> None:
    """Once the last two losses are in sum no lower than the two before, from the fourth epoch on."""
    config = toy({"name": "course", "saturate": True}, epochs=12, lr=1.0)
    loop = Plain(config)
    for done in loop.train(12 * STEPS, horizon=12 * STEPS):
        losses = [val for _, val in loop.rows]
        if done >= 4 * STEPS and losses[-1] + losses[-2] >= losses[-3] + losses[-4]:
            break
    assert 4 <= len(loop.rows) < 12
    assert_same(config, loop)


@pytest.mark.parametrize("finetune", [0, 2])
@pytest.mark.parametrize("training", [{}, {**ADAM, **COSINE}], ids=["sgd", "adam"])
def test_deltas(training: dict[str, Any], finetune: int) -> None:
    """How far each prunes the loss on training data decides."""
    config = toy({"name": "deltas", "finetune": finetune}, **training)
    trainer, ends = trained(config, branches(config, "delta", DELTAS))
    kept = set()
    for delta in DELTAS:
        loop = deltas(config, delta)
        kept.add(sum(int(mask.sum()) for mask in loop.masks.values()))
        assert_rows(trainer, str(delta), loop.rows)
        (result,) = ends[str(delta)].values()
        assert_weights(result, loop.weights())
    assert len(kept) == 3, "two of the four are alike"


@pytest.mark.parametrize(
    ("model", "training"),
    [
        (NETWORK, {"epochs": 6}),
        (NETWORK, {"epochs": 6, **ADAM, **COSINE}),
        (DROPPING, {**ITERATIONS, **ADAM}),
    ],
    ids=["sgd", "adam", "within epochs"],
)
def test_shrinking_between_evaluations(model: dict[str, Any], training: dict[str, Any]) -> None:
    """Two hidden units go after every other evaluation that was no worse than the one before, but for the last."""
    config = toy({"name": "course", "shrink": True}, model, **training)
    loop = Plain(config)
    steps, every = (40, 7) if model is DROPPING else (6 * STEPS, STEPS)
    for _ in loop.train(steps, every, horizon=steps):
        if len(loop.rows) % 2 == 0 and loop.rows[-1][1] <= loop.rows[-2][1]:
            cut(loop, 2)
    assert len(loop.prunable["linear1.weight"]) < 12
    assert_same(config, loop)


@pytest.mark.parametrize("training", [{}, {**ADAM, **COSINE}], ids=["sgd", "adam"])
def test_shapes_that_change_between_two_stages(training: dict[str, Any]) -> None:
    config = toy({"name": "course", "cut": 4}, **training)
    loop = Plain(config)
    loop.through(LENGTH, horizon=2 * LENGTH)
    cut(loop, 4)
    loop.through(LENGTH, after=LENGTH, horizon=2 * LENGTH)
    assert_same(config, loop)

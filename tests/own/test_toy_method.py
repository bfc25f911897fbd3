"""The toy with a pruning step: every promise of a method, from a file of one's own, and what it prunes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sparsetune.config.trial import TrialConfig
from sparsetune.testing.methods import CHECKS, Check, MethodCase
from sparsetune.testing.toy_method import ToyConfig, ToyPruning, magnitude_masks, margin
from sparsetune.testing.trained import restarted, run_through, same_state, trial_config, untimed
from sparsetune.training.loop import train_steps
from sparsetune.training.registries import registries_of
from sparsetune.training.session import TrainingSession
from sparsetune.training.task import Meter, Regression
from sparsetune.training.trainer import Trainer

from .files import toy

KNOWN = registries_of((toy(),))
SPACES = Path(__file__).parents[2] / "search_spaces"
CASES = {
    "toy": MethodCase({"name": "toy", "density": 0.3}, SPACES, KNOWN),
    "toy with drawn masks": MethodCase({"name": "toy", "density": 0.3, "keeps": "any"}, SPACES, KNOWN),
    "toy with dropout": MethodCase(
        {"name": "toy", "density": 0.3, "n_dropout_layers": 1, "mc_samples": 3, "finetune_epochs": 1}, SPACES, KNOWN
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance(check: Check, case: MethodCase) -> None:
    check(case)


def test_masks_by_hand() -> None:
    """Eight weights, of which the three of largest magnitude are kept, whichever tensor they are in."""
    weights = {
        "a": torch.tensor([[0.1, -0.9], [0.3, 0.2]]),
        "b": torch.tensor([0.5, -0.2, 0.0, 0.8]),
    }
    masks = magnitude_masks(weights, 3 / 8)
    assert masks["a"].tolist() == [[False, True], [False, False]]
    assert masks["b"].tolist() == [True, False, False, True]
    assert magnitude_masks({"a": torch.ones(4)}, 0.5)["a"].tolist() == [True, True, False, False]
    assert magnitude_masks(weights, 1e-9)["a"].sum() == 1, "never nothing"


def test_margin_by_hand() -> None:
    outputs = torch.tensor([[1.0, 4.0, 2.0], [0.5, 0.0, 2.0]])
    assert margin(outputs, torch.tensor([1, 0])) == pytest.approx(((4 - 2) + (0.5 - 2)) / 2)


def test_what_is_pruned_stays_zero() -> None:
    """With a momentum that was there before."""
    network = torch.nn.Sequential(torch.nn.Linear(4, 3))
    session = TrainingSession.of(network, ["0.weight"])
    method = ToyPruning(ToyConfig(density=0.25), session)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    train = method.tree(method.config, trial_config(epochs=1).training)
    (finetune,) = train.then
    for stage, density in ((train, 1.0), (finetune, 0.25)):
        for procedure in stage.before:
            procedure(session)
        batches, task = [(torch.ones(2, 4), torch.zeros(2, 3))] * 3, Regression()
        assert train_steps(network, method, optimizer, task, iter(batches), Meter(task), cost=session.cost) == 3
        assert method.numbers() == {"density": density}
    assert torch.count_nonzero(network[0].weight) == 3
    assert torch.count_nonzero(network[0].bias) == 3


def test_a_training_of_two_stages() -> None:
    config = trial_config(
        {"name": "toy", "density": 0.1, "finetune_epochs": 3},
        {"name": "mlp", "hidden": [16]},
        epochs=2,
        registries=KNOWN,
    )
    trainer, metrics = run_through(config, KNOWN)
    assert [round(row.metrics["density"], 3) for row in trainer.record] == [1, 1, 0.1, 0.1, 0.1]
    assert [row.phase for row in trainer.record] == ["train"] * 2 + ["finetune"] * 3
    assert [row.settled for row in trainer.record] == [True, True, False, True, True]
    assert metrics["density"] == pytest.approx(0.1, abs=1e-3)
    weights = torch.cat([weight.detach().flatten() for weight in trainer.session.prunable.values()])
    assert metrics["norm"] == pytest.approx(float(weights.norm()))
    assert metrics["compression_ratio"] > 5


def test_patience_that_is_spent_before_pruning_ends_that_phase_only() -> None:
    """Wherever it is stopped and taken up again."""
    method = {"name": "toy", "density": 0.1, "keeps": "any", "finetune_epochs": 3}
    config = trial_config(
        method, {"name": "mlp", "hidden": [16]}, epochs=40, lr=2.0, early_stop_patience=1, registries=KNOWN
    )
    trainer, metrics = run_through(config, KNOWN)
    phases = [row.phase for row in trainer.record]
    assert 2 <= phases.count("train") < 40
    assert phases.count("finetune") >= 2
    assert metrics["density"] == pytest.approx(0.1, abs=1e-3)
    assert metrics["best_epoch"] > phases.count("train")
    again = Trainer(config, registries=KNOWN)
    while not again.done:
        again = restarted(again, KNOWN)
        next(again)
    assert untimed(again.finish(), KNOWN) == untimed(metrics, KNOWN)
    assert same_state(again.network.state_dict(), trainer.network.state_dict())


def test_the_best_epoch_and_the_state_that_is_kept_are_of_the_last_phase() -> None:
    """A network that has not been pruned has the lower loss, and is no answer."""

    def of(finetune_epochs: int, keep: str) -> TrialConfig:
        method = {"name": "toy", "density": 0.05, "finetune_epochs": finetune_epochs}
        return trial_config(method, {"name": "mlp", "hidden": [16]}, epochs=5, lr=0.3, keep=keep, registries=KNOWN)

    trainer, metrics = run_through(of(5, "best"), KNOWN)
    losses = [row.metrics["val_loss"] for row in trainer.record]
    before, after = losses.index(min(losses[:5])) + 1, losses.index(min(losses[5:])) + 1
    assert 1 < before < 5
    assert 6 < after < 10
    assert min(losses[:5]) < min(losses[5:])
    for row in trainer.record:
        of_phase = losses[5 if row.epoch > 5 else 0 : row.epoch]
        best = trainer.record[int(row.metrics["best_epoch"]) - 1]
        assert best.epoch == losses.index(min(of_phase)) + 1
        assert [row.metrics[f"best_val_{name}"] for name in ("loss", "accuracy")] == [
            best.metrics[f"val_{name}"] for name in ("loss", "accuracy")
        ]
    assert (metrics["best_epoch"], metrics["val_loss"]) == (after, losses[after - 1])
    shorter, expected = run_through(of(after - 5, "last"), KNOWN)
    assert same_state(trainer.network.state_dict(), shorter.network.state_dict())
    assert metrics["density"] == expected["density"] == pytest.approx(0.05, abs=1e-3)
    assert metrics["test_accuracy"] == expected["test_accuracy"]

"""Compression: what pruning takes, against all thresholds there are; what branches share; what comes to nothing."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from sparsetune.base.errors import BadInput
from sparsetune.config.trial import resolve_trial
from sparsetune.sparsity.method import TrainingFailed
from sparsetune.sparsity.methods.drr import DrrConfig
from sparsetune.sparsity.random_gradient import GradientPruning
from sparsetune.sparsity.tamade import Tamade, with_biases
from sparsetune.training.trainer import Trainer

from .plain import Plain
from .test_plain import trained
from .walking import KNOWN, STEPS, branches, toy, walked

DRR = {"name": "drr", "alpha": 1e-3, "delta": 0.1, "finetune_epochs": 1}


def at_pruning(**training: Any) -> Trainer:
    """A trainer whose training has ended, and which has pruned nothing."""
    trainer = Trainer(toy(DRR, **{"epochs": 4, "lr": 0.3, **training}), registries=KNOWN)
    while trainer.cursor is None or not trainer.evaluating or not trainer.evaluating.over:
        trainer.go_on()
    assert trainer.node.stage.name == "train"
    return trainer


def run(trainer: Trainer, procedure: Any) -> int:
    """Run a procedure to its end; how many pieces it had."""
    return sum(1 for _ in procedure(trainer.session) or ())


def thresholds(weights: dict[str, Tensor]) -> list[float]:
    magnitudes = torch.cat([weight.detach().abs().flatten() for weight in weights.values()])
    return [*magnitudes[magnitudes > 0].unique().tolist(), math.inf]


@pytest.mark.parametrize("split", ["val", "train"])
@pytest.mark.parametrize("delta", [0.0, 0.02, 0.1, 1.0])
def test_tamade_s_threshold_is_feasible_and_the_next_is_not(split: Any, delta: float) -> None:
    """Of a trained network, whose loss need not rise with each weight that goes."""
    trainer = at_pruning()
    session, before = trainer.session, trainer.session.loss(split)
    weights = {name: weight.detach().clone() for name, weight in with_biases(session, True).items()}
    all_of_them = thresholds(weights)
    passes = run(trainer, Tamade(delta, split))
    assert 0 < passes <= 25
    kept = [weights[name][mask].abs() for name, mask in session.masks.items()]
    least = min(float(each.min()) for each in kept if each.numel())
    assert least in all_of_them
    assert all(
        torch.equal(mask, (weights[name].abs() >= least) & (weights[name] != 0)) for name, mask in session.masks.items()
    )
    assert session.loss(split) <= (1 + delta) * before
    following = all_of_them[all_of_them.index(least) + 1]
    with torch.no_grad():
        for name, weight in with_biases(session, True).items():
            weight.copy_(torch.where(weights[name].abs() >= following, weights[name], 0))
    assert session.loss(split) > (1 + delta) * before


@pytest.mark.parametrize("delta", [0.0, 0.1, 1.0])
def test_with_a_trained_deviation_the_squared_error_may_grow(delta: float) -> None:
    """The loss is negative: of a share more of it less would be left."""
    student = {"data": "teacher_student", "loss": "gauss", "optimizer": "adam", "initial_sigma": 0.3}
    trainer = at_pruning(**{**student, "epochs": 40, "lr": 0.02})
    session = trainer.session
    assert session.loss("val") < 0
    before = mean_squared_error(trainer)
    assert session.error("val") == pytest.approx(before)
    weights = {name: weight.detach().clone() for name, weight in with_biases(session, True).items()}
    sigma, all_of_them = trainer.setup.task.numbers(), thresholds(weights)
    run(trainer, Tamade(delta))
    assert mean_squared_error(trainer) <= (1 + delta) * before
    least = min(float(weights[name][mask].abs().min()) for name, mask in session.masks.items() if mask.any())
    following = all_of_them[all_of_them.index(least) + 1]
    with torch.no_grad():
        for name, weight in with_biases(session, True).items():
            weight.copy_(torch.where(weights[name].abs() >= following, weights[name], 0))
    assert mean_squared_error(trainer) > (1 + delta) * before
    assert trainer.setup.task.numbers() == sigma


def mean_squared_error(trainer: Trainer) -> float:
    val = trainer.data.val
    with torch.no_grad():
        return float((trainer.network.eval()(val.inputs) - val.targets).double().square().mean())


def test_the_objective_is_the_squared_error_without_the_deviation() -> None:
    trainer = at_pruning(data="teacher_student", loss="gauss", lr=0.01)
    inputs, targets = next(iter(trainer.session.batches("train", 50)))
    trainer.network.zero_grad()
    trainer.session.objective(inputs, targets).backward()
    slopes = [each.grad.clone() for each in trainer.network.parameters() if each.grad is not None]
    trainer.network.zero_grad()
    (trainer.network(inputs) - targets).square().mean().backward()
    for parameter, slope in zip(trainer.network.parameters(), slopes, strict=True):
        assert parameter.grad is not None
        torch.testing.assert_close(slope, parameter.grad)
    (sigma,) = trainer.setup.task.parameters()
    before = sigma.grad
    trainer.session.objective(inputs, targets).backward()
    assert sigma.grad is before


def test_layers_share_the_tolerance() -> None:
    """After the first of two layers half of it may be used up, after the second all."""
    trainer = at_pruning()
    session, before = trainer.session, trainer.session.loss("val")
    assert run(trainer, Tamade(0.2, by_layer=True)) <= 2 * 25
    assert session.loss("val") <= 1.2 * before
    densities = [session.masks[name].float().mean() for name in session.prunable]
    assert len({float(each) for each in densities}) == 2


def test_an_accuracy_may_fall_by_so_much() -> None:
    trainer = at_pruning()
    before = trainer.session.evaluate("val")["accuracy"]
    run(trainer, Tamade(0.0, accuracy=0.03))
    assert before - 0.03 - 1e-9 <= trainer.session.evaluate("val")["accuracy"] < before


def test_repeated_calls_do_not_add_up() -> None:
    """Ten times with 0.1 stay below 1.1 times the lowest loss that was seen before pruning."""
    trainer = at_pruning()
    before = trainer.session.loss("val")
    for _ in range(10):
        run(trainer, Tamade(0.1))
    assert trainer.session.loss("val") <= 1.1 * before


def test_what_has_no_gradient_goes_and_nothing_else_changes() -> None:
    """A unit without outgoing weights takes its incoming ones along; outputs stay as they are."""
    trainer = at_pruning()
    session = trainer.session
    with torch.no_grad():
        session.prunable["linear2.weight"][:, 3] = 0
        session.prunable["linear1.weight"][5] = 0
        dict(session.network.named_parameters())["linear1.bias"][5] = -1.0  # ReLU never lets it through
    inputs = trainer.data.val.inputs
    outputs = session.network.eval()(inputs).clone()
    for which in ("data", "noise"):
        GradientPruning(which, 3, 200)(session)
        masks = session.masks
        assert not masks["linear1.weight"][[3, 5]].any()
        assert not masks["linear1.bias"][[3, 5]].any()
        assert not masks["linear2.weight"][:, [3, 5]].any()
        assert torch.equal(session.network.eval()(inputs), outputs) or which == "noise"


def test_deltas_share_one_training_and_equal_masks_one_fine_tuning() -> None:
    deltas = tuple(round(0.05 * k, 2) for k in range(20))
    config = toy({**DRR, "finetune_epochs": 0}, epochs=4, lr=0.3)
    forked = walked(config, branches(config, "delta", deltas))
    assert forked.epochs * STEPS == pytest.approx(4 * STEPS), "without fine-tuning nothing else is trained"
    config = toy(DRR, epochs=4, lr=0.3)
    forked = walked(config, branches(config, "delta", (*deltas, 50.0, 60.0)))
    left = {b: next(iter(r.values())).metrics["nonzeros"] for b, r in forked.results.measured.items() if r}
    different = len({*left.values()})
    assert different < len(left)
    assert forked.epochs * STEPS == pytest.approx((4 + different) * STEPS)


def test_a_network_that_answers_a_constant_is_a_failure() -> None:
    trainer = Trainer(toy({**DRR, "alpha": 10.0}, epochs=2), registries=KNOWN)
    with pytest.raises(TrainingFailed, match="pruning has left 0 weights, and the network answers a constant"):
        list(trainer)


def test_a_loss_that_is_no_number_is_a_failure_before_anything_is_pruned() -> None:
    trainer = at_pruning()
    with torch.no_grad():
        next(iter(trainer.session.prunable.values())).fill_(math.inf)
    with pytest.raises(TrainingFailed, match="the loss on val samples is nan before pruning"):
        run(trainer, Tamade(0.1))
    assert not trainer.session.masks


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_training_and_fine_tuning_equal_a_plain_loop(optimizer: str) -> None:
    """The penalty goes into the gradient, and through the optimiser; its moments are kept when pruning has been."""
    config = toy({**DRR, "rho": 1e-3, "random_gradient_pruning": "none"}, epochs=2, optimizer=optimizer, lr=0.02)
    trainer, ends = trained(config)
    loop = _Penalised(config, alpha=1e-3, beta=5.0, rho=1e-3)
    loop.through(2 * STEPS, horizon=3 * STEPS)
    (weights,) = ends[""].values()
    loop.masks = dict(trainer.session.masks)
    loop.wear()
    loop.coefficients = (0.0, 0.0, 0.0)
    loop.through(STEPS, after=2 * STEPS, horizon=3 * STEPS)
    for name, value in loop.weights().items():
        assert torch.allclose(weights[name], value, rtol=1e-5, atol=1e-7), name
    assert [row.metrics["val_loss"] for row in trainer.record] == pytest.approx([val for _, val in loop.rows], rel=1e-5)


class _Penalised(Plain):
    """Autograd has the penalty, too."""

    def __init__(self, config: Any, alpha: float, beta: float, rho: float) -> None:
        super().__init__(config)
        self.coefficients = (alpha, beta, rho)

    @property
    def prunable(self) -> dict[str, Tensor]:
        return {name: each.detach() for name, each in self.network.named_parameters()}

    def step(self, lr: float) -> tuple[Tensor, Tensor]:
        alpha, beta, rho = self.coefficients
        inputs, targets = self.batch()
        self.network.train()
        outputs = self.network(inputs)
        self.optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(outputs, targets)
        for weight in self.network.parameters():
            loss = loss + alpha * (1 - torch.exp(-beta * weight.abs())).sum() + rho * weight.square().sum()
        loss.backward()
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.step()
        self.wear()
        epoch, step = self.place[:2]
        more = step + 1 < STEPS
        self.place = self.place._replace(step=step + 1, drawn=torch.get_rng_state())
        if not more:
            self.place = type(self.place)(epoch + 1)
        return outputs.detach(), targets


@pytest.mark.parametrize(
    "wrong",
    [
        {"delta": -0.1},
        {"delta": math.inf},
        {"alpha": -1.0},
        {"alpha": math.inf},
        {"beta": -1.0},
        {"beta": math.nan},
        {"finetune_epochs": -1},
    ],
)
def test_impossible_settings(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        DrrConfig(**wrong)


def test_an_accuracy_is_tolerated_where_there_is_one() -> None:
    raw = {"method": {"name": "magnitude", "accuracy_tolerance": 0.1}, "data": "teacher_student", "model": "mlp"}
    with pytest.raises(BadInput) as refused:
        resolve_trial(raw, KNOWN)
    assert (refused.value.key, refused.value.allowed) == ("method.accuracy_tolerance", "delta")


def test_one_rule_ends_a_stage() -> None:
    with pytest.raises(BadInput) as refused:
        toy({**DRR, "smoothing_window": 10}, early_stop_patience=3)
    assert refused.value.key == "method.smoothing_window"


def test_without_tolerance_the_loss_does_not_rise() -> None:
    """What the penalty has made tiny may go all the same."""
    trainer = at_pruning()
    before = trainer.session.loss("val")
    run(trainer, Tamade(0.0))
    assert trainer.session.loss("val") <= before
    assert all(trainer.session.masks[name].any() for name in trainer.session.prunable)

"""AST in the loop: what sees only active samples, how its settings act, and that a full share is dense training."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from sparsetune.config.trial import Training
from sparsetune.measures.cost import Cost
from sparsetune.models.mlp import Mlp, MlpConfig
from sparsetune.sparsity.methods.ast import AdaptiveSparseTraining, AstConfig
from sparsetune.testing.trained import run_through, same_state, trial_config, untimed
from sparsetune.training.loop import train_steps
from sparsetune.training.optim import make_optimizer
from sparsetune.training.session import TrainingSession
from sparsetune.training.task import Classification, Meter

SIZES = [64] * 16 + [55]  # of an epoch of digits


def twins(config: MlpConfig) -> tuple[nn.Module, nn.Module]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        one, other = (Mlp.build(config, (6,), 4).double() for _ in range(2))
    other.load_state_dict(one.state_dict())
    return one, other


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_step_sees_only_active_samples(batch_norm: bool, optimizer: str) -> None:
    """Gradients, weights, moments and running statistics equal those of a plain step on the active samples."""
    network, plain = twins(MlpConfig(hidden=(8,), batch_norm=batch_norm))
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randn(32, 6, generator=generator, dtype=torch.float64)
    targets = torch.randint(4, (32,), generator=generator)
    training = Training(optimizer=optimizer, weight_decay=0.01)

    method = AdaptiveSparseTraining(AstConfig(initial_threshold=2.7), TrainingSession.of(network))
    cost, theirs, meter = Cost(), make_optimizer(method.parameters(), training), Meter(Classification())
    assert train_steps(network, method, theirs, Classification(), iter([(inputs, targets)]), meter, cost=cost) == 1
    measured = meter.result()

    with torch.no_grad():
        log_p = plain.eval()(inputs).log_softmax(1)
        losses = -log_p[range(32), targets]
        active = losses - (log_p.exp() * log_p).sum(1) >= 2.7
    assert 2 < active.sum() < 30
    plain.train()
    ours = make_optimizer(plain.parameters(), training)
    nn.functional.cross_entropy(plain(inputs[active]), targets[active]).backward()
    ours.step()

    for (name, parameter), expected in zip(network.named_parameters(), plain.parameters(), strict=True):
        assert torch.equal(parameter.grad, expected.grad), name
    assert same_state(network.state_dict(), plain.state_dict())  # BatchNorm's buffers among them
    assert same_state(theirs.state_dict(), ours.state_dict())
    assert (cost.drawn, cost.scored, cost.trained, cost.steps) == (32, 32, active.sum().item(), 1)
    # reported are all drawn samples, not the active ones
    assert measured[0] == pytest.approx(losses.mean().item(), rel=1e-12)
    assert measured[1] == (log_p.argmax(1) == targets).double().mean().item()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("model", [{}, {"batch_norm": True, "dropout": 0.3}])
@pytest.mark.parametrize("normalize", ["none", "log"])
def test_a_full_share_is_dense_training(optimizer: str, model: dict[str, object], normalize: str) -> None:
    network = {"name": "mlp", "hidden": [24, 12], **model}
    settings = {"epochs": 3, "optimizer": optimizer, "lr": 0.01}
    dense, dense_metrics = run_through(trial_config("dense", network, **settings))
    full = {"name": "ast", "target_activation": 1.0, "normalize": normalize}
    ast, metrics = run_through(trial_config(full, network, **settings))
    assert untimed(dense_metrics).items() <= untimed(metrics).items()
    for row, expected in zip(ast.record, dense.record, strict=True):
        assert untimed(expected.metrics).items() <= untimed(row.metrics).items()
        assert (row.metrics["activation_rate"], row.metrics["energy_savings"]) == (1.0, 0.0)
        assert row.metrics["compute_saved"] == 0.0
    assert same_state(ast.network.state_dict(), dense.network.state_dict())


def traced(epochs: int = 4, **settings: object) -> tuple[np.ndarray, np.ndarray]:
    """Thresholds and activations of a short training."""
    method = {"name": "ast", "target_activation": 0.5, **settings}
    trainer, _ = run_through(trial_config(method, {"name": "mlp", "hidden": [16]}, epochs=epochs))
    trace = trainer.method.trace()
    return trace["threshold"], trace["activation"]


@pytest.mark.parametrize("normalize", ["none", "log"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"initial_threshold": 0.7},
        {"kp": 0.3, "ki": 0.0},
        {"kp": 0.0, "ki": 0.05},
        {"kp_warmup_epochs": 3, "ki_warmup_epochs": 2},
        {"target_activation": 0.2, "integral_limit": 0.05},
    ],
)
def test_the_threshold_follows_the_recurrence(normalize: str, settings: dict[str, float]) -> None:
    """Recomputed from the activations, with gains that rise by (epoch + 1) / N."""
    thresholds, activations = traced(normalize=normalize, **settings)
    kp, ki, target = settings.get("kp", 0.1), settings.get("ki", 0.01), settings.get("target_activation", 0.5)
    limit = settings.get("integral_limit", 10.0)
    kp_over, ki_over = settings.get("kp_warmup_epochs", 1), settings.get("ki_warmup_epochs", 1)
    total = 0.0
    level = math.log(thresholds[0]) if normalize == "log" else thresholds[0]
    for step, activation in enumerate(activations[:-1]):
        epoch = step // len(SIZES)
        error = activation - target
        if not (normalize == "none" and level <= 0 and error < 0):
            total = max(-limit, min(limit, total + error))
        level += kp * min(1, (epoch + 1) / kp_over) * error + ki * min(1, (epoch + 1) / ki_over) * total
        level = level if normalize == "log" else max(level, 0.0)
        expected = math.exp(level) if normalize == "log" else level
        assert thresholds[step + 1] == pytest.approx(expected, rel=1e-9, abs=1e-12), step
    if "initial_threshold" in settings:
        assert thresholds[0] == pytest.approx(0.7, rel=1e-12)


def test_a_warm_up_starts_gently() -> None:
    """In the first epoch a tenth of the gain: each step of the threshold is a tenth as long."""
    plain, plain_active = traced(epochs=1, ki=0.0, initial_threshold=0.1)
    gentle, gentle_active = traced(epochs=1, ki=0.0, initial_threshold=0.1, kp_warmup_epochs=10)
    assert plain_active[0] == gentle_active[0]
    assert math.log(gentle[1] / gentle[0]) == pytest.approx(math.log(plain[1] / plain[0]) / 10, rel=1e-9)


def test_without_gains_the_threshold_stays() -> None:
    thresholds, _ = traced(kp=0.0, ki=0.0, initial_threshold=1.5)
    assert thresholds == pytest.approx(np.full(4 * 17, 1.5), rel=1e-12)


def test_the_target_is_what_is_trained_on() -> None:
    for target in (0.1, 0.3, 0.6, 0.9):
        _, activations = traced(epochs=8, target_activation=target)
        assert activations[17:].mean() == pytest.approx(target, abs=0.03)


def test_the_integral_removes_what_a_falling_loss_leaves() -> None:
    """With kp alone the threshold lags behind: too few samples stay active."""
    _, slow = traced(epochs=12, kp=0.02, ki=0.0)
    _, steered = traced(epochs=12, kp=0.02, ki=0.002)
    lag, rest = abs(slow[51:].mean() - 0.5), abs(steered[51:].mean() - 0.5)
    assert lag > 0.05
    assert rest < lag / 3


def test_a_short_last_batch_counts_by_its_size() -> None:
    method = {"name": "ast", "kp": 0, "ki": 0, "initial_threshold": 1e9, "min_active": 8}
    trainer, metrics = run_through(trial_config(method, {"name": "mlp", "hidden": [8]}, epochs=1, batch_size=359))
    sizes = [359, 359, 359, 2]  # 1,079
    assert trainer.method.trace()["activation"].tolist() == [8 / 359, 8 / 359, 8 / 359, 1.0]
    assert trainer.cost.trained == 26
    assert metrics["activation_rate"] == 26 / sum(sizes)
    assert metrics["controller_error"] == pytest.approx((24 / 359 + 1) / 4 - 0.25)

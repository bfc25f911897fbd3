"""AST's choice and report, on networks made by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from sparsetune.sparsity.methods.ast import AdaptiveSparseTraining, AstConfig
from sparsetune.testing.trained import run_through, trial_config
from sparsetune.training.session import TrainingSession

BATCH = 64


def ast(network: nn.Module, **settings: object) -> AdaptiveSparseTraining:
    return AdaptiveSparseTraining(AstConfig(**settings), TrainingSession.of(network))


def batch(seed: int = 0, size: int = BATCH, features: int = 5, classes: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(size, features, generator=generator, dtype=torch.float64)
    return inputs, torch.randint(classes, (size,), generator=generator)


def linear(seed: int = 7) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Linear(5, 3).double()


def by_hand(outputs: Tensor, targets: Tensor, weight: float) -> np.ndarray:
    """Significance in numpy, term by term."""
    logits = outputs.detach().numpy()
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return -np.log(p[np.arange(len(p)), targets.numpy()]) - weight * (p * np.log(p)).sum(1)


@pytest.mark.parametrize("weight", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("target", [0.1, 0.5, 0.9])
def test_the_first_batch_trains_its_target_share(weight: float, target: float) -> None:
    network, (inputs, targets) = linear(), batch()
    selection = ast(network, target_activation=target, entropy_weight=weight).select(inputs, targets)
    assert selection is not None
    scores = by_hand(network(inputs), targets, weight)
    assert selection.active.tolist() == np.flatnonzero(scores >= np.quantile(scores, 1 - target)).tolist()
    assert abs(len(selection.active) / BATCH - target) <= 1 / BATCH
    assert torch.equal(selection.outputs, network(inputs))


def test_entropy_changes_the_ranking() -> None:
    """Outputs are the inputs: a sure mistake has more loss, an undecided one more entropy."""
    inputs = torch.tensor([[0.0, 2.0], [0.0, 1.7]], dtype=torch.float64)  # loss 2.127, 1.867; entropy 0.365, 0.423
    targets = torch.zeros(2, dtype=torch.int64)
    for weight, most in ((0.0, 0), (1.0, 0), (6.0, 1)):
        selection = ast(nn.Identity(), entropy_weight=weight, initial_threshold=99.0).select(inputs, targets)
        assert selection is not None
        assert selection.active.tolist() == [most]


@pytest.mark.parametrize("normalize", ["none", "ema", "log"])
def test_too_many_active_samples_raise_the_threshold(normalize: str) -> None:
    """The sign: the originals lower it here and run away."""
    for start, rises in ((1e-6, True), (1e3, False)):
        method = ast(linear(), target_activation=0.5, normalize=normalize, initial_threshold=start)
        for step in range(5):
            method.select(*batch(step))
        trace = method.trace()
        assert (trace["activation"] == (1.0 if rises else 1 / BATCH)).all()
        steps = np.diff(trace["threshold"])
        if normalize == "none" and rises:
            assert (steps > 0.01).all()
        assert (steps > 0).all() if rises else (steps < 0).all()


def test_scoring_leaves_no_trace_in_the_network() -> None:
    network = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3)).double()
    inputs, targets = batch()
    network(inputs).sum().backward()
    gradients = [parameter.grad.clone() for parameter in network.parameters()]
    state = {name: value.clone() for name, value in network.state_dict().items()}
    random = torch.get_rng_state()
    for training in (True, False):
        network.train(training)
        ast(network).select(inputs, targets)
        assert all(module.training is training for module in network.modules())
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert all(torch.equal(p.grad, before) for p, before in zip(network.parameters(), gradients, strict=True))


def test_scores_are_those_of_evaluation() -> None:
    network = nn.Sequential(nn.Dropout(0.5), nn.Linear(5, 3)).double()
    inputs, targets = batch()
    selection = ast(network).select(inputs, targets)
    assert selection is not None
    assert not selection.outputs.requires_grad
    assert torch.equal(selection.outputs, network.eval()(inputs))


@settings(deadline=None, max_examples=60)
@given(
    st.one_of(st.integers(1, 80), st.floats(0.001, 0.99)),
    st.integers(1, BATCH),
    st.floats(1e-3, 1e6),
    st.sampled_from(["none", "ema", "log"]),
)
def test_no_batch_is_left_without_active_samples(wanted: float, size: int, start: float, normalize: str) -> None:
    method = ast(linear(), min_active=wanted, initial_threshold=start, normalize=normalize)
    selection = method.select(*batch(size=size))
    assert selection is not None
    assert max(1, min(size, method.config.floor(size))) <= len(selection.active) <= size
    assert method.trace()["activation"].tolist() == [len(selection.active) / size]


def test_the_epoch_and_the_end_are_reported_from_the_steps() -> None:
    method = {"name": "ast", "target_activation": 0.5}
    trainer, metrics = run_through(trial_config(method, {"name": "mlp", "hidden": [8]}, epochs=3))
    trace = trainer.method.trace()
    sizes = np.array([64] * 16 + [55])
    for row, activation, threshold in zip(
        trainer.record, np.split(trace["activation"], 3), np.split(trace["threshold"], 3), strict=True
    ):
        rate = (activation * sizes).sum() / 1079
        assert row.metrics["activation_rate"] == pytest.approx(rate, abs=1e-12)
        assert row.metrics["energy_savings"] == pytest.approx(1 - rate, abs=1e-12)
        assert row.metrics["threshold"] == pytest.approx(threshold.mean(), rel=1e-12)
        assert row.metrics["controller_error"] == pytest.approx(activation.mean() - 0.5, abs=1e-12)
    settled = trace["activation"][25:]  # of 51
    assert metrics["steady_state_error"] == pytest.approx(settled.mean() - 0.5, abs=1e-12)
    assert metrics["tracking_error"] == abs(metrics["steady_state_error"])
    assert metrics["activation_std"] == pytest.approx(settled.std(), abs=1e-12)
    assert metrics["clamp_share"] == 0.0


def test_a_target_of_all_is_tracked_exactly() -> None:
    """There is nothing to control, and a constraint on it is met."""
    method = ast(linear(), target_activation=1.0)
    method.select(*batch(0))
    assert method.summary() == {"steady_state_error": 0.0, "tracking_error": 0.0}


@pytest.mark.parametrize(("start", "error"), [(1e-9, 0.5), (1e9, 1 / 16 - 0.5)])
def test_a_controller_at_its_limit_does_not_track(start: float, error: float) -> None:
    """All samples are active, or the fewest that may be; without gains the threshold stays."""
    method = ast(linear(), target_activation=0.5, initial_threshold=start, kp=0.0, ki=0.0, min_active=1 / 16)
    for step in range(8):
        method.select(*batch(step))
    found = method.summary()
    assert found["steady_state_error"] == pytest.approx(error)
    assert found["tracking_error"] == pytest.approx(abs(error))


def test_clamp_share_counts_the_steps_at_a_limit() -> None:
    """Every sample is active, so the errors sum up to 0.5, 1, 1.5 (the limit), 1.5, ..."""
    method = ast(linear(), target_activation=0.5, initial_threshold=1e-9, integral_limit=1.5)
    for step in range(8):
        method.select(*batch(step))
    assert method.summary()["clamp_share"] == 6 / 8

"""The scales of the threshold by hand, and what they are for: significance that falls by orders of magnitude."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsetune.sparsity.controller import SCALES, LogScale, PIController, RunningMeanScale, ThresholdScale
from sparsetune.sparsity.selecting import at_least

BATCH, TARGET = 128, 0.25


def test_none_changes_nothing() -> None:
    scale, scores = ThresholdScale(0.1), torch.tensor([1.0, 3.0])
    assert scale.normalise(scores) is scores
    assert (scale.threshold(0.7), scale.level(0.7), scale.state_dict()) == (0.7, 0.7, {})
    assert (scale.low, scale.high) == (0.0, math.inf)


def test_running_mean_by_hand() -> None:
    scale = RunningMeanScale(0.1)
    assert scale.normalise(torch.tensor([1.0, 3.0])).tolist() == [0.5, 1.5]  # mean 2
    second = scale.normalise(torch.tensor([2.0, 6.0], dtype=torch.float64))  # 2 + 0.1 (4 - 2) = 2.2
    assert second.tolist() == pytest.approx([2 / 2.2, 6 / 2.2])
    assert scale.state_dict() == {"mean": pytest.approx(2.2)}
    assert (scale.threshold(0.7), scale.level(0.7)) == (0.7, 0.7)


def test_running_mean_of_nothing_but_zeros() -> None:
    assert RunningMeanScale(0.1).normalise(torch.zeros(3)).tolist() == [0.0, 0.0, 0.0]


def test_log_by_hand() -> None:
    scale, scores = LogScale(0.1), torch.tensor([1.0, 3.0])
    assert scale.normalise(scores) is scores
    assert scale.threshold(math.log(2.5)) == pytest.approx(2.5)
    assert scale.level(2.5) == pytest.approx(0.91629073)
    assert scale.level(0.0) == scale.low
    assert scale.threshold(scale.low) == pytest.approx(1e-30)
    assert scale.threshold(scale.high) == pytest.approx(1e30)


@settings(deadline=None)
@given(st.sampled_from(sorted(SCALES)), st.floats(1e-20, 1e20))
def test_level_and_threshold_are_inverse(name: str, threshold: float) -> None:
    scale = SCALES[name](0.1)
    assert scale.threshold(scale.level(threshold)) == pytest.approx(threshold, rel=1e-12)


@settings(deadline=None)
@given(
    st.sampled_from(sorted(SCALES)), st.lists(st.floats(0.01, 100), min_size=2, max_size=8), st.integers(0, 8)
)  # fmt: skip
def test_state_goes_into_another(name: str, means: list[float], stop: int) -> None:
    straight, first, second = (SCALES[name](0.3) for _ in range(3))
    batches = [mean * torch.tensor([0.5, 1.5]) for mean in means]
    expected = [straight.normalise(batch) for batch in batches]
    for batch in batches[:stop]:
        first.normalise(batch)
    second.load_state_dict(first.state_dict())
    for batch, wanted in zip(batches[stop:], expected[stop:], strict=True):
        assert torch.equal(second.normalise(batch), wanted)


def activations(name: str, decades: float, steps: int = 3000) -> torch.Tensor:
    """Under control while losses from Gamma(2, 1) fall by so many powers of ten."""
    losses = torch.distributions.Gamma(2.0, 1.0)
    scale = SCALES[name](0.1)
    controller: PIController | None = None
    found = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for step in range(steps):
            scores = scale.normalise(losses.sample((BATCH,)).double() * 10 ** (-decades * step / steps))
            if controller is None:
                level = scale.level(torch.quantile(scores, 1 - TARGET).item())
                controller = PIController(level, scale.low, scale.high, 10.0)
            active = at_least(scores, scale.threshold(controller.level), 2).numel() / BATCH
            controller.update(active - TARGET, kp=0.1, ki=0.01)
            found.append(active)
    return torch.tensor(found[steps // 2 :], dtype=torch.float64)


@pytest.mark.parametrize("name", sorted(SCALES))
def test_all_settle_where_losses_stay(name: str) -> None:
    settled = activations(name, decades=0)
    assert abs(settled.mean().item() - TARGET) < 0.02
    assert settled.std().item() < 1.3 * math.sqrt(TARGET * (1 - TARGET) / BATCH)


def test_log_follows_losses_that_fall_and_none_does_not() -> None:
    log, none = activations("log", decades=5), activations("none", decades=5)
    assert abs(log.mean().item() - TARGET) < 0.02
    assert log.std().item() < 1.3 * math.sqrt(TARGET * (1 - TARGET) / BATCH)
    assert none.std().item() > 5 * log.std().item()
    assert (none > 0.9).double().mean() > 0.05  # it swings between nearly all and the least
    assert (none < 0.05).double().mean() > 0.5

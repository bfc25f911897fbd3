"""The PI controller by hand, its sign, its limits, and that it settles."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsetune.sparsity.controller import PIController, ramp

BATCH, TARGET, FLOOR = 128, 0.25, 8


def free(level: float) -> PIController:
    return PIController(level, -math.inf, math.inf, math.inf)


def test_four_steps_by_hand() -> None:
    controller = free(1.0)
    # error, sum of errors, level
    steps = [
        (0.5, 0.5, 1.055),  # 1 + 0.05 + 0.005
        (-0.25, 0.25, 1.0325),  # - 0.025 + 0.0025
        (0.25, 0.5, 1.0625),  # + 0.025 + 0.005
        (0.0, 0.5, 1.0675),  # + 0.005
    ]
    for error, integral, level in steps:
        assert controller.update(error, kp=0.1, ki=0.01) is False
        assert controller.integral == pytest.approx(integral, abs=1e-15)
        assert controller.level == pytest.approx(level, abs=1e-15)


def test_integral_is_clamped_on_both_sides() -> None:
    controller = PIController(0.0, -9.0, 9.0, integral_limit=1.0)
    assert [controller.update(0.75, 0.1, 0.1) for _ in range(3)] == [False, True, True]
    assert controller.integral == 1.0
    assert controller.level == pytest.approx(3 * 0.075 + 0.075 + 0.1 + 0.1)
    assert controller.update(-0.5, 0.1, 0.1) is False
    assert controller.integral == 0.5
    for _ in range(4):
        controller.update(-0.75, 0.1, 0.1)
    assert controller.integral == -1.0


@pytest.mark.parametrize("sign", [1, -1])
def test_anti_windup_at_a_limit(sign: int) -> None:
    controller = PIController(0.0, -1.0, 1.0, integral_limit=100.0)
    assert controller.update(sign * 2.0, 1.0, 0.0) is True  # reaches the limit in this step, and remembers it
    assert (controller.level, controller.integral) == (sign, sign * 2.0)
    for _ in range(5):
        assert controller.update(sign * 2.0, 1.0, 0.0) is True
    assert (controller.level, controller.integral) == (sign, sign * 2.0)  # stood still
    assert controller.update(sign * -0.5, 1.0, 0.0) is False  # goes back at once
    assert (controller.level, controller.integral) == (sign * 0.5, sign * 1.5)


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), max_size=60), st.floats(0, 10), st.floats(0, 10), st.floats(0.1, 10))
def test_level_and_integral_stay_within_their_limits(errors: list[float], kp: float, ki: float, limit: float) -> None:
    controller = PIController(0.5, 0.0, 2.0, limit)
    for error in errors:
        clamped = controller.update(error, kp, ki)
        assert 0.0 <= controller.level <= 2.0
        assert abs(controller.integral) <= limit
        assert clamped == (controller.level in (0.0, 2.0) or abs(controller.integral) == limit)


@settings(deadline=None)
@given(st.floats(0.001, 1), st.floats(-5, 5), st.floats(0.001, 2), st.floats(0, 2))
def test_a_positive_error_raises_the_level(error: float, level: float, kp: float, ki: float) -> None:
    up, down = free(level), free(level)
    up.update(error, kp, ki)
    down.update(-error, kp, ki)
    assert down.level < level < up.level


def test_state_makes_an_equal_controller() -> None:
    controller = PIController(0.5, 0.0, math.inf, 3.0)
    controller.update(0.3, 0.1, 0.01)
    assert PIController(**controller.state_dict()) == controller


def test_ramp_by_hand() -> None:
    assert [ramp(epoch, 4) for epoch in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    assert [ramp(epoch, 1) for epoch in range(2)] == [1.0, 1.0]
    assert [ramp(epoch, 0) for epoch in range(2)] == [1.0, 1.0]


def simulate(start: float, sign: int, steps: int = 2000) -> tuple[np.ndarray, float]:
    """Activations and the last threshold for losses from Gamma(2, 1); ``sign`` -1 is the originals' target - a."""
    losses = np.random.default_rng(0).gamma(2.0, 1.0, (steps, BATCH))
    controller = PIController(start, 0.0, math.inf, 1e9)
    activations = []
    for batch in losses:
        active = max(int((batch >= controller.level).sum()), FLOOR)
        activations.append(active / BATCH)
        controller.update(sign * (active / BATCH - TARGET), kp=0.1, ki=0.01)
    return np.array(activations), controller.level


@pytest.mark.parametrize("start", [0.5, 1.0, 1.5, 2.5, 6.0])
def test_it_settles(start: float) -> None:
    activations, level = simulate(start, sign=1)
    settled = activations[1000:]
    assert abs(settled.mean() - TARGET) < 0.02
    assert settled.std() < 1.3 * math.sqrt(TARGET * (1 - TARGET) / BATCH)  # the binomial floor is 0.038
    assert level == pytest.approx(2.6926, abs=0.5)  # (1 + x) e^-x = 1/4


def test_the_opposite_sign_runs_away() -> None:
    activations, level = simulate(1.0, sign=-1)
    assert (activations[1000:] == 1.0).all()
    assert level == 0.0
    activations, level = simulate(6.0, sign=-1)
    assert (activations[1000:] == FLOOR / BATCH).all()
    assert level > 1000

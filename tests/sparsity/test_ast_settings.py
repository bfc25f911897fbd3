"""AST's settings: the floor under the number of active samples, and what is refused."""

import math

import pytest

from sparsetune.base.errors import BadInput
from sparsetune.sparsity.methods.ast import AstConfig
from sparsetune.testing.trained import run_through, trial_config


@pytest.mark.parametrize(
    ("wanted", "size", "floor"),
    [
        (8, 64, 8), (8, 5, 5), (1, 64, 1), (0.1, 64, 6), (0.5, 3, 1), (0.01, 64, 1), (0.99, 1, 1),
        (1 / 64, 64, 1), (1 / 64, 128, 2), (1 / 64, 63, 1), (1 / 64, 256, 4),
    ],
)  # fmt: skip
def test_floor_by_hand(wanted: float, size: int, floor: int) -> None:
    assert AstConfig(min_active=wanted).floor(size) == floor


def test_floor_is_a_sixty_fourth_by_default() -> None:
    assert [AstConfig().floor(size) for size in (1, 64, 128, 640)] == [1, 1, 2, 10]


@pytest.mark.parametrize("value", [1.0, 8.0, math.inf, math.nan, 0, 0.0, -1, True, "8"])
def test_min_active_that_is_neither_a_count_nor_a_fraction(value: object) -> None:
    with pytest.raises(BadInput, match=r"^method\.min_active"):
        trial_config({"name": "ast", "min_active": value})


@pytest.mark.parametrize("name", ["kp", "ki", "integral_limit", "entropy_weight", "initial_threshold", "ema_alpha"])
@pytest.mark.parametrize("value", [math.inf, math.nan, -1.0])
def test_numbers_that_are_none(name: str, value: float) -> None:
    with pytest.raises(BadInput, match=rf"^method\.{name}: found"):
        trial_config({"name": "ast", name: value})


@pytest.mark.parametrize(
    ("target", "wanted", "fits"),
    [
        (0.25, 16, False),
        (0.25, 15, True),
        (0.1, 0.2, False),
        (1 / 64, 1 / 64, False),
        (0.9, 64, False),
        (1.0, 64, True),
    ],
)
def test_a_target_below_the_floor_is_refused(target: float, wanted: float, fits: bool) -> None:
    method = {"name": "ast", "target_activation": target, "min_active": wanted}
    if fits:
        trial_config(method)
    else:
        with pytest.raises(BadInput, match=rf"^method\.target_activation: found {target:g}, allowed: above "):
            trial_config(method)


def test_the_refusal_of_a_target_says_what_keeps_it_up() -> None:
    with pytest.raises(BadInput) as caught:
        trial_config({"name": "ast", "target_activation": 0.1, "min_active": 8})
    assert str(caught.value) == (
        "method.target_activation: found 0.1, allowed: above 0.125, the share of a batch of 64 that min_active 8 "
        "keeps active"
    )


@pytest.mark.parametrize(
    ("settings", "batch_size", "size"),
    [
        ({}, 64, 64),
        ({"min_active": 1}, 100, 100),
        ({"min_active": 0.02}, 128, 55),  # 1,079 = 8 x 128 + 55: two of a full batch, one of the last
        ({"min_active": 2}, 64, None),
        ({"min_active": 0.04}, 64, None),
        ({"target_activation": 1.0}, 64, None),
        ({}, 2000, None),  # one batch of 1,079, at least 16 active
    ],
)
def test_batch_norm_wants_two_active_samples(settings: dict[str, float], batch_size: int, size: int | None) -> None:
    model = {"name": "mlp", "batch_norm": True}
    trial_config({"name": "ast", **settings}, batch_size=batch_size)  # without BatchNorm one is enough
    if size is None:
        trial_config({"name": "ast", **settings}, model, batch_size=batch_size)
    else:
        with pytest.raises(
            BadInput, match=rf"^method\.min_active: .*1 active sample of a batch of {size}, .*count of 2"
        ):
            trial_config({"name": "ast", **settings}, model, batch_size=batch_size)


def test_batch_norm_trains_on_the_least_that_is_allowed() -> None:
    method = {"name": "ast", "min_active": 2, "kp": 0, "ki": 0, "initial_threshold": 1e9}
    trainer, _ = run_through(trial_config(method, {"name": "mlp", "hidden": [8], "batch_norm": True}, epochs=1))
    assert trainer.cost.trained == 2 * 17

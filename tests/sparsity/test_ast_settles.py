"""The acceptance test of the controller: it reaches every target from far above and below, and stays there.

The floor of the deviation is that of drawing a batch of 64 at random: sqrt(t (1 - t) / 64).
"""

import math
from itertools import product

import pytest

from sparsetune.base.messages import Metrics
from sparsetune.testing.trained import run_through, trial_config
from sparsetune.training.trainer import Trainer

OPTIMIZERS = {"sgd": {"lr": 0.01, "momentum": 0.9}, "adam": {"lr": 1e-3}}
TARGETS = (0.1, 0.25, 0.5, 0.8)


def trained(optimizer: str, seed: int, epochs: int = 40, **settings: object) -> tuple[Trainer, Metrics]:
    return run_through(
        trial_config(
            {"name": "ast", "kp": 0.1, "ki": 0.01, **settings}, {"name": "mlp", "hidden": [300, 100]}, seed=seed,
            epochs=epochs, batch_size=64, optimizer=optimizer, **OPTIMIZERS[optimizer],
        )
    )  # fmt: skip


def settles(optimizer: str, target: float, away: int, seed: int) -> None:
    trainer, _ = trained(optimizer, seed, epochs=1, target_activation=target)
    quantile = trainer.method.trace()["threshold"][0]  # of the first batch
    start = quantile * math.exp(away)
    trainer, metrics = trained(optimizer, seed, target_activation=target, initial_threshold=start)
    trace = trainer.method.trace()
    assert trace["threshold"][0] == pytest.approx(start)
    settled = trace["activation"][len(trace["activation"]) // 2 :]
    assert abs(settled.mean() - target) < 0.02
    if target >= 0.25:
        assert settled.std() <= 1.3 * math.sqrt(target * (1 - target) / 64)
    assert metrics["steady_state_error"] == pytest.approx(settled.mean() - target)
    assert metrics["activation_std"] == pytest.approx(settled.std())


@pytest.mark.parametrize(("optimizer", "target", "away"), [("sgd", 0.5, -1), ("adam", 0.5, -1), ("adam", 0.1, 1)])
def test_it_settles(optimizer: str, target: float, away: int) -> None:
    settles(optimizer, target, away, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("optimizer", "target", "away", "seed"), list(product(OPTIMIZERS, TARGETS, (1, -1), (0, 1, 2)))
)
def test_it_settles_with_every_seed(optimizer: str, target: float, away: int, seed: int) -> None:
    settles(optimizer, target, away, seed)


@pytest.mark.slow
def test_only_a_scale_that_falls_with_the_loss_keeps_steady() -> None:
    floor = math.sqrt(0.5 * 0.5 / 64)  # 0.0625
    std = {
        normalize: trained("sgd", 0, target_activation=0.5, normalize=normalize)[1]["activation_std"]
        for normalize in ("none", "ema", "log")
    }
    assert max(std["ema"], std["log"]) < 1.3 * floor
    assert std["none"] > 3 * floor

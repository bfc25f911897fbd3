"""A trial that is stopped between any two epochs and taken up from its checkpoint is one that ran through."""

from dataclasses import asdict
from typing import Any

import pytest
import torch

from sparsetune.testing.trained import restarted, run_through, same_state, trial_config, untimed
from sparsetune.training.trainer import Trainer

EPOCHS = 5
PLAIN = {"name": "mlp", "hidden": [24]}
NOISY = {"name": "mlp", "hidden": [24, 12], "batch_norm": True, "dropout": 0.3}
AST = {"name": "ast", "target_activation": 0.4, "min_active": 2}

CASES: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "sgd": ("dense", PLAIN, {"weight_decay": 1e-3}),
    "adam": ("dense", PLAIN, {"optimizer": "adam", "schedule": "cosine"}),
    "adamw": ("dense", NOISY, {"optimizer": "adamw", "weight_decay": 0.1, "dtype": "float64"}),
    "step": ("dense", NOISY, {"schedule": {"name": "step", "every": 2, "gamma": 0.5}, "momentum": 0.0}),
    "keep best": ("dense", NOISY, {"optimizer": "adam", "lr": 0.3, "keep": "best"}),
    "early stop": ("dense", PLAIN, {"optimizer": "adam", "lr": 0.3, "early_stop_patience": 1, "epochs": 40}),
    "early stop, keep best": (AST, PLAIN, {"lr": 1.0, "early_stop_patience": 2, "keep": "best", "epochs": 40}),
    "ast log": (AST, NOISY, {"schedule": {"name": "cosine", "min_lr": 1e-4}}),
    "ast ema": ({**AST, "normalize": "ema", "kp_warmup_epochs": 3}, NOISY, {"optimizer": "adam"}),
    "ast none": ({**AST, "normalize": "none", "ki_warmup_epochs": 4}, PLAIN, {"optimizer": "adamw", "keep": "best"}),
    "ast as dense": ({**AST, "target_activation": 1.0}, NOISY, {}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_restart_after_any_epoch_changes_no_bit(case: tuple[Any, Any, dict[str, Any]]) -> None:
    method, model, settings = case
    config = trial_config(method, model, **{"epochs": EPOCHS, **settings})
    straight, metrics = run_through(config)
    rows = [untimed(row.metrics) for row in straight.record]
    if config.training.early_stop_patience:
        assert len(rows) < config.training.epochs
    stopped = Trainer(config)
    for epoch in range(min(len(rows), 8) + 1):
        resumed = restarted(stopped)
        torch.manual_seed(1_000 + epoch)  # whatever the process did before does not matter
        assert resumed.record == stopped.record  # timings and timestamps too
        assert resumed.done == stopped.done
        rest = [untimed(row.metrics) for row in resumed]
        assert rest == rows[epoch:]
        assert [row.epoch for row in resumed.record] == list(range(1, len(rows) + 1))
        last = same_state(resumed.optimizer.state_dict(), straight.optimizer.state_dict())
        assert last
        assert untimed(resumed.finish()) == untimed(metrics)
        assert same_state(resumed.network.state_dict(), straight.network.state_dict())
        assert same_state(resumed.method.state_dict(), straight.method.state_dict())
        assert counts(resumed) == counts(straight)
        if not stopped.done:
            next(stopped)  # two trainers in one process do not disturb each other


def counts(trainer: Trainer) -> dict[str, float]:
    return {name: value for name, value in asdict(trainer.cost).items() if not name.endswith("seconds")}


def test_a_restart_at_every_epoch_changes_no_bit() -> None:
    config = trial_config(AST, NOISY, epochs=EPOCHS, keep="best")
    straight, metrics = run_through(config)
    trainer = Trainer(config)
    while not trainer.done:
        next(trainer)
        trainer = restarted(trainer)
    assert untimed(trainer.finish()) == untimed(metrics)
    assert [untimed(row.metrics) for row in trainer.record] == [untimed(row.metrics) for row in straight.record]


def test_time_counts_on_after_a_restart() -> None:
    trainer = Trainer(trial_config(AST, PLAIN, epochs=3))
    next(trainer)
    resumed = restarted(trainer)
    assert asdict(resumed.cost) == asdict(trainer.cost)
    times = [row.metrics["time_min"] for row in [*trainer.record, *resumed]]
    assert 0 < times[0] < times[1] < times[2]
    stamps = [row.timestamp_ms for row in resumed.record]
    assert stamps == sorted(stamps)

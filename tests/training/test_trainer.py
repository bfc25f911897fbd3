"""Which state and numbers a training leaves, when it stops, and what its seed decides."""

import math

import pytest
import torch

from sparsetune.config.metrics import core
from sparsetune.sparsity.methods import METRICS
from sparsetune.testing.trained import restarted, run_through, same_state, trial_config, untimed
from sparsetune.training.loop import Diverged
from sparsetune.training.trainer import Trainer

SMALL = {"name": "mlp", "hidden": [8]}
LOGITS = [3.0, 2.0, 1.0, 2.0, 0.5, 4.0]  # of class 0, all others 0: the loss rises with it


def loss_of(trainer: Trainer, logit: float) -> float:
    zeros = (trainer.data.val.targets == 0).double().mean().item()
    return math.log(math.exp(logit) + 9) - zeros * logit


def scripted(logits: list[float], **settings: object) -> Trainer:
    return Trainer(trial_config({"name": "recorder", "script": logits}, SMALL, epochs=len(logits), **settings))


@pytest.mark.usefixtures("recorder")
def test_the_best_epoch_is_the_first_with_the_lowest_val_loss() -> None:
    trainer = scripted([2.0, 1.0, 1.0, 0.5, 3.0, 0.5])
    rows = list(trainer)
    assert [row.metrics["best_epoch"] for row in rows] == [1, 2, 2, 4, 4, 4]
    for row, logit in zip(rows, [2.0, 1.0, 1.0, 0.5, 3.0, 0.5], strict=True):
        assert row.metrics["val_loss"] == pytest.approx(loss_of(trainer, logit), rel=1e-6)
        best = rows[int(row.metrics["best_epoch"]) - 1]
        assert row.metrics["best_val_accuracy"] == best.metrics["val_accuracy"]


@pytest.mark.usefixtures("recorder")
@pytest.mark.parametrize(
    ("patience", "logits", "epochs"),
    [
        (1, LOGITS, 4),  # the fourth is not lower
        (2, LOGITS, 6),
        (1, [1.0, 1.0, 0.5], 2),  # equal is not lower
        (2, [1.0, 2.0, 3.0, 0.1], 3),
        (3, [1.0, 2.0, 3.0, 0.5, 1.0, 1.0, 1.0, 0.1], 7),
        (9, LOGITS, 6),
        (None, [1.0, 2.0, 3.0], 3),
    ],
)
def test_early_stop_by_hand(patience: int | None, logits: list[float], epochs: int) -> None:
    assert len(list(scripted(logits, early_stop_patience=patience))) == epochs


@pytest.mark.usefixtures("recorder")
@pytest.mark.parametrize(("keep", "epoch"), [("last", 6), ("best", 5)])
def test_the_state_that_is_kept(keep: str, epoch: int) -> None:
    trainer = scripted(LOGITS, keep=keep, metrics={"gpu_tdp_watts": 100.0})
    list(trainer)
    metrics = trainer.finish()
    *_, bias = trainer.network.parameters()
    assert bias.tolist() == [LOGITS[epoch - 1], *[0.0] * 9]
    row, last = trainer.record[epoch - 1].metrics, trainer.record[-1].metrics
    for name in row:
        assert metrics[name] == (last if METRICS[name].scope == "run" else row)[name], name
    late = {name for name in core("classification") if METRICS[name].scope == "end" and not METRICS[name].needs}
    assert set(metrics) - set(row) == late
    assert metrics["best_epoch"] == 5


def test_keep_best_leaves_what_a_training_of_that_length_leaves() -> None:
    settings = {"optimizer": "adam", "lr": 0.3}
    trainer, metrics = run_through(trial_config("dense", SMALL, epochs=12, keep="best", **settings))
    best = int(metrics["best_epoch"])
    assert 1 < best < 12
    shorter, expected = run_through(trial_config("dense", SMALL, epochs=best, **settings))
    assert same_state(trainer.network.state_dict(), shorter.network.state_dict())
    for name, value in untimed(expected).items():
        if METRICS[name].scope != "run":
            assert metrics[name] == value, name
    assert metrics["est_flops_g"] == pytest.approx(expected["est_flops_g"] * 12 / best)


@pytest.mark.parametrize("method", ["dense", "ast"])
def test_the_cap_on_time_stops_within_an_epoch_and_keeps_the_result(method: str) -> None:
    trainer, metrics = run_through(trial_config(method, SMALL, epochs=9, max_minutes=1e-9))
    assert (len(trainer.record), trainer.cost.steps, trainer.cost.drawn) == (1, 1, 64)
    assert 0 < metrics["test_accuracy"] < 1
    assert metrics["val_loss"] > 0
    assert trainer.done
    assert restarted(trainer).done


def test_the_cap_counts_the_time_before_a_restart() -> None:
    trainer = Trainer(trial_config("dense", SMALL, epochs=9, max_minutes=1.0))
    next(trainer)
    assert not trainer.done
    trainer.cost.seconds = 60.0 - 1e-9
    trainer = restarted(trainer)
    before = trainer.cost.steps
    assert len(list(trainer)) == 1
    assert trainer.cost.steps == before + 1


def test_the_cap_is_a_time() -> None:
    trainer, metrics = run_through(trial_config("dense", SMALL, epochs=100_000, max_minutes=0.005))
    assert 1 < len(trainer.record) < 100_000
    assert metrics["time_min"] >= 0.005
    assert trainer.record[-2].metrics["time_min"] < 0.005


@pytest.mark.usefixtures("recorder")
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_val_loss_that_is_not_finite(bad: float) -> None:
    trainer = scripted([1.0, 2.0, bad, 1.0])
    with pytest.raises(Diverged, match=r"^val_loss became (nan|inf) in epoch 3$"):
        list(trainer)
    assert [row.epoch for row in trainer.record] == [1, 2]


@pytest.mark.parametrize("method", ["dense", "ast", {"name": "ast", "normalize": "none"}])
def test_a_train_loss_that_is_not_finite(method: object) -> None:
    trainer = Trainer(trial_config(method, SMALL, lr=1e30))
    with pytest.raises(Diverged, match=r"^train_loss became (nan|inf) in epoch 1$"):
        list(trainer)
    assert trainer.record == []


@pytest.mark.parametrize("method", ["dense", "ast"])
def test_the_same_seed_gives_the_same_numbers(method: str) -> None:
    model = {"name": "mlp", "hidden": [8], "dropout": 0.2}
    runs = []
    for noise in (1, 2):
        torch.manual_seed(noise)
        trainer, metrics = run_through(trial_config(method, model, epochs=2, seed=5))
        runs.append((untimed(metrics), trainer.network.state_dict()))
    assert runs[0][0] == runs[1][0]
    assert same_state(runs[0][1], runs[1][1])


def test_different_seeds_give_different_weights_and_orders() -> None:
    seeds = [0, 1, 2, 4, 8, 2**16, 2**31, 2**32 - 2, 2**32 - 1]
    start, trained = set(), set()
    for seed in seeds:
        trainer = Trainer(trial_config("dense", SMALL, epochs=1, seed=seed))
        start.add(tuple(next(trainer.network.parameters()).flatten().tolist()))
        # the order alone: all start from the same weights
        with torch.no_grad():
            for parameter in trainer.network.parameters():
                parameter.fill_(0.01)
        trained.add(next(trainer).metrics["train_loss"])
    assert len(start) == len(trained) == len(seeds)


def test_float64_is_float64_all_through() -> None:
    double, metrics = run_through(trial_config("ast", SMALL, epochs=2, dtype="float64"))
    assert {value.dtype for value in double.network.state_dict().values()} == {torch.float64}
    assert double.data.train.inputs.dtype == torch.float64
    single, expected = run_through(trial_config("dense", SMALL, epochs=1))
    _, close = run_through(trial_config("dense", SMALL, epochs=1, dtype="float64"))
    assert close["val_loss"] == pytest.approx(expected["val_loss"], rel=1e-4)
    assert close["val_loss"] != expected["val_loss"]
    assert {value.dtype for value in single.network.state_dict().values()} == {torch.float32}
    assert metrics["val_loss"] > 0


def test_every_sample_is_drawn_once_an_epoch() -> None:
    trainer, _ = run_through(trial_config("dense", SMALL, epochs=3, batch_size=100))
    assert (trainer.cost.drawn, trainer.cost.trained, trainer.cost.scored) == (3 * 1079, 3 * 1079, 0)
    assert trainer.cost.steps == 3 * 11


def test_every_epoch_sees_every_sample_in_an_order_of_its_own() -> None:
    trainer = Trainer(trial_config("dense", SMALL, epochs=3))
    seen: list[torch.Tensor] = []

    def look(network: torch.nn.Module, inputs: tuple[torch.Tensor]) -> None:
        if network.training:
            seen.append(inputs[0])

    trainer.network.register_forward_pre_hook(look)
    list(trainer)
    epochs = torch.cat(seen).flatten(1).split(1079)
    everything = sorted(trainer.data.train.inputs.flatten(1).tolist())
    assert [sorted(epoch.tolist()) == everything for epoch in epochs] == [True] * 3
    assert len({tuple(epoch.flatten().tolist()) for epoch in epochs}) == 3

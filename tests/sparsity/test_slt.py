"""Strong lottery tickets in the loop: what never moves, what is kept, when a trial ends as a failure."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sparsetune.base.errors import BadInput
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.sparsity.method import TrainingFailed
from sparsetune.sparsity.methods.slt import StrongLotteryTicket
from sparsetune.testing.trained import restarted, same_state, trial_config, untimed
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

MLP = {"name": "mlp", "hidden": [32, 16]}
N = 64 * 32 + 32 * 16 + 16 * 10


def config(model: dict[str, Any] | str = "mlp", epochs: int = 3, **method: Any) -> TrialConfig:
    model = {**MLP} if model == "mlp" else model
    return trial_config({"name": "slt", **method}, model, epochs=epochs)


def method_of(trainer: Trainer) -> StrongLotteryTicket:
    assert isinstance(trainer.method, StrongLotteryTicket)
    return trainer.method


def weights(network: nn.Module) -> list[Tensor]:
    return [value.detach().clone() for name, value in network.named_parameters()]


@pytest.mark.parametrize("init", ["signed_constant", "kaiming"])
def test_weights_are_those_that_were_drawn(init: str) -> None:
    trainer = Trainer(config({**MLP, "init": init}))
    method = method_of(trainer)
    before = method.drawn.clone()
    list(trainer)
    assert torch.equal(method.drawn, before)
    now = torch.cat([value.flatten() for value in weights(trainer.network)])
    assert torch.equal(now, before * method.mask)
    assert not method.drawn.requires_grad
    assert all(value.grad is None for value in trainer.network.parameters())


@pytest.mark.parametrize("sparsity", [0.1, 0.5, 0.9])
def test_as_many_are_kept_after_every_epoch(sparsity: float) -> None:
    trainer = Trainer(config(sparsity=sparsity))
    for _ in trainer:
        assert int(method_of(trainer).mask.sum()) == N - math.ceil(sparsity * N)
    assert trainer.finish()["density"] == (N - math.ceil(sparsity * N)) / N


def test_without_sparsity_it_is_the_untrained_network() -> None:
    """Whatever the scores learn, the predictions stay those of the network as it was drawn, without biases."""
    trainer = Trainer(config(sparsity=0.0))
    drawn = weights(trainer.network)
    rows = list(trainer)
    assert same_state(weights(trainer.network), drawn)
    accuracies = {row.metrics["val_accuracy"] for row in rows}
    assert len(accuracies) == 1
    torch.manual_seed(1)  # any
    plain = nn.Sequential(nn.Linear(64, 32, bias=False), nn.ReLU(), nn.Linear(32, 16, bias=False), nn.ReLU(),
                          nn.Linear(16, 10, bias=False))  # fmt: skip
    with torch.no_grad():
        for parameter, value in zip(plain.parameters(), drawn, strict=True):
            parameter.copy_(value)
    val = trainer.data.val
    outputs = plain(val.inputs.flatten(1))
    assert (outputs.argmax(1) == val.targets).double().mean().item() == pytest.approx(accuracies.pop())


def test_it_learns_without_moving_a_weight() -> None:
    rows = list(Trainer(trial_config({"name": "slt"}, {"name": "mlp", "hidden": [300, 100]}, epochs=10)))
    assert rows[-1].metrics["val_accuracy"] > 0.9


def test_signed_constants_have_the_size_of_their_layer() -> None:
    for scale, factor in ((False, 1.0), (True, 1 / math.sqrt(0.2))):
        method = method_of(Trainer(config(sparsity=0.8, scale_weights=scale)))
        first, second, third = method.drawn.split([64 * 32, 32 * 16, 16 * 10])
        for part, fan in ((first, 64), (second, 32), (third, 16)):
            torch.testing.assert_close(part.abs(), torch.full_like(part, factor * math.sqrt(2 / fan)))
            assert part.sign().mean().abs() < 0.2


def test_seeds_draw_weights_and_scores_of_their_own() -> None:
    one, same, other = (Trainer(trial_config("slt", MLP, seed=seed)) for seed in (0, 0, 1))
    assert same_state(one.method.state_dict(), same.method.state_dict())
    assert not torch.equal(method_of(one).drawn, method_of(other).drawn)
    assert not same_state(one.method.state_dict(), other.method.state_dict())


def test_a_restart_has_the_same_mask_bit_for_bit() -> None:
    straight = Trainer(config(epochs=4))
    list(straight)
    stopped = Trainer(config(epochs=4))
    next(stopped)
    next(stopped)
    resumed = restarted(stopped)
    list(resumed)
    assert torch.equal(method_of(resumed).mask, method_of(straight).mask)
    assert untimed(resumed.finish()) == untimed(straight.finish())


def test_the_best_state_is_the_one_that_is_measured() -> None:
    """Its mask is not selected anew by the scores of the end, also not after a restart."""
    trainer = Trainer(trial_config({"name": "slt"}, MLP, epochs=8, lr=3.0, keep="best", schedule="constant"))
    masks = [method_of(trainer).mask for _ in trainer]
    best = int(trainer.record[-1].metrics["best_epoch"])
    assert best < 8, "else this test shows nothing"
    assert not torch.equal(masks[best - 1], masks[-1])
    fresh, kept = restarted(trainer), []
    for each in (trainer, fresh):
        (due,) = each.due
        (result,) = each.measure(due, lambda _, each=each: kept.append(method_of(each).mask)).values()  # type: ignore[misc]
        assert result.metrics["val_loss"] == trainer.record[best - 1].metrics["val_loss"]
    assert torch.equal(kept[0], masks[best - 1])
    assert torch.equal(kept[1], masks[best - 1])


def test_gradients_over_two_batches_are_those_of_one() -> None:
    halves = trial_config("slt", MLP, epochs=1, batch_size=32, grad_accum_steps=2)
    whole = trial_config("slt", MLP, epochs=1, batch_size=64)
    found = []
    for each in (halves, whole):
        trainer = Trainer(each.model_copy(update={"training": each.training.model_copy(update={"dtype": "float64"})}))
        list(trainer)
        found.append(trainer.method.state_dict()["scores"])
    torch.testing.assert_close(*found, rtol=0, atol=1e-12)


def test_an_empty_layer_fails_the_training_by_name() -> None:
    """By hand: of 2,720 weights 28 are kept, those above 0.24; the first layer's scores reach 1 / sqrt(64) only."""
    with pytest.raises(TrainingFailed, match=r"layer_collapse: no weight of linear1\.weight is kept at sparsity 0\.99"):
        list(Trainer(config(sparsity=0.99)))


@pytest.mark.parametrize(
    ("hidden", "settings", "advice"),
    [
        ([32], {}, "with less, with rank_by_fan_in or by layer it may be"),
        ([2], {"rank_by_fan_in": True}, "with less or by layer it may be"),
        ([2], {"scope": "layer"}, "with less it may be"),
    ],
)
def test_what_is_advised_is_not_set_yet(hidden: list[int], settings: dict[str, Any], advice: str) -> None:
    """By hand: of the 20 weights from two units ceil(0.99 * 20) = 20 are removed by layer; of all 148 two are kept."""
    method = {"name": "slt", "sparsity": 0.99, **settings}
    with pytest.raises(TrainingFailed, match=rf"at sparsity 0\.99; {advice}$"):
        list(Trainer(trial_config(method, {"name": "mlp", "hidden": hidden}, epochs=1)))


@pytest.mark.parametrize("each_epoch", [False, True])
def test_a_layer_that_is_empty_before_training_may_come_back(each_epoch: bool) -> None:
    """By hand: 6,660 of 22,200 are kept. Scores of 64 inputs reach 0.125, a third of them, 6,660, are above 0.08; those
    of 300 inputs end at 0.058."""
    wide = {"name": "mlp", "hidden": [300]}
    asked = {"each_epoch": each_epoch}
    trainer = Trainer(trial_config({"name": "slt", "sparsity": 0.7}, wide, metrics=asked, epochs=2, lr=0.5))
    trainer.method.before_batch()
    assert not method_of(trainer).mask[-300 * 10 :].any()
    rows = list(trainer)
    assert rows[-1].metrics["val_accuracy"] > 0.8
    if each_epoch:
        assert trainer.journal.start(trainer.first)["layer_density/linear2.weight"] == 0
        assert rows[-1].metrics["layer_density/linear2.weight"] > 0


def test_batch_norm_keeps_statistics_only() -> None:
    trainer = Trainer(config({**MLP, "batch_norm": True}))
    list(trainer)
    names = {name for name, _ in trainer.network.named_parameters()}
    assert names == {f"linear{number}.weight" for number in (1, 2, 3)}
    metrics = trainer.finish()
    statistics = 2 * (32 + 16)
    assert metrics["bytes_seed_mask"] == math.ceil((64 + N + 32 * statistics) / 8)
    kept = metrics["nonzeros"]
    ways = math.lgamma(N + 1) - math.lgamma(kept + 1) - math.lgamma(N - kept + 1)
    assert metrics["model_bits"] == pytest.approx(64 + ways / math.log(2))  # the values follow from the seed
    assert metrics["description_model_bits"] == pytest.approx(ways / math.log(2) + 32 * kept)


def test_dropout_stays_on_by_default_and_can_be_switched_off() -> None:
    found = {}
    for samples in (0, 1, 50):
        trainer = Trainer(config(n_dropout_layers=1, p_dropout=0.3, mc_samples=samples, epochs=2))
        list(trainer)
        found[samples] = trainer.finish()
        trainer.method.adopt(trainer.config.method)
        assert trainer.method.samples == max(1, samples)
    assert config(n_dropout_layers=1).method.mc_samples == 1  # type: ignore[attr-defined]
    assert found[0]["train_loss"] == found[1]["train_loss"] == found[50]["train_loss"]
    assert len({each["val_loss"] for each in found.values()}) == 3
    assert found[50]["val_loss"] < found[1]["val_loss"]


def test_one_training_serves_all_monte_carlo_counts() -> None:
    """Each count has the rows and the end of a training of its own, bit for bit, and the mask is the same."""
    configs = [config(n_dropout_layers=2, p_dropout=0.2, mc_samples=count) for count in (0, 1, 5)]
    together = Trainer(configs[0], {str(number): each.method for number, each in enumerate(configs)})
    list(together)
    together.finish()
    masks = set()
    for number, each in enumerate(configs):
        alone = Trainer(each)
        list(alone)
        masks.add(method_of(alone).mask.numpy().tobytes())
        for row, other in zip(together.journal.rows(str(number)), alone.record, strict=True):
            assert untimed(row.metrics) == untimed(other.metrics)
        (found,) = together.results.of_run(str(number))
        assert untimed(found.metrics) == untimed(alone.finish())
    assert masks == {method_of(together).mask.numpy().tobytes()}


def test_its_defaults_reach_other_sections_where_nothing_is_written() -> None:
    found = config()
    assert found.model.init == "signed_constant"  # type: ignore[attr-defined]
    assert (found.training.lr, found.training.schedule.name, found.metrics.each_epoch) == (0.1, "cosine", True)
    raw = {"method": "slt", "data": "digits", "model": {"name": "mlp", "init": "kaiming"}, "training": {"lr": 0.5}}
    said = resolve_trial({**raw, "metrics": {"each_epoch": False}}, REGISTRIES)
    assert said.model.init == "kaiming"  # type: ignore[attr-defined]
    assert (said.training.lr, said.training.schedule.name, said.metrics.each_epoch) == (0.5, "cosine", False)
    assert trial_config("dense").training.lr == 0.01
    assert resolve_trial(found.plain(), REGISTRIES) == found


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"model": {"name": "mlp", "weights": "w.safetensors"}}, ("model.weights", "w.safetensors", "null")),
        ({"method": {"name": "slt", "sparsity": 1.0}}, ("method.sparsity", "1.0", "below 1")),
        ({"method": {"name": "slt", "n_dropout_layers": 4}}, ("method.n_dropout_layers", "4", "at most 2")),
        (
            {"method": {"name": "slt", "slt_sparsity": 0.5}},
            ("'slt_sparsity'", "sparsity, the fraction removed"),
        ),
        ({"method": {"name": "slt", "density": 0.7}}, ("method", "'density'", "1 - density")),
        ({"model": None}, ("model", "missing")),
        ({"model": {"hidden": [3]}}, ("model", "found {'hidden': [3]},", "a name")),  # as written, without a default
        ({"training": 7}, ("training", "7", "a mapping")),
    ],
)
def test_bad_settings_are_one_line(raw: dict[str, Any], words: tuple[str, ...]) -> None:
    whole = {"method": "slt", "data": "digits", "model": dict(MLP), **raw}
    with pytest.raises(BadInput) as caught:
        resolve_trial({key: value for key, value in whole.items() if value is not None}, REGISTRIES)
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in words), str(caught.value)

"""What a trial says at its end, against brute force on the network that it leaves."""

import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from sparsetune.base.messages import Job, Key
from sparsetune.config.metrics import core
from sparsetune.config.trial import resolve_trial
from sparsetune.sparsity.methods import METRICS
from sparsetune.testing.trained import run_through, trial_config
from sparsetune.training.measuring import layer_rows
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer
from sparsetune.training.trial import run_trial

MLP = {"name": "mlp", "hidden": [8]}


def test_sizes_by_hand() -> None:
    """64-8-10: 592 weights and 18 biases."""
    _, metrics = run_through(trial_config("dense", MLP, epochs=1))
    assert metrics["parameters"] == metrics["nonzeros"] == 64 * 8 + 8 + 8 * 10 + 10 == 610
    assert metrics["density"] == metrics["compression_ratio"] == 1
    assert metrics["dense_macs"] == metrics["macs"] == metrics["mc_macs"] == 592
    assert metrics["flops"] == metrics["dense_flops"] == 2 * 592
    assert metrics["bytes_dense"] == metrics["bytes_entropy"] == 4 * 610
    assert metrics["bytes_bitmask"] == 592 / 8 + 4 * 610
    model, data = 32 * 610, 1079 * metrics["val_loss"] / math.log(2)
    assert metrics["description_model_bits"] == metrics["model_bits"] == pytest.approx(model)
    assert metrics["description_data_bits"] == pytest.approx(data)
    assert metrics["description_length_bits"] == pytest.approx(model + data)


def test_a_subnormal_weight_is_one() -> None:
    """1e-40 counts as zero while predictions are computed, and only then."""
    trainer = Trainer(trial_config("dense", MLP))
    trainer.method.adopt(trainer.config.method)
    with torch.no_grad():
        trainer.network.get_parameter("linear1.weight")[:, :13] = 1e-40
        trainer.network.get_parameter("linear1.weight")[:, 13] = 0
    metrics = trainer.setup.measuring.at_the_end()
    nonzeros = sum(int((value != 0).sum()) for value in trainer.network.parameters())
    assert metrics["nonzeros"] == nonzeros == 602
    assert metrics["macs"] == 592 - 8


def test_monte_carlo_repeats_what_follows_the_first_dropout() -> None:
    method = {"name": "dense", "n_dropout_layers": 1, "p_dropout": 0.2, "mc_samples": 10}
    _, metrics = run_through(trial_config(method, MLP, epochs=1))
    assert metrics["mc_macs"] == 64 * 8 + 10 * 8 * 10


def test_ape_is_there_where_it_is_asked_for() -> None:
    _, without = run_through(trial_config("dense", MLP, epochs=1))
    assert "ape" not in without
    _, metrics = run_through(trial_config("dense", MLP, epochs=1, metrics={"noise_samples": 300}))
    assert 0 < metrics["ape"] < math.log(10)
    again = run_through(trial_config("dense", MLP, epochs=1, metrics={"noise_samples": 300}))[1]
    assert metrics["ape"] == again["ape"], "the noise is the same for all"


def test_a_sparse_network_leaves_its_layers(tmp_path: Path) -> None:
    """Two weights of five in the first layer, frozen there by a learning rate of almost nothing."""
    dense = Trainer(trial_config("dense", MLP))
    weights = {name: value.clone() for name, value in dense.network.state_dict().items()}
    weights["linear1.weight"][:, 13:] = 0
    save_file(weights, tmp_path / "sparse.safetensors")
    model = {**MLP, "weights": str(tmp_path / "sparse.safetensors")}
    config = trial_config("dense", model, epochs=1, lr=1e-38, momentum=0.0).plain()
    (*_, last) = run_trial(Job(Key(0), config, str(tmp_path / "trial")))
    assert last.outcome is not None
    assert last.outcome.notes["split"] == dense.data.digest
    layers = json.loads((tmp_path / "trial" / "layers.json").read_text())
    kept = int((load_file(tmp_path / "trial" / "weights.safetensors")["linear1.weight"] != 0).sum())
    assert [layer["name"] for layer in layers] == ["linear1.weight", "linear2.weight"]
    assert layers[0]["nonzeros"] == layers[0]["macs"] == kept == last.outcome.metrics["macs"] - 80
    assert layers[0]["density"] == kept / 512 < 0.25
    assert [layer.get("image") for layer in layers] == [[1, 8, 8], None]


@pytest.mark.parametrize(("model", "inputs"), [("lenet_sbcube", (1, 28, 28)), ("mlp", (784,)), ("mlp", (1, 28, 29))])
def test_a_layer_that_sees_no_image_flat_has_none(model: str, inputs: tuple[int, ...]) -> None:
    raw = {"method": "dense", "data": {"name": "digits", "resize": 28}, "model": model}
    trainer = Trainer(resolve_trial(raw, REGISTRIES))
    rows = layer_rows(trainer.network, list(trainer.session.prunable), trainer.setup.built.anatomy.work, inputs)
    assert rows
    assert not any("image" in row for row in rows)


def test_regression_has_its_own_numbers() -> None:
    raw = {"method": "dense", "data": "teacher_student", "model": {"name": "mlp", "hidden": [25, 25]}}
    raw["training"] = {"epochs": 3, "batch_size": 100, "device": "cpu"}  # type: ignore[assignment]
    trainer, metrics = run_through(resolve_trial(raw, REGISTRIES))
    wanted = {name for name in core("regression") if METRICS[name].needs in ("", "data.noise")}
    assert set(metrics) == wanted
    with torch.no_grad():
        errors = (trainer.network.eval()(trainer.data.test.inputs) - trainer.data.test.targets).double()
    assert metrics["test_mse"] == pytest.approx(errors.square().mean().item(), rel=1e-5)
    assert metrics["test_mae"] == pytest.approx(errors.abs().mean().item(), rel=1e-5)


def test_targets_that_are_standardised_are_reported_as_they_were() -> None:
    """Diabetes: from 25 to 346, so a mean absolute error in deviations would be below 2."""
    data = {"name": "tabular", "set": "diabetes"}
    raw = {"method": "dense", "data": data, "model": MLP, "training": {"epochs": 2, "device": "cpu"}}
    trainer, metrics = run_through(resolve_trial(raw, REGISTRIES))
    scaling = trainer.data.target_scaling
    assert scaling is not None
    with torch.no_grad():
        predicted = trainer.network.eval()(trainer.data.val.inputs) * scaling.scale + scaling.shift
    assert metrics["val_mae"] == pytest.approx((predicted - trainer.data.val.targets).abs().mean().item(), rel=1e-4)
    assert metrics["val_mae"] > 20
    assert metrics["val_loss"] < 3

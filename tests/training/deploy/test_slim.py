"""Neurons without a path are gone from a network that is used elsewhere, and nothing else is another."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import cross_entropy

from sparsetune.config.trial import TrialConfig
from sparsetune.data import load_dataset
from sparsetune.training.deploy.deployed import Deployed, deployed
from sparsetune.training.registries import REGISTRIES

from .cases import DROPPING, trained

PLAIN = {"name": "mlp", "hidden": [12, 6]}


def with_dead(folder: Path, method: object = "dense") -> tuple[TrialConfig, Path]:
    """Of the first hidden layer one neuron that nothing reads, one that reads nothing; of the second one of each."""
    config, weights, _ = trained(folder, method, model=PLAIN)
    state = load_file(weights)
    state["linear2.weight"][:, 3] = 0
    state["linear1.weight"][7] = 0
    state["linear1.bias"][7] = 0.5  # a constant, which the second layer's biases take over
    state["linear3.weight"][:, 0] = 0
    state["linear2.weight"][5] = 0
    save_file(state, weights)
    return config, weights


def both(folder: Path, method: object = "dense") -> tuple[Deployed, Deployed]:
    config, weights = with_dead(folder, method)
    return deployed(config, weights, REGISTRIES), deployed(config, weights, REGISTRIES, whole=False)


def test_they_go_and_outputs_stay(tmp_path: Path) -> None:
    config, weights = with_dead(tmp_path)
    whole, slim = (deployed(config, weights, REGISTRIES, whole=each) for each in (True, False))
    shapes = {name: tuple(each.shape) for name, each in slim.network.named_parameters()}
    assert shapes == {
        "network.linear1.weight": (10, 64),
        "network.linear1.bias": (10,),
        "network.linear2.weight": (4, 10),
        "network.linear2.bias": (4,),
        "network.linear3.weight": (10, 4),
        "network.linear3.bias": (10,),
    }
    assert slim.words["neurons"] == {"hidden": 18, "removed": 4, "whole_because": ""}
    assert "neurons" not in whole.words
    store = load_dataset(config.data).val.store
    torch.testing.assert_close(slim.network(store), whole.network(store), rtol=1e-5, atol=1e-5)


def test_in_float64_nothing_is_left_of_the_difference(tmp_path: Path) -> None:
    config, weights = with_dead(tmp_path)
    double = config.model_copy(update={"training": config.training.model_copy(update={"dtype": "float64"})})
    whole, slim = (deployed(double, weights, REGISTRIES, whole=each).network for each in (True, False))
    store = load_dataset(config.data).val.store
    assert (slim(store) - whole(store)).abs().max() < 1e-10


def test_a_network_that_drops_neurons_stays_whole(tmp_path: Path) -> None:
    """A constant that is dropped now and then is none."""
    whole, slim = both(tmp_path, {"name": "dense", **DROPPING, "mc_samples": 5})
    samples = torch.arange(3 * 64, dtype=torch.uint8).reshape(3, 1, 8, 8) % 17
    assert torch.equal(whole.network(samples), slim.network(samples))
    assert slim.words["neurons"]["removed"] == 0
    assert slim.words["neurons"]["whole_because"].startswith("it averages networks that drop neurons")


def test_a_trial_may_have_deleted_neurons_itself(tmp_path: Path) -> None:
    """Its weights are smaller than its model says."""
    method = {"name": "magnitude", "delta": 0.9, "finetune_epochs": 0, "delete_neurons": True}
    training = {"epochs": 4, "batch_size": 128, "lr": 0.1}
    config, weights, outcome = trained(tmp_path, method, model={"name": "mlp", "hidden": [60]}, training=training)
    width = len(load_file(weights)["linear1.bias"])
    assert width == 60 - outcome.metrics["deleted_neurons"] < 60
    network = deployed(config, weights, REGISTRIES, outcome.notes["split"]).network
    val = load_dataset(config.data).val
    loss = cross_entropy(network(val.store[val.rows]), val.targets).item()
    assert loss == pytest.approx(outcome.metrics["val_loss"], rel=1e-5)


def test_random_numbers_stay_as_they_are(tmp_path: Path) -> None:
    config, weights = with_dead(tmp_path)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    deployed(config, weights, REGISTRIES, whole=False)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("method", ["dense", {"name": "dense", **DROPPING}], ids=["certain", "dropout in training"])
def test_dropout_in_training_alone_keeps_nothing(tmp_path: Path, method: object) -> None:
    assert both(tmp_path, method)[1].words["neurons"]["removed"] == 4

"""What is said of a ticket's predictions, against one pass a sample and network, and sums over bins in plain Python."""

import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from sparsetune.base.seeds import mix
from sparsetune.measures.uncertainty import noise
from sparsetune.sparsity.dropout import _UNITS
from sparsetune.testing.trained import trial_config
from sparsetune.training.measuring import _NOISE
from sparsetune.training.trainer import Trainer

from .drawn import kept

P, T = 0.3, 7
SITES = {"relu1": 32, "relu2": 16}
NOISE = 3000  # more than are evaluated at once


def masks(batches: Sequence[int], seed: int) -> list[list[dict[str, Tensor]]]:
    """Of each sample, of each network, by site: (units,) what is kept."""
    generators = [torch.Generator().manual_seed(mix(seed, _UNITS, t)) for t in range(T)]
    found: list[list[dict[str, Tensor]]] = []
    for size in batches:
        drawn: list[dict[str, Tensor]] = [{} for _ in range(T)]
        for site, units in SITES.items():
            for t, generator in enumerate(generators):
                drawn[t][site] = kept(torch.Size((size, units)), P, generator)
        found += [[{site: each[sample] for site, each in of.items()} for of in drawn] for sample in range(size)]
    return found


@torch.inference_mode()
def probabilities(network: nn.Module, sample: Tensor, of_networks: list[dict[str, Tensor]]) -> list[float]:
    """The mean over networks of softmax, one forward pass each, through the layers by name."""
    total = [0.0] * 10
    for mask in of_networks:
        values = sample.unsqueeze(0)
        for name, layer in network.named_children():
            layer._forward_hooks.clear()
            values = layer(values)
            if name in mask:
                values = values * mask[name] / (1 - P)
        for number, each in enumerate(torch.softmax(values[0], 0).tolist()):
            total[number] += each / len(of_networks)
    return total


def calibration(p: list[list[float]], targets: list[int], bins: int) -> float:
    members: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for each, target in zip(p, targets, strict=True):
        confidence = max(each)
        members[math.ceil(confidence * bins) - 1].append((confidence, each.index(confidence) == target))
    gaps = (abs(sum(c for c, _ in of_bin) - sum(hit for _, hit in of_bin)) for of_bin in members)
    return sum(gaps) / len(p)


def test_averages_calibration_and_uncertainty_are_the_direct_ones() -> None:
    method = {"name": "slt", "n_dropout_layers": 2, "p_dropout": P, "mc_samples": T}
    model = {"name": "mlp", "hidden": [32, 16]}
    trainer = Trainer(trial_config(method, model, epochs=3, dtype="float64", metrics={"noise_samples": NOISE}))
    list(trainer)
    metrics, network = trainer.finish(), trainer.network.eval()
    trainer.method.adopt(trainer.config.method)
    batch = trainer.setup.built.evaluation_batch
    val = trainer.data.val
    assert len(val) <= batch < NOISE

    of_val = masks([len(val)], trainer.config.seed)
    p = [probabilities(network, sample, each) for sample, each in zip(val.inputs, of_val, strict=True)]
    targets = val.targets.tolist()
    expected = {
        "val_loss": -sum(math.log(each[target]) for each, target in zip(p, targets, strict=True)) / len(p),
        "val_accuracy": sum(each.index(max(each)) == target for each, target in zip(p, targets, strict=True)) / len(p),
        "ece": calibration(p, targets, 10),
        "ece_15": calibration(p, targets, 15),
        "entropy": -sum(q * math.log(q) for each in p for q in each) / len(p),
    }
    unsure = torch.cat(list(noise(NOISE, trainer.data.input_shape, mix(0, _NOISE)))).double()
    of_noise = masks([min(batch, NOISE - start) for start in range(0, NOISE, batch)], trainer.config.seed)
    q = [probabilities(network, sample, each) for sample, each in zip(unsure, of_noise, strict=True)]
    expected["ape"] = -sum(x * math.log(x + 1e-8) for each in q for x in each) / len(q)
    assert {name: metrics[name] for name in expected} == pytest.approx(expected, abs=1e-6, rel=0)
    assert expected["ece"] > 0.01, "else this shows little"

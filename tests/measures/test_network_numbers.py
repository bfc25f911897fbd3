"""All numbers of a network at once: LeNet-300-100 by hand."""

import math
from collections.abc import Callable

import pytest
import torch

from sparsetune.config.metrics import metric_of
from sparsetune.measures.macs import work
from sparsetune.measures.network import network_numbers
from sparsetune.models.mlp import Mlp, MlpConfig
from sparsetune.sparsity.methods import METRICS

SHAPE = (1, 28, 28)


def numbers(**given: object) -> dict[str, float]:
    network = Mlp.build(MlpConfig(), SHAPE, 10)
    for parameter in network.parameters():
        parameter.data.fill_(1)
    weight = network.get_parameter("linear1.weight")
    weight.data.view(-1)[200_000:] = 0
    prunable = [name for name, _ in network.named_parameters() if name.endswith("weight")]
    arguments = {"samples": 55_000, "bits_per_sample": 0.5, **given}
    return network_numbers(network, prunable, work(network, SHAPE), **arguments)  # type: ignore[arg-type]


def test_lenet_300_100_by_hand() -> None:
    """784 x 300 + 300 x 100 + 100 x 10 = 266,200 weights, 410 biases; 200,000 + 31,000 weights are left."""
    found = numbers(first_dropout="relu1", mc_samples=10)
    chosen = math.lgamma(266_611) - math.lgamma(231_411) - math.lgamma(35_201)
    model = chosen / math.log(2) + 32 * 231_410
    expected = {
        "density": 231_000 / 266_200,
        "sparsity": 35_200 / 266_200,
        "nonzeros": 231_410,
        "parameters": 266_610,
        "compression_ratio": 266_610 / 231_410,
        "dense_macs": 266_200,
        "macs": 231_000,
        "flops": 462_000,
        "dense_flops": 532_400,
        "mc_macs": 200_000 + 10 * 31_000,
        "bytes_dense": 4 * 266_610,
        "bytes_bitmask": 33_275 + 4 * 231_000 + 4 * 410,
        "bytes_csr": 8 * 231_000 + 4 * (301 + 101 + 11) + 4 * 410,
        "bytes_entropy": found["bytes_entropy"],
        "bytes_seed_mask": (64 + 266_200 + 32 * 410) / 8,
        "description_length_bits": 27_500 + model,
        "description_data_bits": 27_500,
        "description_model_bits": model,
        "model_bits": model,
        "layer_density/linear1.weight": 200_000 / 235_200,
        "layer_density/linear2.weight": 1,
        "layer_density/linear3.weight": 1,
    }
    assert found == pytest.approx(expected, rel=1e-12)
    d = 231_000 / 266_200
    bits = -266_200 * (d * math.log2(d) + (1 - d) * math.log2(1 - d))
    assert found["bytes_entropy"] == math.ceil(bits / 8) + 4 * 231_000 + 4 * 410


def test_values_that_follow_from_a_seed_cost_nothing_beside_it() -> None:
    trained, drawn = numbers(), numbers(drawn=True)
    assert drawn["model_bits"] == pytest.approx(trained["description_model_bits"] - 32 * 231_410 + 64, rel=1e-12)
    assert {**drawn, "model_bits": 0} == {**trained, "model_bits": 0}


def test_masks_count_everywhere() -> None:
    """Of the first layer's 200,000 a mask leaves 1,000."""
    mask = torch.zeros(300, 784, dtype=torch.bool)
    mask.view(-1)[:1000] = True
    found = numbers(masks={"linear1.weight": mask})
    assert (found["nonzeros"], found["macs"], found["mc_macs"]) == (32_410, 32_000, 32_000)
    assert found["bytes_csr"] == 8 * 32_000 + 4 * (301 + 101 + 11) + 4 * 410


def test_the_names_are_those_of_the_table() -> None:
    assert all(metric_of(name, METRICS) for name in numbers())


def test_the_device_is_waited_for_once(waits: Callable[[Callable[[], object]], int]) -> None:
    network = Mlp.build(MlpConfig(), SHAPE, 10)
    known = work(network, SHAPE)
    count = waits(lambda: network_numbers(network, ["linear1.weight"], known, samples=1, bits_per_sample=1.0))
    assert count == 1

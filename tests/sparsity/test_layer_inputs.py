"""Layers as linear maps: their own outputs come of what is laid out, for all that convolutions can be."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, unfold

from sparsetune.sparsity.bernoulli import Moments, expected_error
from sparsetune.sparsity.layer_inputs import MOST_INPUTS, LinearMap, calls_of, linear_maps, patches

CONVOLUTIONS: dict[str, tuple[type[nn.Module], tuple[int, ...], dict[str, Any]]] = {
    "plain": (nn.Conv2d, (3, 7, 6), {}),
    "one place": (nn.Conv2d, (3, 3, 3), {}),
    "1x1": (nn.Conv2d, (3, 4, 4), {"kernel_size": 1}),
    "without bias": (nn.Conv2d, (3, 7, 6), {"bias": False}),
    "padded": (nn.Conv2d, (3, 7, 6), {"padding": (1, 2), "kernel_size": (3, 5)}),
    "steps": (nn.Conv2d, (3, 9, 8), {"stride": (2, 3), "padding": 1}),
    "apart": (nn.Conv2d, (3, 9, 8), {"dilation": (2, 1), "padding": 1}),
    "same": (nn.Conv2d, (3, 7, 6), {"padding": "same", "kernel_size": (2, 4), "dilation": (1, 2)}),
    "valid": (nn.Conv2d, (3, 7, 6), {"padding": "valid"}),
    "around": (nn.Conv2d, (3, 7, 6), {"padding": (1, 2), "padding_mode": "circular"}),
    "mirrored": (nn.Conv2d, (3, 7, 6), {"padding": 1, "padding_mode": "reflect"}),
    "groups": (nn.Conv2d, (6, 7, 6), {"groups": 2, "padding": 1}),
    "each channel": (nn.Conv2d, (4, 7, 6), {"groups": 4, "stride": 2}),
    "one dimension": (nn.Conv1d, (3, 9), {"padding": 1, "stride": 2}),
    "three dimensions": (nn.Conv3d, (2, 4, 5, 6), {"kernel_size": (2, 3, 1), "padding": (0, 1, 0)}),
}


def convolution(kind: Any, shape: tuple[int, ...], settings: dict[str, Any]) -> tuple[Any, Tensor]:
    """And five samples for it."""
    torch.manual_seed(0)
    return kind(shape[0], 4, **{"kernel_size": 3, **settings}).double(), torch.randn(5, *shape, dtype=torch.float64)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.parametrize("case", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_outputs_of_a_convolution(case: Any) -> None:
    layer, samples = convolution(*case)
    mapped = LinearMap("weight", layer)
    outputs = mapped.inputs(samples) @ mapped.matrix.mT  # groups, places, outputs of each
    wanted = layer(samples).movedim(1, -1).flatten(0, -2)
    assert torch.allclose(outputs.transpose(0, 1).flatten(1), wanted)


@pytest.mark.parametrize("case", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_a_matrix_is_parted_again(case: Any) -> None:
    layer, _ = convolution(*case)
    mapped = LinearMap("a.weight", layer)
    parts = mapped.parted(mapped.matrix)
    assert mapped.names == ["a.weight", "a.bias"][: len(parts)]
    assert all(torch.equal(part, each) for part, each in zip(parts, mapped.parameters, strict=True))


@pytest.mark.parametrize("shape", [(5, 4), (5, 3, 4), (5, 2, 3, 4)])
def test_outputs_of_a_linear_layer(shape: tuple[int, ...]) -> None:
    """Also of one that is called with sequences."""
    torch.manual_seed(0)
    layer, samples = nn.Linear(4, 3), torch.randn(shape)
    mapped = LinearMap("weight", layer)
    assert torch.allclose((mapped.inputs(samples) @ mapped.matrix.mT)[0], layer(samples).reshape(-1, 3), atol=1e-6)


def test_patches_are_torch_s() -> None:
    layer, samples = convolution(*CONVOLUTIONS["steps"])
    wanted = unfold(samples, 3, padding=1, stride=(2, 3)).mT.reshape(1, -1, 27)
    assert torch.equal(patches(samples, layer), wanted)


def test_the_expected_error_of_a_convolution_is_one_of_convolutions() -> None:
    """Of inputs with w p, and of their squares with w^2 p (1 - p), over all places; a mask is the same in all."""
    layer, samples = convolution(*CONVOLUTIONS["padded"])
    generator = torch.Generator().manual_seed(1)
    weight, bias = (
        torch.randn(each.shape, generator=generator, dtype=torch.float64) for each in (layer.weight, layer.bias)
    )
    keep, keep_bias = (
        torch.rand(each.shape, generator=generator, dtype=torch.float64) for each in (layer.weight, layer.bias)
    )
    mean = conv2d(samples, weight * keep, bias * keep_bias, padding=(1, 2))
    variance = conv2d(samples.square(), weight.square() * keep * (1 - keep), padding=(1, 2))
    of_bias = bias.square() * keep_bias * (1 - keep_bias)
    wanted = ((layer(samples) - mean).square() + variance + of_bias[:, None, None]).sum()
    mapped = LinearMap("weight", layer)
    rows = mapped.inputs(samples)
    weights, keeps = (
        torch.cat([each.reshape(1, 4, -1), of_it.reshape(1, 4, 1)], 2)
        for each, of_it in ((weight, bias), (keep, keep_bias))
    )
    measured = expected_error(weights, keeps, mapped.matrix, Moments(rows.mT @ rows))
    assert float(measured) == pytest.approx(wanted.item(), rel=1e-9)


def test_which_layers_there_are() -> None:
    """By their weights' names, in the order of the network; not those that may not be pruned."""
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)), nn.Linear(3, 2))
    names = ["0.weight", "1.0.weight", "2.weight"]
    assert [each.weight for each in linear_maps(network, names)] == names
    assert [each.weight for each in linear_maps(network, names[1:])] == names[1:]
    assert [each.weight for each in linear_maps(nn.Linear(2, 2), ["weight"])] == ["weight"]
    attention = nn.MultiheadAttention(4, 2)
    assert [each.weight for each in linear_maps(attention, ["in_proj_weight", "out_proj.weight"])] == [
        "out_proj.weight"
    ]


def test_a_layer_is_listened_to_for_a_while() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    samples = torch.randn(3, 2)
    calls = calls_of(network[2], network, samples)
    network(samples)
    assert len(calls) == 1
    assert torch.equal(calls[0], network[:2](samples))
    assert not calls[0].requires_grad


class Again(nn.Module):
    """Passes samples through one layer twice."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.last = nn.Linear(2, 2), nn.Linear(2, 1)
        self.asked = 0

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = self.layer(self.layer(inputs))
        self.asked += 1
        outputs = self.last(outputs)
        return outputs


@pytest.mark.parametrize(("most", "calls", "asked"), [(None, 2, 1), (3, 2, 1), (2, 2, 0), (1, 1, 0)])
def test_what_comes_behind_the_last_call_is_left_out(most: int | None, calls: int, asked: int) -> None:
    network, samples = Again(), torch.randn(3, 2)
    inputs = calls_of(network.layer, network, samples, most)
    wanted = [samples, network.layer(samples)][:calls]
    assert len(inputs) == calls
    assert all(torch.equal(*pair) for pair in zip(inputs, wanted, strict=True))
    assert network.asked == asked
    network(samples)
    assert network.asked == asked + 1, "it is called as ever"


def test_an_error_of_the_network_is_its_own() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(3, 1))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        calls_of(network[0], network, torch.randn(3, 2))
    assert len(calls_of(network[0], network, torch.randn(3, 2), 1)) == 1


def test_layers_that_share_their_weights_are_none() -> None:
    """They would be fitted to what goes into one of them; nor are those that share a bias, or an embedding."""
    network = nn.ModuleDict({name: nn.Linear(4, 4) for name in "abcde"} | {"words": nn.Embedding(4, 4)})
    network["b"].weight = network["a"].weight
    network["d"].bias = network["c"].bias
    network["e"].weight = network["words"].weight
    network["f"] = nn.Linear(4, 4)
    network["f again"] = network["f"]  # one layer, called twice: all that goes into it is gathered
    names = [name for name, each in network.named_parameters() if each.ndim > 1]
    assert [each.weight for each in linear_maps(network, names)] == ["f.weight"]


def test_the_widest_layers_are_none() -> None:
    with torch.device("meta"):
        network = nn.Sequential(nn.Linear(MOST_INPUTS, 1), nn.Linear(MOST_INPUTS + 1, 1), nn.Conv2d(1000, 1, 3))
    assert [each.weight for each in linear_maps(network, ["0.weight", "1.weight", "2.weight"])] == ["0.weight"]

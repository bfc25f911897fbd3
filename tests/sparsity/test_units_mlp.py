"""Units of small networks go as counted by hand, and as trying them one by one says."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from sparsetune.models import MODELS
from sparsetune.sparsity.units.fit import remove
from sparsetune.sparsity.units.removal import removal
from tests.sparsity.pruned import size, without


def layer_of(network: nn.Module, name: str) -> Any:
    return network.get_submodule(name)


def test_parameters_of_an_mlp_counted_by_hand() -> None:
    """4-5-3-2: of five units one reads nothing and one is not read; of three, one reads only the first of these."""
    torch.manual_seed(0)
    model = MODELS.get("mlp")
    network = model.build(model.Config(hidden=(5, 3), activation="tanh"), (4,), 2).double()
    with torch.no_grad():
        layer_of(network, "linear1").weight[1] = 0
        layer_of(network, "linear2").weight[:, 3] = 0
        layer_of(network, "linear2").weight[2, [0, 2, 4]] = 0
    bias1, weight2, bias2 = (each.detach().clone() for each in [*network.parameters()][1:4])
    smaller, told = without(network, torch.randn(6, 4, dtype=torch.float64))
    assert (told.units, told.removed, told.stuck) == (8, 3, 0)
    assert size(network) == (5 * 4 + 5) + (3 * 5 + 3) + (2 * 3 + 2)
    assert size(smaller) == (3 * 4 + 3) + (2 * 3 + 2) + (2 * 2 + 2)
    assert [(cut.name, cut.dim, cut.kept.tolist()) for cut in told.cuts] == [
        ("linear1.weight", 0, [0, 2, 4]),
        ("linear1.bias", 0, [0, 2, 4]),
        ("linear2.weight", 0, [0, 1]),
        ("linear2.weight", 1, [0, 2, 4]),
        ("linear2.bias", 0, [0, 1]),
        ("linear3.weight", 1, [0, 1]),
    ]
    constant = torch.tanh(bias1[1])
    assert torch.allclose(layer_of(smaller, "linear2").bias, (bias2 + weight2[:, 1] * constant)[:2])
    constant = torch.tanh(bias2[2] + weight2[2, 1] * constant)
    weight3, bias3 = layer_of(network, "linear3").weight, layer_of(network, "linear3").bias
    assert torch.allclose(layer_of(smaller, "linear3").bias, bias3 + weight3[:, 2] * constant)


def test_parameters_of_lenet5_caffe_counted_by_hand() -> None:
    """A channel of 4x4 is 16 inputs of the linear layer behind it."""
    torch.manual_seed(0)
    model = MODELS.get("lenet5_caffe")
    network = model.build(model.Config(), (1, 28, 28), 10).double()
    with torch.no_grad():
        layer_of(network, "conv1").weight[:3] = 0
        layer_of(network, "conv2").weight[5:10] = 0
        layer_of(network, "linear1").weight[:, 16 * 20 : 16 * 22] = 0  # nobody reads channels 20 and 21
        layer_of(network, "linear2").weight[:, 400:] = 0
    smaller, told = without(network, torch.randn(4, 1, 28, 28, dtype=torch.float64))
    assert (told.units, told.removed, told.stuck) == (20 + 50 + 500, 3 + 7 + 100, 0)
    assert size(network) == 431_080
    assert size(smaller) == (17 * 25 + 17) + (43 * 17 * 25 + 43) + (400 * 43 * 16 + 400) + (10 * 400 + 10)
    assert layer_of(smaller, "linear1").in_features == 43 * 16
    assert layer_of(smaller, "conv2").in_channels == 17


@st.composite
def networks(draw: st.DrawFn) -> nn.Sequential:
    """Up to four layers of up to five units, whose weights are 0 here and there."""
    widths = [3, *draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)), 2]
    normed = draw(st.booleans())
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**16)))
    modules: list[nn.Module] = []
    for before, behind in pairwise(widths[:-1]):
        modules += [nn.Linear(before, behind, bias=not normed)]
        modules += [nn.BatchNorm1d(behind)] if normed else []
        modules += [draw(st.sampled_from([nn.Tanh, nn.Sigmoid]))()]
    network = nn.Sequential(*modules, nn.Linear(widths[-2], 2)).double().eval()
    share = draw(st.sampled_from([0.2, 0.5, 0.8]))
    with torch.no_grad():
        for tensor in [*network.parameters(), *network.buffers()]:
            if tensor.is_floating_point():
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
                if tensor.ndim == 2:
                    tensor *= torch.rand(tensor.shape, generator=generator) > share
    return network


def matters(network: nn.Sequential, position: int, unit: int, inputs: Tensor) -> bool:
    """Whether outputs change when the unit is the same for all samples."""

    def level(module: nn.Module, _: Any, values: Tensor) -> Tensor:
        values[:, unit] = values[0, unit]
        return values

    with torch.no_grad():
        whole = network(inputs)
        handle = network[position].register_forward_hook(level)
        changed = (network(inputs) - whole).abs().max() > 1e-13
        handle.remove()
    return bool(changed)


def goes_as_it_matters(network: nn.Sequential) -> None:
    """tanh and sigmoid tell all values apart. One unit of each layer stays."""
    inputs = torch.randn(20, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ends = [number for number, each in enumerate(network) if isinstance(each, nn.Tanh | nn.Sigmoid)]
    layers = [number for number, each in enumerate(network) if isinstance(each, nn.Linear)]
    smaller, told = without(network, inputs)
    widths = []
    for layer, end in zip(layers, ends, strict=False):
        units = range(layer_of(network, str(layer)).out_features)
        widths.append(max(1, sum(matters(copy.deepcopy(network), end, unit, inputs) for unit in units)))
    assert [layer_of(smaller, str(layer)).out_features for layer in layers] == [*widths, 2]
    assert told.removed == told.units - sum(widths)


@settings(max_examples=12, derandomize=True)
@given(networks())
def test_what_goes_is_what_does_not_matter(network: nn.Sequential) -> None:
    goes_as_it_matters(network)


@pytest.mark.slow
@settings(max_examples=200, derandomize=True)
@given(networks())
def test_what_goes_is_what_does_not_matter_in_many_networks(network: nn.Sequential) -> None:
    goes_as_it_matters(network)


def test_outputs_stay_also_where_they_are_constant() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 5))
    with torch.no_grad():
        layer_of(network, "2").weight[1:4] = 0
    told = removal(network, torch.zeros(1, 3))
    assert told.removed == 0
    assert not told.cuts


def test_nothing_is_added_for_units_that_go() -> None:
    """A constant is read by a unit that nobody reads."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    with torch.no_grad():
        layer_of(network, "0").weight[0] = 0
        layer_of(network, "2").weight[1:, 0] = 0
        layer_of(network, "4").weight[:, 0] = 0
    _, told = without(network, torch.randn(5, 3, dtype=torch.float64))
    assert (told.removed, told.shifts) == (2, {})


def test_a_smaller_network_trains_on() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    nn.init.zeros_(layer_of(network, "0").weight[0])
    network(torch.ones(5, 3)).sum().backward()
    remove(network, removal(network, torch.zeros(1, 3)))
    assert [parameter.grad is None for parameter in network.parameters()] == [True, True, True, False]
    network(torch.ones(5, 3)).sum().backward()
    torch.optim.SGD(network.parameters(), 0.1, momentum=0.9).step()
    assert [tuple(each.shape) for each in network.parameters()] == [(3, 3), (3,), (2, 3), (2,)]


def test_weights_lie_in_memory_as_they_did() -> None:
    network = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Conv2d(4, 3, 3)).to(memory_format=torch.channels_last)
    nn.init.zeros_(layer_of(network, "0").weight[0])
    nn.init.zeros_(layer_of(network, "0").bias)
    remove(network, removal(network, torch.zeros(1, 2, 8, 8)))
    weights = [layer_of(network, name).weight for name in "02"]
    assert [tuple(each.shape) for each in weights] == [(3, 2, 3, 3), (3, 3, 3, 3)]
    assert all(each.is_contiguous(memory_format=torch.channels_last) for each in weights)


def test_one_unit_of_each_layer_stays() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2)).double()
    nn.init.zeros_(layer_of(network, "4").weight)
    smaller, told = without(network, torch.randn(5, 3, dtype=torch.float64))
    assert [tuple(each.shape) for each in smaller.parameters()] == [(1, 3), (1,), (1, 1), (1,), (2, 1), (2,)]
    assert (told.units, told.removed, told.stuck) == (9, 7, 2)

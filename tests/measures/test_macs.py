"""Multiply-accumulates: by hand, by counting them, and against torch's counter."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import ConvNeXt, ResNet, VisionTransformer
from torchvision.models.convnext import CNBlockConfig
from torchvision.models.resnet import BasicBlock

from sparsetune.measures.macs import Operation, Work, work


def lenet() -> nn.Sequential:
    return nn.Sequential(
        OrderedDict[str, nn.Module](
            conv1=nn.Conv2d(1, 20, 5, padding=2),
            pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(20, 20, 5, padding=2),
            pool2=nn.MaxPool2d(7),
            flatten=nn.Flatten(),
            linear1=nn.Linear(80, 100),
            relu3=nn.ReLU(),
            linear2=nn.Linear(100, 10),
        )
    )


class Attention(nn.Module):
    """A joint projection, its three parts used together or apart, and the products of queries, keys and values."""

    def __init__(self, crossed: bool) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.crossed = crossed

    def forward(self, inputs: Tensor) -> Tensor:
        other = inputs + 1 if self.crossed else inputs
        outputs: Tensor = self.attention(inputs, other, other, need_weights=False)[0]
        return outputs


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "lenet": (lenet, (1, 28, 28)),
    "grouped": (lambda: nn.Conv2d(6, 9, 3, stride=2, padding=1, dilation=2, groups=3), (6, 13, 11)),
    "depthwise": (lambda: nn.Conv2d(4, 8, 3, groups=4, bias=False), (4, 9, 9)),
    "transposed": (lambda: nn.ConvTranspose2d(3, 5, 3, stride=2), (3, 6, 6)),
    "one dimension": (lambda: nn.Conv1d(2, 3, 4), (2, 20)),
    "linear at positions": (lambda: nn.Linear(5, 7), (6, 5)),
    "attention": (lambda: Attention(crossed=False), (11, 8)),
    "cross attention": (lambda: Attention(crossed=True), (11, 8)),
    "vit": (partial(VisionTransformer, 16, 4, 2, 4, 32, 64, num_classes=10), (3, 16, 16)),
    "convnext": (partial(ConvNeXt, [CNBlockConfig(8, 16, 2), CNBlockConfig(16, None, 1)], num_classes=5), (3, 32, 32)),
    "resnet": (partial(ResNet, BasicBlock, [1, 1, 1, 1], num_classes=10), (3, 32, 32)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_twice_the_total_is_what_torch_counts(name: str) -> None:
    build, shape = NETWORKS[name]
    network = build().eval()
    with FlopCounterMode(display=False) as counter:
        network(torch.randn(1, *shape))
    found = work(network, shape)
    assert 2 * found.dense == counter.get_total_flops() > 0
    assert found.macs({}) == found.dense


@pytest.mark.parametrize("name", NETWORKS)
def test_every_weight_that_multiplies_is_known(name: str) -> None:
    """By hooks: positions x values of each layer; what is left is attention."""
    build, shape = NETWORKS[name]
    network = build().eval()
    expected: dict[str, int] = {}

    def note(path: str, module: nn.Module, inputs: tuple[Tensor, ...], outputs: Tensor) -> None:
        weight = module.weight
        assert isinstance(weight, Tensor)
        spread = inputs[0] if isinstance(module, nn.ConvTranspose2d) else outputs
        positions = spread.numel() // (spread.shape[-1] if isinstance(module, nn.Linear) else spread.shape[1])
        expected[f"{path}.weight" if path else "weight"] = positions * weight.numel()

    for path, module in network.named_modules():
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_hook(partial(note, path))
        if isinstance(module, nn.MultiheadAttention):  # does not call its output layer
            tokens = 17 if name == "vit" else 11
            for weight in ("in_proj_weight", "out_proj.weight"):
                expected[f"{path}.{weight}"] = tokens * module.get_parameter(weight).numel()
    network(torch.randn(1, *shape))
    assert work(network, shape).by_layer({}) == expected


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    groups=st.integers(1, 3),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 2),
    density=st.floats(0, 1),
)
def test_a_masked_convolution_is_what_it_adds_up(
    seed: int, groups: int, channels: tuple[int, int], kernel: int, stride: int, density: float
) -> None:
    """Without padding, a convolution of ones with a mask adds a one for each multiplication that is left."""
    layer = nn.Conv2d(channels[0] * groups, channels[1] * groups, kernel, stride, groups=groups, bias=False)
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(layer.weight.shape, generator=generator) < density
    layer.weight.data = mask.float()
    shape = (channels[0] * groups, 7, 6)
    counted = work(layer, shape).macs({"weight": int(mask.sum())})
    assert counted == int(layer(torch.ones(1, *shape)).sum())


def test_lenet_by_hand() -> None:
    """28 x 28 x 20 x 25, 14 x 14 x 20 x 20 x 25, 80 x 100, 100 x 10."""
    found = work(lenet(), (1, 28, 28))
    layers = [392_000, 1_960_000, 8_000, 1_000]
    assert list(found.by_layer({}).values()) == layers
    assert found.dense == sum(layers) == 2_361_000
    kept = {"conv1.weight": 100, "conv2.weight": 0, "linear2.weight": 7}
    assert found.by_layer(kept) == {
        "conv1.weight": 78_400, "conv2.weight": 0, "linear1.weight": 8_000, "linear2.weight": 7,
    }  # fmt: skip
    assert found.macs(kept) == 78_400 + 8_000 + 7


def test_monte_carlo_by_hand() -> None:
    """What lies before the first dropout counts once, what follows T times; without dropout T says nothing."""
    found = work(lenet(), (1, 28, 28))
    assert found.monte_carlo({}, "flatten", 10) == 2_352_000 + 10 * 9_000
    assert found.monte_carlo({}, "pool1", 10) == 392_000 + 10 * 1_969_000
    assert found.monte_carlo({}, "relu3", 10) == 2_360_000 + 10 * 1_000
    assert found.monte_carlo({"conv1.weight": 5, "linear2.weight": 3}, "pool1", 2) == 5 * 784 + 2 * 1_968_003
    assert found.monte_carlo({}, "relu3", 1) == found.monte_carlo({}, None, 10) == found.dense
    with pytest.raises(KeyError):
        found.monte_carlo({}, "relu4", 10)


def test_attention_by_hand() -> None:
    """11 tokens of width 8 in 2 heads: projections 11 x 8 x 24 and 11 x 8 x 8, and 2 products of 2 x 11 x 11 x 4."""
    found = work(Attention(crossed=False), (11, 8))
    assert found.by_layer({}) == {"attention.in_proj_weight": 2112, "attention.out_proj.weight": 704}
    assert found.dense - 2112 - 704 == 2 * 2 * 11 * 11 * 4
    assert found.macs({"attention.in_proj_weight": 96}) == found.dense - 1056


def test_a_weight_used_twice_works_twice() -> None:
    layer = nn.Linear(4, 4, bias=False)
    found = work(nn.Sequential(layer, nn.ReLU(), layer), (4,))
    assert found.operations == (Operation(16, "0.weight", 16),) * 2
    assert found.by_layer({"0.weight": 3}) == {"0.weight": 6}
    assert found.monte_carlo({}, "0", 3) == 16 + 48  # the first time that it gives an output


def test_frozen_weights_of_attention_are_seen() -> None:
    network, shape = NETWORKS["vit"][0](), NETWORKS["vit"][1]
    dense = work(network, shape)
    network.requires_grad_(False)
    with torch.inference_mode():
        assert work(network, shape) == dense


def test_looking_changes_nothing() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout())
    before, random = {k: v.clone() for k, v in network.state_dict().items()}, torch.get_rng_state()
    assert work(network, (3,)).dense == 9
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert network.training
    assert not network[0]._forward_hooks
    assert work(nn.Flatten(), (2, 3)) == Work((), {"": 0})

"""Weights by rule: values worked out by hand, and where each rule applies."""

from __future__ import annotations

import math
from collections import OrderedDict

import pytest
import torch
from torch import Tensor, nn

from sparsetune.models.init import INITS, LUX_GAINS
from sparsetune.models.layers import layers
from sparsetune.models.mlp import Mlp, MlpConfig


def network() -> nn.Sequential:
    """Every kind of follower: BatchNorm, ReLU, tanh, sigmoid, nothing; a layer without bias."""
    return nn.Sequential(
        OrderedDict[str, nn.Module](
            conv=nn.Conv2d(3, 64, 5),  # fan_in 75
            norm=nn.BatchNorm2d(64),
            relu=nn.ReLU(),
            grouped=nn.Conv2d(64, 64, 3, groups=8),  # fan_in 72
            relu2=nn.ReLU(),
            flatten=nn.Flatten(),
            first=nn.Linear(64, 400),
            tanh=nn.Tanh(),
            second=nn.Linear(400, 300, bias=False),
            sigmoid=nn.Sigmoid(),
            last=nn.Linear(300, 100),
        )
    )


def drawn(init: str, seed: int = 0) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    made = network()
    INITS[init](made)
    return dict(made.state_dict())


def near(value: Tensor, expected: float) -> None:
    assert value.item() == pytest.approx(expected, rel=0.05)


def test_default_changes_nothing() -> None:
    states = []
    for make in (Mlp.network, Mlp.build):
        torch.manual_seed(0)
        states.append(make(MlpConfig(), (4,), 2).state_dict())
    plain, built = states
    assert all(torch.equal(plain[name], built[name]) for name in plain)


def test_kaiming() -> None:
    state = drawn("kaiming")
    near(state["conv.weight"].std(), math.sqrt(2 / 75))
    near(state["grouped.weight"].std(), math.sqrt(2 / 72))
    near(state["second.weight"].std(), math.sqrt(2 / 400))
    assert not state["conv.bias"].any()
    assert not state["last.bias"].any()
    assert state["second.weight"].abs().max() > 3 * math.sqrt(2 / 400)  # normal, not uniform


def test_xavier() -> None:
    state = drawn("xavier")
    near(state["conv.weight"].std(), math.sqrt(2 / (75 + 64 * 25)))
    near(state["second.weight"].std(), math.sqrt(2 / 700))
    biases = torch.cat([drawn("xavier", seed)["first.bias"] for seed in range(10)])
    near(biases.std(), 1.0)
    scales = torch.cat([drawn("xavier", seed)["norm.weight"] for seed in range(20)])
    near(scales.mean(), 1.0)
    near(scales.std(), 0.02)
    assert not state["norm.bias"].any()


@pytest.mark.parametrize(
    ("layer", "fan_in", "gain"),
    [("conv", 75, 1.0), ("grouped", 72, 2.0), ("first", 64, 5 / 3), ("second", 400, 1.0), ("last", 300, 1.0)],
)
def test_lux(layer: str, fan_in: int, gain: float) -> None:
    """LeNet-300-100's first layer: B = sqrt(3) x 2 / sqrt(784) = 0.1237."""
    state = drawn("lux")
    bound = math.sqrt(3) * gain / math.sqrt(fan_in)
    weight = state[f"{layer}.weight"]
    assert bound * 0.99 < weight.abs().max() <= bound
    near(weight.std(), gain / math.sqrt(fan_in))
    if layer != "second":
        bias = state[f"{layer}.bias"]
        assert 0.8 / math.sqrt(fan_in) < bias.abs().max() <= 1 / math.sqrt(fan_in)


def test_lux_has_a_gain_of_two_for_relu_and_not_its_root() -> None:
    assert {kind.__name__: gain for kind, gain in LUX_GAINS.items()} == {"ReLU": 2.0, "Tanh": 5 / 3}


def test_signed_constant() -> None:
    state, plain = drawn("signed_constant"), drawn("default")
    for name, size in {"conv": math.sqrt(2 / 75), "last": math.sqrt(2 / 300)}.items():
        torch.testing.assert_close(state[f"{name}.weight"], plain[f"{name}.weight"].sign() * size)
        assert torch.equal(state[f"{name}.bias"], plain[f"{name}.bias"])


def test_a_weight_of_zero_gets_a_sign() -> None:
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.zero_()
    INITS["signed_constant"](layer)
    assert layer.weight.tolist() == [[1.0, 1.0]]


def test_layers_say_what_follows_them() -> None:
    followers = {layer.name: type(layer.follower).__name__ for layer in layers(network())}
    assert followers == {
        "conv.weight": "BatchNorm2d",
        "grouped.weight": "ReLU",
        "first.weight": "Tanh",
        "second.weight": "Sigmoid",
        "last.weight": "NoneType",
    }


def test_layers_of_attention() -> None:
    attention = layers(nn.MultiheadAttention(8, 2))
    assert [(layer.name, layer.fan_in) for layer in attention] == [("in_proj_weight", 8), ("out_proj.weight", 8)]
    assert all(layer.bias is not None for layer in attention)

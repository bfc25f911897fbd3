"""Constants: who can take them over, and what stays because nobody can."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sparsetune.sparsity.units.removal import removal
from tests.sparsity.pruned import without

IMAGES = torch.randn(4, 2, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
CONSTANT = 0.75  # of the first of three channels, behind ReLU


def behind_a_constant(*layers: nn.Module) -> nn.Sequential:
    """Three channels, of which the first is constant, ahead of these layers; then two outputs."""
    torch.manual_seed(0)
    first = nn.Conv2d(2, 3, 3)
    assert first.bias is not None
    nn.init.zeros_(first.weight[0])
    nn.init.constant_(first.bias[0], CONSTANT)
    network = nn.Sequential(first, nn.ReLU(), *layers, nn.Flatten(), nn.LazyLinear(2)).double()
    network(IMAGES)
    return network.eval()


def center(layer: nn.Conv2d) -> nn.Conv2d:
    """Of a kernel of 3x3 only the middle is not 0."""
    middle = layer.weight.data[:, :, 1, 1].clone()
    nn.init.zeros_(layer.weight)
    layer.weight.data[:, :, 1, 1] = middle
    return layer


FOLDED: dict[str, Any] = {
    "no zeros around": lambda: [nn.Conv2d(3, 4, 3)],
    "1x1": lambda: [nn.Conv2d(3, 4, 1)],
    "steps": lambda: [nn.Conv2d(3, 4, 3, stride=2)],
    "apart": lambda: [nn.Conv2d(3, 4, 2, dilation=2)],
    "around": lambda: [nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular")],
    "mirrored": lambda: [nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect")],
    "the middle of a kernel": lambda: [center(nn.Conv2d(3, 4, 3, padding=1))],
    "one place": lambda: [nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 4, 3, padding=1)],
    "pooling": lambda: [nn.AvgPool2d(2), nn.MaxPool2d(2, padding=1), nn.Conv2d(3, 4, 1)],
    "a linear layer": lambda: [],
    "BatchNorm": lambda: [nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4)],
    "BatchNorm that is still": lambda: [nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4, affine=False)],
    "through functions": lambda: [nn.Hardtanh(), nn.Dropout(), nn.GELU(), nn.Conv2d(3, 4, 3)],
}
STUCK: dict[str, Any] = {
    "zeros around": lambda: [nn.Conv2d(3, 4, 3, padding=1)],
    "same": lambda: [nn.Conv2d(3, 4, 3, padding="same")],
    "a frame of zeros": lambda: [nn.ZeroPad2d(1), nn.Conv2d(3, 4, 3)],
    "pooling that counts zeros": lambda: [nn.AvgPool2d(2, padding=1), nn.Conv2d(3, 4, 1)],
    "nothing takes it": lambda: [nn.Conv2d(3, 4, 3, bias=False)],
    "a norm of batches": lambda: [nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4, track_running_stats=False)],
}


@pytest.mark.parametrize("layers", FOLDED.values(), ids=FOLDED)
def test_a_constant_is_taken_over(layers: Any) -> None:
    smaller, told = without(behind_a_constant(*layers()), IMAGES)
    assert (told.removed, told.stuck) == (1, 0)
    assert smaller.get_submodule("0").out_channels == 2
    assert len(told.shifts) == 1


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.parametrize("layers", STUCK.values(), ids=STUCK)
def test_a_constant_that_nobody_can_take_over_stays(layers: Any) -> None:
    told = removal(behind_a_constant(*layers()), IMAGES[:1])
    assert (told.units, told.removed, told.stuck) == (7, 0, 1)
    assert (told.cuts, told.shifts) == ((), {})


def test_what_reads_only_zeros_reads_nothing() -> None:
    """Around images of one pixel a kernel of 3x3 reads them with all but its middle."""
    network = behind_a_constant(nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 4, 3, padding=1))
    nn.init.zeros_(network.get_parameter("3.weight")[:, 1, 1, 1])
    _, told = without(network, IMAGES)
    assert (told.removed, told.stuck) == (2, 0)


def test_zeros_need_nobody() -> None:
    """What is below 0 is 0 behind ReLU, also among zeros."""
    network = behind_a_constant(nn.Conv2d(3, 4, 3, padding=1, bias=False))
    nn.init.constant_(network.get_parameter("0.bias")[0], -CONSTANT)
    _, told = without(network, IMAGES)
    assert (told.removed, told.stuck, told.shifts) == (1, 0, {})


def test_what_is_added_to_a_bias() -> None:
    network = behind_a_constant(nn.Conv2d(3, 4, 3))
    shift = removal(network, IMAGES[:1]).shifts
    wanted = CONSTANT * network.get_parameter("2.weight")[:, 0].sum((1, 2))
    assert list(shift) == ["2.bias"]
    torch.testing.assert_close(shift["2.bias"], wanted.detach())


def normed() -> nn.Sequential:
    return behind_a_constant(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4))


def test_what_is_added_to_a_running_mean() -> None:
    network = normed()
    shift = removal(network, IMAGES[:1]).shifts
    wanted = -CONSTANT * network.get_parameter("2.weight")[:, 0].sum((1, 2))
    assert list(shift) == ["3.running_mean"]
    torch.testing.assert_close(shift["3.running_mean"], wanted.detach())


def test_nothing_is_added_to_what_is_fixed() -> None:
    network = normed()
    told = removal(network, IMAGES[:1], fixed={"3.running_mean"})
    assert (told.removed, told.stuck, told.shifts) == (0, 1, {})
    network = behind_a_constant(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    assert list(removal(network, IMAGES[:1]).shifts) == ["2.bias"]
    assert list(removal(network, IMAGES[:1], fixed=["2.bias"]).shifts) == ["3.running_mean"]
    assert removal(network, IMAGES[:1], fixed=["2.bias", "3.running_mean"]).stuck == 1


class ReadTwice(nn.Module):
    """A convolution whose outputs BatchNorm reads, and an addition."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, bias=False)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = self.conv(inputs)
        added: Tensor = self.norm(outputs) + outputs
        return added


def test_a_running_mean_takes_over_only_for_its_own_reader() -> None:
    told = removal(behind_a_constant(ReadTwice()), IMAGES[:1])
    assert (told.removed, told.stuck) == (0, 1)


def test_a_norm_whose_weight_is_0_makes_constants() -> None:
    """And what it reads is not read."""
    network = behind_a_constant(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    nn.init.constant_(network.get_parameter("0.weight")[0], 1.0)
    nn.init.zeros_(network.get_parameter("3.weight")[1:])
    smaller, told = without(network, IMAGES)
    assert (told.removed, told.stuck) == (3, 0)
    assert smaller.get_submodule("3").num_features == 1


def test_a_chain_of_constants() -> None:
    """0.75, then what a unit makes of it, then what another makes of that; each goes."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3), nn.Linear(3, 2))
    network = network.double()
    with torch.no_grad():
        network.get_parameter("0.weight")[0] = 0
        network.get_parameter("2.weight")[0, 1:] = 0
        network.get_parameter("4.weight")[0, 1:] = 0
    _, told = without(network, torch.randn(5, 2, dtype=torch.float64))
    assert (told.units, told.removed, told.stuck) == (9, 3, 0)


def test_a_last_one_that_stays_keeps_its_value() -> None:
    """Among zeros it makes of a constant what its own bias cannot say."""
    network = behind_a_constant(nn.Conv2d(3, 1, 3, padding=1))
    for name in ("0.weight", "0.bias"):
        network.get_parameter(name).data = network.get_parameter(name).data.flip(0)  # the constant is the last
    nn.init.zeros_(network.get_parameter("2.weight")[:, :2])
    smaller, told = without(network, IMAGES)
    assert (told.units, told.removed, told.stuck) == (4, 2, 2)
    assert smaller.get_parameter("2.weight").shape == (1, 1, 3, 3)


def test_numbers_without_end_are_no_constants() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2)).double()
    nn.init.zeros_(network.get_parameter("0.weight")[0])
    nn.init.constant_(network.get_parameter("0.bias")[0], torch.inf)
    told = removal(network, torch.zeros(1, 2, dtype=torch.float64))
    assert (told.removed, told.shifts) == (0, {})

"""Channels that are added, multiplied or laid side by side: what goes together, and what does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from sparsetune.models.resnet import widened
from sparsetune.sparsity.units.paths import unite
from tests.sparsity.pruned import without

IMAGES = torch.randn(4, 2, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


class Joined(nn.Module):
    """Two convolutions of the images, joined; a third reads what comes of it."""

    def __init__(self, join: Callable[[Tensor, Tensor], Tensor], one: int = 4, other: int = 4, both: int = 4) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.join = join
        self.one, self.other = nn.Conv2d(2, one, 3, padding=1), nn.Conv2d(2, other, 3, padding=1)
        self.last = nn.Conv2d(both, 2, 3)
        self.double()

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.last(self.join(self.one(inputs), self.other(inputs)))
        return outputs


def constant_(layer: nn.Conv2d, *channels: int, value: float = 0.5) -> None:
    assert layer.bias is not None
    for channel in channels:
        nn.init.zeros_(layer.weight[channel])
        nn.init.constant_(layer.bias[channel], value)


def unread_(layer: nn.Conv2d, *channels: int) -> None:
    layer.weight.data[:, list(channels)] = 0


@pytest.mark.parametrize("join", [torch.add, torch.mul, torch.sub, torch.maximum, lambda a, b: a.add_(b) + a])
def test_what_is_joined_goes_together(join: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Channel 0 is constant in both, channel 1 in one, channel 2 is not read."""
    network = Joined(join)
    constant_(network.one, 0, 1)
    constant_(network.other, 0)
    unread_(network.last, 2)
    smaller, told = without(network, IMAGES)
    assert (told.units, told.removed, told.stuck) == (4, 2, 0)
    assert [len(smaller.get_parameter(f"{name}.bias")) for name in ("one", "other")] == [2, 2]


@pytest.mark.parametrize("join", [lambda a, b: torch.cat([a, b], 1), lambda a, b: torch.stack([a, b], 1).flatten(1, 2)])
def test_what_lies_side_by_side_goes_alone(join: Callable[[Tensor, Tensor], Tensor]) -> None:
    network = Joined(join, both=8)
    constant_(network.one, 0, 1)
    constant_(network.other, 0)
    unread_(network.last, 4 + 2)
    smaller, told = without(network, IMAGES)
    assert (told.units, told.removed, told.stuck) == (8, 4, 0)
    assert [len(smaller.get_parameter(f"{name}.bias")) for name in ("one", "other")] == [2, 2]


def test_a_gate_of_one_channel_takes_all_or_none() -> None:
    network = Joined(torch.mul, other=1)
    constant_(network.one, 0)
    constant_(network.other, 0)
    _, told = without(network, IMAGES)
    assert (told.units, told.removed) == (1, 0)


def test_a_channel_is_many_inputs_of_a_linear_layer() -> None:
    """One that is read at a single place stays."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2)).double()
    weight = network.get_parameter("3.weight")
    nn.init.zeros_(weight[:, :32])
    nn.init.ones_(weight[0, 20])
    smaller, told = without(network, IMAGES)
    assert (told.units, told.removed) == (3, 1)
    assert smaller.get_parameter("3.weight").shape == (2, 32)


class Block(nn.Module):
    """Three units; four others read them and add to them; two outputs."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.inner, self.outer = nn.Linear(2, 3), nn.Linear(3, 4), nn.Linear(4, 3)
        self.last = nn.Linear(3, 2)
        self.double()

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.first(inputs)
        outputs: Tensor = self.last(hidden + self.outer(self.inner(hidden).tanh()))
        return outputs


@torch.no_grad()
def test_units_that_read_only_one_another_go() -> None:
    """Unit 0 inside writes to channel 0 alone and alone reads it."""
    network = Block()
    network.last.weight[:, 0] = 0
    network.outer.weight[1:, 0] = 0
    network.inner.weight[1:, 0] = 0
    smaller, told = without(network, torch.randn(5, 2, dtype=torch.float64))
    assert (told.units, told.removed) == (7, 2)
    assert smaller.get_parameter("inner.weight").shape == (3, 2)


@torch.no_grad()
def test_what_a_unit_inside_reads_stays_with_all_that_makes_it() -> None:
    """The outputs do not read channel 0, but unit 1 does, and unit 0 writes to it."""
    network = Block()
    network.last.weight[:, 0] = 0
    network.outer.weight[1:, 0] = 0
    assert without(network, torch.randn(5, 2, dtype=torch.float64))[1].removed == 0


class Widened(nn.Module):
    """Two channels are added to six, two before and two behind them, and read."""

    pads_evenly = True

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.one, self.other = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 6, 1)
        self.last = nn.Conv2d(6, 2, 1)
        self.double()

    def forward(self, inputs: Tensor) -> Tensor:
        wide = self.other(inputs)
        outputs: Tensor = self.last(wide + widened(self.one(inputs), wide.shape[1]))
        return outputs


@pytest.mark.parametrize(
    ("unread", "removed", "stuck"),
    [
        ((0,), 1, 0),  # one before, two behind
        ((4,), 0, 1),  # else one more would lie before than behind
        ((0, 4), 2, 0),
        ((4, 5), 0, 2),
        ((1, 4, 5), 2, 1),
        ((2,), 1, 0),  # the first of both
        ((0, 1, 2, 4, 5), 5, 0),
    ],
)
def test_channels_of_zeros_go_in_equal_numbers(unread: tuple[int, ...], removed: int, stuck: int) -> None:
    network = Widened()
    unread_(network.last, *unread)
    _, told = without(network, IMAGES)
    assert (told.units, told.removed, told.stuck) == (6, removed, stuck)


def test_of_an_odd_number_of_zeros_one_more_may_go_behind() -> None:
    """Of five channels around two one lies before and two behind; then one and one, or none and one."""
    for unread, removed in (((4,), 1), ((0,), 0), ((0, 4), 2), ((3, 4), 1)):
        network = Widened()
        network.other, network.last = nn.Conv2d(2, 5, 1).double(), nn.Conv2d(5, 2, 1).double()
        unread_(network.last, *unread)
        assert without(network, IMAGES)[1].removed == removed


def test_zeros_in_numbers_stay() -> None:
    network = Joined(lambda one, other: one + pad(other, (0, 0, 0, 0, 1, 1)), other=2)
    unread_(network.last, 0, 3)
    _, told = without(network, IMAGES)
    assert (told.units, told.removed) == (4, 0)
    unread_(network.last, 1)
    _, told = without(network, IMAGES)
    assert (told.units, told.removed) == (4, 1)


@pytest.mark.parametrize("seed", range(5))
def test_ties_make_one_unit_over_any_number_of_them(seed: int) -> None:
    """Against colouring from label to label."""
    generator = torch.Generator().manual_seed(seed)
    one, other = torch.randint(40, (2, 30), generator=generator)
    wanted = torch.arange(40)
    for _ in range(40):
        for a, b in zip(one.tolist(), other.tolist(), strict=True):
            wanted[a] = wanted[b] = min(wanted[a], wanted[b])
    ties = list(zip(one.split(10), other.split(10), strict=True))
    assert torch.equal(unite(40, ties, torch.device("cpu")), wanted)
    assert torch.equal(unite(40, [], torch.device("cpu")), torch.arange(40))

"""Magnitude pruning: numbers worked out by hand, properties, and torch's own pruning."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import prune

from sparsetune.sparsity.magnitude import Counting, Shares, pruned, without_smallest

SIZES = {"linear1.weight": 235_200, "linear2.weight": 30_000, "linear3.weight": 1_000}  # LeNet-300-100


def left_after(shares: Shares, levels: int) -> list[int]:
    weights = {name: torch.empty(size, 1, device="meta") for name, size in SIZES.items()}
    return [SIZES[name] - shares.removed(share, SIZES[name], levels) for name, share in shares.of(weights).items()]


def test_levels_of_lenet_by_hand() -> None:
    """p = 0.2, the output layer 0.1: 188,160 = 0.8 x 235,200, then 150,528, and 0.2 x 150,528 = 30,105.6."""
    shares = Shares(0.2, 0.2, output=0.5)
    assert left_after(shares, 1) == [188_160, 24_000, 900]
    assert left_after(shares, 2) == [150_528, 19_200, 810]
    assert left_after(shares, 3) == [150_528 - 30_106, 15_360, 729]
    assert left_after(shares, 4)[2] == 729 - 73, "0.1 x 729 = 72.9"
    assert sum(left_after(shares, 9)) / sum(SIZES.values()) == pytest.approx(0.1352, abs=5e-5), "the paper's 13.5 %"


@pytest.mark.parametrize(
    ("counting", "fraction", "left", "removed"),
    [
        ("nearest", "0.1", 15, 2),  # of 1.5 the even one
        ("nearest", "0.1", 25, 2),  # of 2.5 too
        ("nearest", "0.1", 26, 3),
        ("nearest", "0.07", 100, 7),  # though 0.07 * 100 > 7 in floats
        ("nearest", "0.2", 2, 0),  # 0.4: two weights of a layer stay for good
        ("percentile", "0.2", 11, 2),  # position 2 of 0 to 10: two lie below
        ("percentile", "0.2", 12, 3),  # position 2.2: three do
        ("above", "0.2", 10, 3),  # what is above the third smallest
        ("above", "0.2", 11, 4),
        ("above", "0.2", 1, 1),  # no more than there are
        ("above", "0", 10, 0),
    ],
)
def test_a_fraction_as_a_count_by_hand(counting: Counting, fraction: str, left: int, removed: int) -> None:
    assert Shares(0.5, 0.5, counting=counting).removed(Fraction(fraction), left) == removed


@given(
    st.lists(st.floats(0, 9, width=32), min_size=1, max_size=60, unique=True),
    st.sampled_from(["0.05", "0.1", "0.2", "0.25", "0.37"]),
)
def test_counts_of_published_programs(magnitudes: list[float], fraction: str) -> None:
    """Their own lines: numpy's percentile, and open_lth's rank in a sorted list."""
    values, p = np.array(magnitudes), float(fraction)
    percentile = Shares(p, p, counting="percentile").removed(Fraction(fraction), len(values))
    assert percentile == int((values < np.percentile(values, 100 * p, method="linear")).sum())
    rank = math.ceil(Fraction(fraction) * len(values))
    above = Shares(p, p, counting="above").removed(Fraction(fraction), len(values))
    assert above == (len(values) if rank >= len(values) else int((values <= np.sort(values)[rank]).sum()))


def test_the_smallest_go_and_of_equal_ones_the_first() -> None:
    magnitudes = torch.tensor([3.0, 1.0, 2.0, 1.0, 1.0, 0.5])
    assert without_smallest(magnitudes, 0).tolist() == [True] * 6
    assert without_smallest(magnitudes, 2).tolist() == [True, False, True, True, True, False]
    assert without_smallest(magnitudes, 3).tolist() == [True, False, True, False, True, False]
    assert without_smallest(magnitudes, 6).tolist() == [False] * 6


def test_two_levels_by_hand() -> None:
    """Half of ten each time: 5 go, then 2 of the 5 left (2.5, the even one); signs do not matter."""
    weight = torch.tensor([[-5.0, 1.0, 0.2, -0.1, 4.0], [3.0, -2.0, 0.3, 0.4, -0.5]])
    whole = Shares(0.5, 0.5)
    once = pruned({"w": weight}, {}, whole)
    assert once["w"].tolist() == [[True, True, False, False, True], [True, True, False, False, False]]
    trained = torch.where(once["w"], -weight.sign() * (6 - weight.abs()), 0)  # -5 is 1 now, and 1 is -5
    twice = pruned({"w": trained}, once, whole)
    assert twice["w"].tolist() == [[False, True, False, False, False], [True, True, False, False, False]]


def test_together_and_apart_by_hand() -> None:
    """Ranked together the second layer goes; an output layer of another fraction is ranked by itself."""
    weights = {
        "a": torch.tensor([[4.0, 3.0, 9.0, 8.0]]),
        "b": torch.tensor([[1.0, 2.0]]),
        "c": torch.tensor([[7.0, 0.1]]),
    }
    by_layer = pruned(weights, {}, Shares(0.5, 0.5))
    assert [int(mask.sum()) for mask in by_layer.values()] == [2, 1, 1]
    together = pruned(weights, {}, Shares(0.5, 0.5, together=True))
    assert [mask.tolist() for mask in together.values()] == [
        [[True, False, True, True]],
        [[False, False]],
        [[True, False]],
    ]
    output_apart = pruned(weights, {}, Shares(0.5, 0.5, output=0.0, together=True))
    assert [mask.tolist() for mask in output_apart.values()] == [
        [[True, False, True, True]], [[False, False]], [[True, True]],
    ]  # fmt: skip


def test_convolutions_have_a_fraction_of_their_own() -> None:
    weights = {"conv": torch.rand(4, 5, 2, 2), "linear": torch.rand(10, 10), "out": torch.rand(5, 10)}
    masks = pruned(weights, {}, Shares(0.2, 0.1, output=0.5))
    assert [int((~mask).sum()) for mask in masks.values()] == [8, 20, 5]


nets = st.lists(st.integers(1, 40), min_size=1, max_size=4)


@given(nets, st.integers(0, 2**31), st.integers(1, 99), st.booleans(), st.integers(1, 4))
def test_levels_are_nested_and_one_shot_counts_as_they_do(
    sizes: list[int], seed: int, percent: int, together: bool, levels: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    weights = {str(n): torch.randn(size, 3, generator=generator) for n, size in enumerate(sizes)}
    shares = Shares(percent / 100, percent / 100, output=0.5, together=together)
    masks: dict[str, Tensor] = {}
    for _ in range(levels):
        before, masks = masks, pruned(weights, masks, shares)
        assert all(not (masks[name] & ~mask).any() for name, mask in before.items())
        smallest_kept = {name: weights[name][mask].abs() for name, mask in masks.items()}
        if not together:
            assert all(
                not kept.numel() or (weights[name][~masks[name]].abs() <= kept.min()).all()
                for name, kept in smallest_kept.items()
            )
    at_once = pruned(weights, {}, shares, levels)
    assert all(torch.equal(masks[name], at_once[name]) for name in weights), "the weights have not changed in between"


class Net(nn.Module):
    """Of layers with these widths."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))


@given(
    st.lists(st.integers(1, 12), min_size=3, max_size=5), st.integers(0, 2**31), st.sampled_from([0.1, 0.2, 0.35, 0.6])
)
def test_masks_equal_those_of_torch(widths: list[int], seed: int, fraction: float) -> None:
    """torch.nn.utils.prune on its own copy, level after level, for the same counts."""
    torch.manual_seed(seed)
    by_layer, together = Net(widths), Net(widths)
    own = {False: {}, True: {}}  # type: dict[bool, dict[str, Tensor]]
    for _ in range(3):
        for net, jointly in ((by_layer, False), (together, True)):
            weights = {
                f"{n}": getattr(layer, "weight_orig", layer.weight).detach() for n, layer in enumerate(net.layers)
            }
            before = own[jointly]
            masks = own[jointly] = pruned(weights, before, Shares(fraction, fraction, together=jointly))
            whole = {name: before.get(name, torch.ones_like(w, dtype=torch.bool)) for name, w in weights.items()}
            gone = {name: int(whole[name].sum() - masks[name].sum()) for name in weights}
            if jointly:
                pairs = [(layer, "weight") for layer in net.layers]
                prune.global_unstructured(pairs, prune.L1Unstructured, amount=sum(gone.values()))  # type: ignore[no-untyped-call]
            else:
                for n, layer in enumerate(net.layers):
                    prune.l1_unstructured(layer, "weight", amount=gone[f"{n}"])  # type: ignore[no-untyped-call]
            for n, layer in enumerate(net.layers):
                assert torch.equal(layer.weight_mask.bool(), masks[f"{n}"])

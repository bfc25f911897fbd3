"""Bytes: by hand, against scipy's own matrices and a real file."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats
from torch import nn

from sparsetune.measures.density import remains
from sparsetune.measures.size import Matrix, Sizes, entropy_bits, sizes

PRUNABLE = ("0.weight", "3.weight")


def sized(network: nn.Module) -> Sizes:
    return sizes(network, remains(network, PRUNABLE))


def network(density: float = 1.0, seed: int = 0) -> nn.Sequential:
    """Prunable: 4 x 18 and 5 x 4. Else: biases 4 + 5, BatchNorm 4 + 4, its running statistics 4 + 4 (and a count)."""
    built = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 5))
    generator = torch.Generator().manual_seed(seed)
    for layer in (built[0], built[3]):
        weight = layer.weight
        weight.data = torch.rand(weight.shape, generator=generator) + 1
        weight.data *= torch.rand(weight.shape, generator=generator) < density
    return built


def test_by_hand() -> None:
    """92 prunable weights, 25 other floats; 30 + 10 are kept.

    Bitmask: ceil(92 / 8) + 4 x 40. CSR: 8 x 40, and 4 x (5 + 6) offsets. Entropy: H2(40 / 92) = 0.98769 bits each.
    Seed: (64 + 92 + 32 x 25) / 8 = 119.5.
    """
    built = network()
    built[0].weight.data.view(-1)[:42] = 0
    built[3].weight.data.view(-1)[:10] = 0
    found = sized(built)
    assert (found.prunable, found.kept, found.rest_values) == (92, 40, 25)
    assert found.dense == 4 * (92 + 25)
    assert found.bitmask == 12 + 160 + 100
    assert found.csr == 320 + 44 + 100
    assert found.entropy == math.ceil(92 * 0.98769 / 8) + 160 + 100
    assert found.seed_mask == 120


def test_what_a_seed_draws_and_nothing_trains_takes_no_room_beside_it() -> None:
    built = network()
    built[3].bias.requires_grad_(False)
    found = sized(built)
    assert found.rest_values == 25 - 5
    assert found.dense == 4 * (92 + 25)


def test_the_lenet_of_sbcube() -> None:
    """19,500 weights and nothing else: 78 kB as floats, 2.4 kB as seed and mask, (64 + 19,500) / 8 = 2445.5."""
    built = nn.Sequential(
        nn.Conv2d(1, 20, 5, bias=False), nn.Conv2d(20, 20, 5, bias=False),
        nn.Linear(80, 100, bias=False), nn.Linear(100, 10, bias=False),
    )  # fmt: skip
    found = sizes(built, remains(built, [name for name, _ in built.named_parameters()]))
    assert (found.dense, found.seed_mask) == (78_000, 2446)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), density=st.floats(0, 1))
def test_csr_is_what_scipy_needs(seed: int, density: float) -> None:
    built = network(density, seed)
    found, expected = sized(built), 100
    for layer in (built[0], built[3]):
        matrix = sparse.csr_array(layer.weight.detach().flatten(1).numpy())
        expected += matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes
    assert found.csr == expected


@pytest.mark.parametrize("shape", [(3, 2**31 - 1), (3, 2**31)])
def test_indices_widen_as_in_scipy(shape: tuple[int, int]) -> None:
    places = np.array([[0, 2], [0, shape[1] - 1]], np.int32)
    matrix = sparse.csr_array((np.ones(2, np.float32), places), shape=shape)
    expected = matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes
    assert Matrix(*shape, nonzeros=2).csr_bytes == expected


@settings(max_examples=60, deadline=None)
@given(values=st.integers(1, 10**8), share=st.floats(0, 1))
def test_entropy_is_scipys(values: int, share: float) -> None:
    kept = round(values * share)
    found = entropy_bits(values, kept)
    assert found == pytest.approx(values * stats.entropy([kept, values - kept], base=2), rel=1e-9, abs=1e-6)
    assert 0 <= found <= values * (1 + 1e-12)


def test_entropy_by_hand() -> None:
    """Half: a bit each. A quarter: .25 x 2 + .75 x log2(4 / 3) = 0.811278."""
    assert entropy_bits(1000, 500) == 1000
    assert entropy_bits(1000, 250) == pytest.approx(811.278, abs=1e-3)
    assert entropy_bits(1000, 0) == entropy_bits(1000, 1000) == entropy_bits(0, 0) == 0


def test_other_types_of_numbers() -> None:
    """Double: 8 bytes a value. CSR's indices stay as they are."""
    single, double = sized(network()), sized(network().double())
    assert double.dense == 2 * single.dense
    assert double.csr - single.csr == 4 * (92 + 25)
    assert double.seed_mask == single.seed_mask

"""Fits of masks whose best is plain: a weight for each input, one that two inputs share; their end, and going on."""

from __future__ import annotations

import copy
import itertools

import pytest
import torch
from torch import Tensor

from sparsetune.sparsity import mask_fit
from sparsetune.sparsity.adam import Adam
from sparsetune.sparsity.bernoulli import Moments, expected_error
from sparsetune.sparsity.mask_fit import LOOK_EVERY, Ending, MaskFit, fitted
from sparsetune.training import fused


def tensor(*rows: list[float]) -> Tensor:
    return torch.tensor([rows], dtype=torch.float64)


def fit_of(target: Tensor, moments: Tensor, alpha: float, lr: float = 1e-2, start: float = 0.3) -> MaskFit:
    return MaskFit(target, Moments(moments), torch.full_like(target, start), alpha, lr)


def ended(fit: MaskFit, steps: int = 20_000) -> int:
    """After how many steps."""
    *_, (state, _) = fitted(fit, steps, 30)
    done: int = state["done"]
    return done


def test_a_weight_alone_is_kept_where_it_explains_more_than_it_costs() -> None:
    """Inputs that never come together: of w = W the objective is g W^2 - p (g W^2 - alpha), so p is 1 above alpha.

    g W^2 is 0.25, 16 in the first row, 1 and 0.04 in the second; alpha is 0.9.
    """
    target = tensor([0.5, 2.0], [1.0, 0.1])
    fit = fit_of(target, tensor([1.0, 0.0], [0.0, 4.0]), alpha=0.9)
    assert ended(fit) < 20_000
    weights, kept = fit.rounded()
    assert kept.tolist() == [[[False, True], [True, False]]]
    assert torch.allclose(weights, target * kept, atol=1e-4)
    assert fit.binary


def test_what_stays_makes_up_for_what_goes() -> None:
    """Two inputs, both 1 in ten samples: 3 x + 0.2 y is 3.2 x, and a weight costs 1; from all kept."""
    fit = fit_of(tensor([3.0, 0.2]), tensor([10.0, 10.0], [10.0, 10.0]), alpha=1.0, start=1.0)
    ended(fit)
    weights, kept = fit.rounded()
    assert kept.tolist() == [[[True, False]]]
    assert float(weights.sum()) == pytest.approx(3.2, abs=1e-3)


def best_masks(target: Tensor, moments: Tensor, alpha: float) -> float:
    """The least of squared error + alpha x kept weights of all masks, each with its least squares; of one row."""
    least = float("inf")
    for mask in itertools.product((False, True), repeat=target.shape[-1]):
        kept = torch.tensor(mask)
        weights = torch.zeros_like(target[0, 0])
        weights[kept] = torch.linalg.solve(moments[0][kept][:, kept], (moments[0] @ target[0, 0])[kept])
        missed = target[0, 0] - weights
        least = min(least, float(missed @ moments[0] @ missed) + alpha * sum(mask))
    return least


@pytest.mark.parametrize("alpha", [0.05, 1.0, 5.0, 30.0])
def test_it_is_nearly_as_good_as_the_best_of_all_masks(alpha: float) -> None:
    """Six inputs that depend on each other: within a fifth of the best of 64 masks with their least squares."""
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn((1, 40, 6), generator=generator, dtype=torch.float64) @ torch.randn(
        (1, 6, 6), generator=generator, dtype=torch.float64
    )
    target, moments = tensor([1.0, -0.5, 0.3, 0.1, -1.2, 0.05]), inputs.mT @ inputs
    fit = fit_of(target, moments, alpha)
    ended(fit)
    weights, kept = fit.rounded()
    reached = expected_error(weights, kept.double(), target, Moments(moments)) + alpha * kept.sum()
    best = best_masks(target, moments, alpha)
    assert best <= float(reached) + 1e-6
    assert float(reached) <= 1.2 * best


def test_what_is_masked_stays_so_and_what_is_free_costs_nothing() -> None:
    """No probability to begin with; a last input, whose weight is fitted alone."""
    target = tensor([0.0, 1.0, 0.2])
    fit = MaskFit(target, Moments(torch.eye(3).double()[None]), tensor([0.0, 0.3, 1.0]), 0.5, 1e-2, free=1)
    objective = float(fit.step())
    by_hand = (1 - 0.3) ** 2 + 0.3 * 0.7 + 0.5 * 0.3
    assert objective == pytest.approx(by_hand)
    ended(fit)
    weights, kept = fit.rounded()
    assert kept.tolist() == [[[False, True, True]]]
    assert torch.allclose(weights, target, atol=1e-4)


def test_what_is_free_is_not_moved() -> None:
    """Though its probability has a slope."""
    fit = MaskFit(tensor([1.0, 1.0]), Moments(torch.eye(2).double()[None]), tensor([0.4, 0.4]), 0.1, 1e-2, free=1)
    for _ in range(10):
        fit.step()
    assert fit.values[1, 0, 0, 0] != 0.4
    assert fit.values[1, 0, 0, 1] == 0.4


def test_more_than_a_half_is_kept() -> None:
    fit = MaskFit(tensor([2.0, 2.0, 2.0]), Moments(torch.eye(3).double()[None]), tensor([0.5, 0.51, 0.0]), 0.0, 1e-9)
    assert fit.rounded()[1].tolist() == [[[False, True, False]]]
    assert fit.rounded()[0].tolist() == [[[0.0, 2.0, 0.0]]]


@pytest.mark.parametrize(
    ("looks", "over"),
    [
        ("ss", False),
        ("sss", True),
        ("bb", False),
        ("bbb", True),
        ("ss-ss", False),
        ("sb", False),
        ("bs", False),
        ("+", True),
        ("b+", True),
        ("", False),
    ],
)
def test_three_looks_alike_or_both_at_once(looks: str, over: bool) -> None:
    """s: saturated, b: binary, +: both, -: neither."""
    ending = Ending()
    for look in looks:
        assert not ending.over
        ending = ending.after(saturated=look in "s+", binary=look in "b+")
    assert ending.over == over


def test_it_ends_at_its_steps_at_the_latest() -> None:
    """With a look after every hundred; here nothing can have settled by then."""
    fit = fit_of(tensor([0.5, 2.0]), tensor([1.0, 0.0], [0.0, 4.0]), alpha=0.9, lr=1e-6)
    states = list(fitted(fit, 250, 30))
    assert [state["done"] for state, _ in states] == [LOOK_EVERY, 2 * LOOK_EVERY, 250]
    assert [share for _, share in states] == [0.4, 0.8, 1.0]
    assert len(states[-1][0]["objectives"]) == 32


def test_pieces_of_a_large_layer_are_short_and_end_where_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = fit_of(tensor([0.5, 2.0]), tensor([1.0, 0.0], [0.0, 4.0]), alpha=0.9, lr=1e-6)
    monkeypatch.setattr(mask_fit, "_WORK", 30 * fit.multiplications)
    assert [state["done"] for state, _ in fitted(fit, 210, 30)] == [30, 60, 90, 100, 130, 160, 190, 200, 210]


def test_masks_that_are_decided_end_it() -> None:
    """All are at the first look, and the weights are where they should be."""
    fit = MaskFit(tensor([2.0]), Moments(tensor([1.0])), tensor([1.0]), 0.1, 1e-3)
    assert ended(fit) == LOOK_EVERY


@pytest.mark.parametrize("piece", [LOOK_EVERY, 30])
def test_it_goes_on_from_every_state_bit_for_bit(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where pieces are shorter than the window, or do not end where it is looked at."""
    window, steps = (6, 1500) if piece == LOOK_EVERY else (40, 450)

    def fresh() -> MaskFit:
        return fit_of(tensor([0.5, 2.0], [1.0, 0.1]), tensor([1.0, 0.5], [0.5, 4.0]), alpha=0.9, lr=1e-3)

    straight = fresh()
    monkeypatch.setattr(mask_fit, "_WORK", piece * straight.multiplications)
    states = [copy.deepcopy(state) for state, _ in fitted(straight, steps, window)]
    assert len(states) > 5
    for number, state in enumerate(states):
        fit = fresh()
        rest = [later for later, _ in fitted(fit, steps, window, copy.deepcopy(state))]
        assert len(rest) == len(states) - number - 1
        fit.load_state_dict(rest[-1]["fit"] if rest else state["fit"])
        assert torch.equal(fit.values, straight.values)
        assert not rest or torch.equal(rest[-1]["objectives"], states[-1]["objectives"])


def test_states_take_no_memory_of_their_own() -> None:
    """Of a wide layer each would be gigabytes, after each piece."""
    fit = fit_of(tensor([0.5, 2.0]), tensor([1.0, 0.0], [0.0, 4.0]), alpha=0.9, lr=1e-6)
    (first, _), (second, _) = fitted(fit, 2 * LOOK_EVERY, 30)
    assert first["fit"]["values"] is fit.values
    assert all(first["fit"]["adam"][name] is second["fit"]["adam"][name] for name in ("first", "second"))


def test_adam_is_torch_s() -> None:
    generator = torch.Generator().manual_seed(0)
    ours, theirs = torch.ones(3, 4).double(), torch.nn.Parameter(torch.ones(3, 4).double())
    adam, plain = Adam(ours, 1e-2), fused.Adam([theirs], 1e-2)
    for _ in range(50):
        theirs.grad = torch.randn((3, 4), generator=generator, dtype=torch.float64)
        adam.step(theirs.grad)
        plain.step()
    assert torch.allclose(ours, theirs, rtol=1e-12, atol=1e-14)

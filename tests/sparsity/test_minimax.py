"""PMMP's objective: check values, gradients as autograd has them, the expectation as masks are drawn."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from sparsetune.sparsity import minimax
from sparsetune.sparsity.minimax import Copies, Minimax, gap, undecided_share, violation

number = st.floats(-3, 3, width=32)
weights = st.lists(st.tuples(number, number, st.floats(0, 1), st.floats(0, 9)), min_size=1, max_size=9)


def gradients_of(
    objective: Minimax, weight: Tensor, copies: Copies, mask: Tensor | None = None, loss: float = 0.0
) -> list[Tensor]:
    """Of theta with a loss whose own is ``loss``, w, p and u."""
    onto, beside = torch.full_like(weight, loss), Copies(*(torch.full_like(each, math.nan) for each in copies))
    objective.add_gradients(onto, beside, weight, copies, mask)
    return [onto, *beside]


def columns(rows: list[tuple[float, ...]], dtype: torch.dtype = torch.float64) -> tuple[Tensor, Copies]:
    theta, *copies = torch.tensor(rows, dtype=dtype).T.contiguous()
    return theta, Copies(*copies)


def drawn(shape: tuple[int, ...], dtype: torch.dtype = torch.float64) -> tuple[Tensor, Copies]:
    generator = torch.Generator().manual_seed(0)
    theta, w, p, u = (torch.rand(shape, generator=generator, dtype=dtype) for _ in range(4))
    return theta - 0.5, Copies(w - 0.5, p, u)


def test_by_hand() -> None:
    """theta 1, w 0.5, p 0.8: E = 0.2 x 1 + 0.8 x 0.25 = 0.4, theta - w p = 0.6."""
    theta, copies = columns([(1.0, 0.5, 0.8, 2.0)])
    assert float(gap(theta, copies)) == pytest.approx(0.4)
    assert float(Minimax(0.1).objective(theta, copies)) == pytest.approx(0.08 + 2 * 0.4)
    gradients = torch.cat(gradients_of(Minimax(0.1), theta, copies)).tolist()
    assert gradients == pytest.approx([2.4, -1.6, -1.4, 0.4]), "u ascends: the step goes by -0.4 the other way"
    gradients = torch.cat(gradients_of(Minimax(0.1, factor=10), theta, copies, loss=1.0)).tolist()
    assert gradients == pytest.approx([1 + 24.0, -16.0, 0.1 - 15.0, 4.0])


@given(weights, st.floats(0, 3), st.floats(0.1, 20))
def test_gradients_equal_autograd_s(rows: list[tuple[float, ...]], alpha: float, factor: float) -> None:
    theta, copies = columns(rows)
    leaves = [each.clone().requires_grad_() for each in (theta, *copies)]
    objective = Minimax(alpha, factor)
    wanted = torch.autograd.grad(objective.objective(leaves[0], Copies(*leaves[1:])), leaves)
    for gradient, other in zip(gradients_of(objective, theta, copies), wanted, strict=True):
        assert torch.allclose(gradient, other, rtol=1e-12, atol=1e-10)


@given(weights)
def test_the_expectation_as_the_source_writes_it(rows: list[tuple[float, ...]]) -> None:
    theta, copies = columns(rows)
    w, p, _ = copies
    written = (theta - w * p).square() + w.square() * p * (1 - p)
    assert torch.allclose(gap(theta, copies), written, rtol=1e-12, atol=1e-12)


def test_the_expectation_over_all_masks() -> None:
    """Of three weights the eight masks, each with its probability."""
    theta, copies = drawn((3,))
    total = torch.zeros((), dtype=torch.float64)
    for mask in itertools.product((0.0, 1.0), repeat=3):
        z = torch.tensor(mask, dtype=torch.float64)
        probability = torch.where(z == 1, copies.keep, 1 - copies.keep).prod()
        total += probability * (theta - copies.free * z).square().sum()
    assert float(gap(theta, copies).sum()) == pytest.approx(float(total))


def test_the_expectation_of_drawn_masks() -> None:
    """200,000 of them: of each of five weights within four standard errors, of which each is below 1 %."""
    theta, copies = drawn((5,))
    generator = torch.Generator().manual_seed(1)
    z = torch.bernoulli(copies.keep.expand(200_000, 5), generator=generator)
    squares = (theta - copies.free * z).square()
    errors = squares.std(0) / math.sqrt(len(squares))
    assert ((squares.mean(0) - gap(theta, copies)).abs() <= 4 * errors).all()
    assert (errors < 0.01 * gap(theta, copies)).all()


@given(weights, st.floats(0.1, 20))
def test_multipliers_never_want_to_fall(rows: list[tuple[float, ...]], factor: float) -> None:
    """Also in single precision, where theta and w are nearly the same and p is nearly 1."""
    for theta, copies in (columns(rows, torch.float32), columns([(t, t, 1 - 1e-7, u) for t, _, _, u in rows])):
        *_, of_multipliers = gradients_of(Minimax(0.1, factor), theta.float(), Copies(*(c.float() for c in copies)))
        assert (of_multipliers >= 0).all()


def test_what_is_pruned_has_no_gradient() -> None:
    """Its theta and p are 0; w and u may be anything."""
    theta, copies = columns([(0.0, 0.5, 0.0, 2.0), (0.3, 0.5, 0.9, 2.0)])
    first, second = torch.stack(gradients_of(Minimax(0.1), theta, copies, torch.tensor([False, True]))).T
    assert first.tolist() == [0.0] * 4
    assert (second != 0).all()
    whole = torch.stack(gradients_of(Minimax(0.1), theta, copies)).T
    assert torch.equal(second, whole[1])
    assert whole[0].tolist() == [0.0, 0.0, 0.1 + 2 * 0.25, 0.0], "without a mask its p would"


@pytest.mark.parametrize("masked", [False, True])
def test_in_pieces_as_a_whole(masked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    theta, copies = drawn((3, 7))
    mask = theta > 0 if masked else None
    whole = gradients_of(Minimax(0.1, 3.0), theta, copies, mask)
    monkeypatch.setitem(minimax._PIECE, "cpu", 8)
    assert [len(piece[0]) for piece in minimax.pieces(theta, *copies)] == [8, 8, 5]
    for one, other in zip(gradients_of(Minimax(0.1, 3.0), theta, copies, mask), whole, strict=True):
        assert torch.equal(one, other)


def test_another_order_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """As convolutions have it with channels_last."""
    theta, copies = drawn((2, 3, 4, 5))
    wanted = gradients_of(Minimax(0.1), theta, copies)
    monkeypatch.setitem(minimax._PIECE, "cpu", 8)
    last = theta.contiguous(memory_format=torch.channels_last)
    assert len(list(minimax.pieces(last, *copies))) == 1
    for one, other in zip(gradients_of(Minimax(0.1), last, copies), wanted, strict=True):
        assert torch.allclose(one, other, rtol=1e-14, atol=0)


def test_what_is_undecided_by_hand() -> None:
    """0.1 and 0.9 are decided; two of five that masks keep, with those of a tensor without a mask."""
    keep = torch.tensor([0.0, 0.1, 0.5, 0.9, 1.0], dtype=torch.float64)
    copies = {"a": Copies(keep, keep, keep), "b": Copies(*(torch.tensor([0.11]),) * 3)}
    assert undecided_share(copies, {}) == pytest.approx(2 / 6)
    assert undecided_share(copies, {"a": keep > 0}) == pytest.approx(2 / 5)
    assert undecided_share({"a": copies["a"]}, {"a": keep > 2}) == 0.0


def test_how_far_the_constraint_is_from_holding_by_hand() -> None:
    """Weights 1 and 2: gaps 0.4 and 0.5 x 4 + 0.5 x 1 of squares 1 and 4; nothing of nothing."""
    theta, copies = columns([(1.0, 0.5, 0.8, 7.0), (2.0, 1.0, 0.5, 7.0)])
    assert violation({"a": theta}, {"a": copies}) == pytest.approx((0.4 + 2.5) / 5)
    assert violation({"a": theta, "b": theta}, {"a": copies}) == pytest.approx((0.4 + 2.5) / 5)
    assert violation({"a": 0 * theta}, {"a": copies}) == 0.0
    exact = Copies(theta, torch.ones(2, dtype=torch.float64), theta)
    assert violation({"a": theta}, {"a": exact}) == 0.0

"""Samples are drawn in an order of each epoch's own, whatever pieces it is trained in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, cycle
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sparsetune.testing.trained import same_state
from sparsetune.training.randomness import Counters, Order, seed_all

CPU = torch.device("cpu")
SEED = 3
DRAWN = 5  # numbers that a step draws, as dropout does


def order(samples: int = 23, batch: int = 4) -> Order:
    return Order(SEED, samples, batch, CPU)


def whole(epoch: int, samples: int, steps: int) -> tuple[Tensor, Tensor]:
    """An epoch that is trained at once, by torch alone: its samples, and what its steps draw."""
    seed_all(SEED, epoch + 1, CPU)
    return torch.randperm(samples), torch.rand(steps, DRAWN)


def disturb(number: int) -> None:
    """What evaluations, procedures and other trainings do between the pieces."""
    torch.manual_seed(number)
    torch.rand(number % 7)


def trained(counters: Counters, orders: Iterator[Order], wanted: Sequence[int], total: int) -> tuple[Any, ...]:
    """Train in pieces of at most the wanted sizes: samples of each epoch and what its steps draw, by its number."""
    samples: dict[int, list[Tensor]] = {}
    drawn: dict[int, list[Tensor]] = {}
    sizes = cycle(wanted)
    done = 0
    while done < total:
        disturb(done)
        each = next(orders)
        size = min(next(sizes), total - done, each.steps - counters.step)
        epoch = counters.epoch
        samples.setdefault(epoch, []).append(each.next(counters, size))
        drawn.setdefault(epoch, []).append(torch.stack([torch.rand(DRAWN) for _ in range(size)]))
        each.went(counters, size)
        done += size
    return samples, drawn


SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=5)


@given(st.integers(1, 40), st.integers(1, 50), SIZES, st.booleans(), st.data())
@settings(deadline=None)
def test_pieces_of_any_size_are_the_whole_epoch(
    samples: int, batch: int, sizes: list[int], restarting: bool, data: st.DataObject
) -> None:
    """Samples, and what steps draw from torch beside them, bit for bit; also where each piece is another process's."""
    one = order(samples, batch)
    steps = -(-samples // batch)
    assert one.steps == steps
    total = data.draw(st.integers(1, 3 * steps))
    counters = Counters()
    orders = (order(samples, batch) if restarting else one for _ in cycle([0]))
    found, drawn = trained(counters, orders, sizes, total)
    assert list(found) == list(range(-(-total // steps)))
    for epoch in found:
        permuted, numbers = whole(epoch, samples, steps)
        in_it = min(steps, total - epoch * steps)
        assert torch.equal(torch.cat(found[epoch]), permuted[: in_it * batch])
        assert torch.equal(torch.cat(drawn[epoch]), numbers[:in_it])
    assert (counters.epochs, counters.epoch, counters.step) == (total // steps, total // steps, total % steps)
    assert (counters.drawn is None) == (counters.step == 0)


def test_every_epoch_has_an_order_of_its_own() -> None:
    one, counters = order(), Counters()
    found = []
    for _ in range(3):
        found.append(one.next(counters, one.steps))
        one.went(counters, one.steps)
    assert all(sorted(each.tolist()) == list(range(23)) for each in found)
    assert len({tuple(each.tolist()) for each in found}) == 3
    assert not torch.equal(Order(SEED + 1, 23, 4, CPU).next(Counters(), 6), found[0])


def test_the_last_step_of_an_epoch_may_have_fewer() -> None:
    """23 samples in steps of 4: six of them; more are not given than an epoch has."""
    one, counters = order(), Counters(step=4, drawn=(torch.get_rng_state(),))
    assert len(one.next(counters, 1)) == 4
    assert len(one.next(counters, 2)) == len(one.next(counters, 9)) == 7


@pytest.mark.parametrize("done", [1, 4, 6])
def test_counters_come_back_with_where_random_numbers_stood(done: int) -> None:
    one, counters = order(), Counters()
    trained(counters, cycle([one]), [done], 6 + done)
    again = Counters()
    again.load_state_dict(counters.state_dict())
    assert same_state(again.state_dict(), counters.state_dict())
    assert (again.epochs, again.step) == ((2, 0) if done == 6 else (1, done))
    straight = trained(counters, cycle([one]), [2], 5)
    assert same_state(list(trained(again, cycle([order()]), [1], 5)), list(regrouped(straight)))


def regrouped(found: tuple[dict[int, list[Tensor]], ...]) -> Iterator[dict[int, list[Tensor]]]:
    """As if it had been trained step by step: 4 samples a step, and a line of drawn numbers."""
    samples, drawn = found
    yield {epoch: [step for each in parts for step in each.split(4)] for epoch, parts in samples.items()}
    yield {epoch: [step for each in parts for step in each.split(1)] for epoch, parts in drawn.items()}


def test_what_was_kept_of_counters_never_changes() -> None:
    one, counters = order(), Counters()
    trained(counters, cycle([one]), [2], 2)
    kept = counters.state_dict()
    (drawn,) = (each.clone() for each in kept["drawn"])
    trained(counters, cycle([one]), [2], 3)
    assert (kept["epochs"], kept["step"]) == (0, 2)
    assert torch.equal(kept["drawn"][0], drawn)


def test_an_order_begins_again() -> None:
    """From within an epoch; what has been trained counts on."""
    one, counters = order(), Counters()
    first, numbers = trained(counters, cycle([one]), [6], 8)
    counters.begin_again()
    assert (counters.epochs, counters.epoch, counters.step, counters.drawn) == (1, 0, 0, None)
    again, theirs = trained(counters, cycle([one]), [6], 6)
    assert torch.equal(again[0][0], first[0][0])
    assert torch.equal(theirs[0][0], numbers[0][0])
    assert (counters.epochs, counters.epoch, counters.step) == (2, 1, 0)


@pytest.mark.parametrize("at", [0, 2, 6, 9])
def test_an_order_goes_on_from_where_others_stood(at: int) -> None:
    """From a snapshot after so many steps, within an epoch or at the beginning of one; drawing goes on bit for bit."""
    one, counters = order(), Counters()
    trained(counters, cycle([one]), [9], at)
    snapshot = counters.state_dict()
    samples, drawn = trained(counters, cycle([one]), [1], 10)
    before = counters.epochs
    counters.begin_at(snapshot)
    assert (counters.epochs, counters.epoch, counters.step) == (before, at // 6, at % 6)
    again, numbers = trained(counters, cycle([one]), [1], 10)
    assert list(again) == list(samples)
    for ours, theirs in ((samples, again), (drawn, numbers)):
        assert same_state(list(chain(*ours.values())), list(chain(*theirs.values())))
    assert counters.epochs == before + (at % 6 + 10) // 6


@pytest.mark.parametrize(("done", "epochs"), [(0, 0), (1, 1), (5, 1), (6, 1), (7, 2)])
def test_an_epoch_that_the_clock_cuts_short_counts_as_one(done: int, epochs: int) -> None:
    one, counters = order(), Counters()
    trained(counters, cycle([one]), [1], done)
    one.cut_short(counters)
    assert (counters.epochs, counters.epoch, counters.step, counters.drawn) == (epochs, epochs, 0, None)

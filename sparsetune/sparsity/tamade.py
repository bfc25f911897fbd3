"""TAMADE: the largest magnitude threshold that a tolerated increase of the loss allows.

Source: L0-and-behold/efficient-compression (tamade.jl), which bisects the threshold to a resolution; here candidates
are the magnitudes that there are, so the result is exact where the loss rises with the threshold. Where it does not,
the result is feasible and the next candidate is not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sparsetune.sparsity.method import TrainingFailed
from sparsetune.sparsity.session import Session, Split
from sparsetune.sparsity.stage import Yielded

MOST_PASSES = 25
_REFERENCE = "tamade"


class Search(NamedTuple):
    """A bisection over how many of n distinct magnitudes go: ``low`` may, ``high`` may not."""

    low: int
    high: int
    passes: int = 0

    @property
    def ended(self) -> bool:
        return self.high - self.low <= 1 or self.passes >= MOST_PASSES

    @property
    def middle(self) -> int:
        """What is tried next."""
        return (self.low + self.high) // 2

    def told(self, *, feasible: bool) -> Search:
        """After that has been tried."""
        low, high = (self.middle, self.high) if feasible else (self.low, self.middle)
        return Search(low, high, self.passes + 1)


@dataclass(frozen=True)
class Tamade:
    """Prune by magnitude as far as a tolerance allows; of equal magnitudes all go or none.

    The loss that is tolerated refers to the lowest that any call has seen before it pruned, so that repeated calls do
    not add up.

    Attributes:
        delta: tolerated increase of the loss as a fraction of it, at least 0; of a session's ``error``.
        split: the samples that the loss is of.
        accuracy: instead of ``delta``: tolerated decrease of the accuracy, a fraction of 1.
        by_layer: a threshold for each layer, from the input on, after each of which an equal share more of the
            tolerance may be used up; else one threshold for all.
        biases: those of prunable layers go by the same threshold.
    """

    delta: float
    split: Split = "val"
    accuracy: float | None = None
    by_layer: bool = False
    biases: bool = True

    def __call__(self, session: Session, state: tuple[float, int, int, int, int] | None = None) -> Iterator[Yielded]:
        """Yields the reference, the number of the group that is searched, and where that search stands."""
        groups = self._groups(session)
        reference = self._reference(session) if state is None else state[0]
        for number in range(0 if state is None else state[1], len(groups)):
            weights, limit = groups[number], self._limit(reference, (number + 1) / len(groups))
            magnitudes = distinct_magnitudes(weights, session.masks)
            search = Search(0, len(magnitudes) + 1) if state is None or number > state[1] else Search(*state[2:])
            while not search.ended:
                with without_smallest(weights, threshold(magnitudes, search.middle)):
                    search = search.told(feasible=self._measured(session) <= limit)
                yield (reference, number, *search), (number + search.passes / MOST_PASSES) / len(groups)
            remove_below(session, weights, threshold(magnitudes, search.low))

    def _groups(self, session: Session) -> list[dict[str, nn.Parameter]]:
        if not self.by_layer:
            return [with_biases(session, self.biases)]
        return [with_biases(session, self.biases, {name: weight}) for name, weight in session.prunable.items()]

    def _measured(self, session: Session) -> float:
        """What is to be small: the loss, of one that may be negative its error, or the share of wrong predictions."""
        return session.error(self.split) if self.accuracy is None else 1 - session.evaluate(self.split)["accuracy"]

    def _reference(self, session: Session) -> float:
        now = self._measured(session)
        if not math.isfinite(now):
            raise TrainingFailed(
                f"the loss on {self.split} samples is {now} before pruning; with a smaller lr it may not be"
            )
        session.memory[_REFERENCE] = min(now, session.memory.get(_REFERENCE, now))
        return session.memory[_REFERENCE]

    def _limit(self, reference: float, share: float) -> float:
        """As much as may be measured where that share of the tolerance may be used up."""
        if self.accuracy is not None:
            return reference + share * self.accuracy
        return reference + share * self.delta * reference


def with_biases(
    session: Session, biases: bool, weights: Mapping[str, nn.Parameter] | None = None
) -> dict[str, nn.Parameter]:
    """Prunable weights, all or some, by name, each followed by the bias of its layer if that is asked for."""
    parameters, named = dict(session.network.named_parameters()), {}
    for name, weight in (session.prunable if weights is None else weights).items():
        named[name] = weight
        bias = bias_beside(name)
        if biases and bias in parameters:
            named[bias] = parameters[bias]
    return named


def bias_beside(weight: str) -> str:
    """What the bias of the layer is called, if it has one, that has a weight of this name."""
    return "bias".join(weight.rsplit("weight", 1))


def distinct_magnitudes(weights: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> Tensor:
    """(n,) of what masks keep, rising; zeros are not among them."""
    kept = [weight.detach()[masks[name]] if name in masks else weight.detach() for name, weight in weights.items()]
    magnitudes = torch.cat([each.abs().flatten() for each in kept])
    distinct: Tensor = torch.unique(magnitudes[magnitudes > 0])
    return distinct


def threshold(magnitudes: Tensor, count: int) -> float:
    """What is below it goes, if so many of the distinct magnitudes are to."""
    return float(magnitudes[count]) if count < len(magnitudes) else float("inf")


@contextmanager
def without_smallest(weights: Mapping[str, Tensor], least: float) -> Iterator[None]:
    """Within, what has a magnitude below ``least`` is 0."""
    whole = [weight.detach().clone() for weight in weights.values()]
    try:
        for weight in weights.values():
            detached = weight.detach()
            detached.masked_fill_(detached.abs() < least, 0)
        yield
    finally:
        for weight, before in zip(weights.values(), whole, strict=True):
            weight.detach().copy_(before)


def remove_below(session: Session, weights: Mapping[str, Tensor], least: float) -> None:
    """Take what has a magnitude below ``least``, and what is 0, out of the masks, for good."""
    narrow(session, {name: weight.detach().abs() >= least for name, weight in weights.items()})


def narrow(session: Session, kept: Mapping[str, Tensor]) -> None:
    """Let masks keep no more than that, nor what is 0; the weights wear them at once."""
    parameters = dict(session.network.named_parameters())
    for name, mask in kept.items():
        weight = parameters[name].detach()
        narrowed = mask & (weight != 0)
        session.masks[name] = narrowed & session.masks[name] if name in session.masks else narrowed
        weight.masked_fill_(~session.masks[name], 0)

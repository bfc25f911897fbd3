"""Random numbers of a training: each piece of it draws from a start of its own, so that it can begin anywhere.

The order of the samples is a new one for each epoch, a function of the seed and the epoch's number. A training that
stands within an epoch keeps the state of torch's random numbers, from which augmentation and dropout go on; at an
epoch's beginning they are seeded anew.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sparsetune.base.seeds import mix

PROCEDURE, EVALUATION = 1 << 30, 2 << 30  # apart from the numbers of training epochs


def seed_all(seed: int, number: int, device: torch.device) -> None:
    """Seed what a training draws from; torch.manual_seed asks every kind of device there is, each time.

    Args:
        number: what is drawn for: 0 to build, 1 + e to train epoch e, ``EVALUATION`` + e to evaluate after e epochs.
    """
    mixed = mix(seed, number)
    torch.default_generator.manual_seed(mixed)
    if device.type == "cuda":
        torch.cuda.manual_seed(mixed)


def seed_piece(seed: int, stage: str, procedure: str, piece: int, device: torch.device) -> None:
    """Seed what a piece of a procedure draws: a function of the stage's path, the procedure and the piece's number."""
    named = int.from_bytes(hashlib.sha256(f"{stage}|{procedure}".encode()).digest()[:8], "big")
    seed_all(mix(seed, named, piece), PROCEDURE, device)


def drawn_state(device: torch.device) -> tuple[Tensor, ...]:
    """The state of the random numbers that a training draws: torch's own, and the device's."""
    state = torch.get_rng_state()
    return (state, torch.cuda.get_rng_state(device)) if device.type == "cuda" else (state,)


def put_drawn_state(drawn: Sequence[Tensor], device: torch.device) -> None:
    """Go on drawing from there."""
    torch.set_rng_state(drawn[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(drawn[1], device)


@dataclass
class Counters:
    """Where in the data a training stands.

    Attributes:
        epochs: passes completed since it began.
        epoch: number of the order that is drawn from, or comes next, from 0.
        step: steps done within that.
        drawn: the state of torch's random numbers there; None at an epoch's beginning.
    """

    epochs: int = 0
    epoch: int = 0
    step: int = 0
    drawn: tuple[Tensor, ...] | None = None

    def begin_again(self) -> None:
        """Draw as at the beginning; what has been trained counts on."""
        self.epoch, self.step, self.drawn = 0, 0, None

    def begin_at(self, other: Mapping[str, Any]) -> None:
        """Draw from where these stood; what has been trained counts on."""
        self.epoch, self.step = other["epoch"], other["step"]
        self.drawn = None if other["drawn"] is None else tuple(other["drawn"])

    def state_dict(self) -> dict[str, Any]:
        """Numbers, and tensors that never change."""
        drawn = None if self.drawn is None else list(self.drawn)
        return {"epochs": self.epochs, "epoch": self.epoch, "step": self.step, "drawn": drawn}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state from :meth:`state_dict`."""
        self.epochs = state["epochs"]
        self.begin_at(state)


class Order:
    """Draws the samples of steps."""

    def __init__(self, seed: int, samples: int, batch: int, device: torch.device) -> None:
        """
        Args:
            batch: samples of a step.
        """
        self._seed, self._samples, self._batch, self._device = seed, samples, batch, device
        self._drawn: tuple[int, Tensor] | None = None
        self.steps = math.ceil(samples / batch)

    def next(self, counters: Counters, steps: int) -> Tensor:
        """The samples of an epoch's next steps, (n,) int64, at most so many; the generators are where they were."""
        drawn = self._drawn if counters.step else None
        if drawn is None or drawn[0] != counters.epoch:
            seed_all(self._seed, counters.epoch + 1, self._device)
            drawn = self._drawn = counters.epoch, torch.randperm(self._samples, device=self._device)
        if counters.drawn is not None:
            put_drawn_state(counters.drawn, self._device)
        first = counters.step * self._batch
        return drawn[1][first : first + steps * self._batch]

    def went(self, counters: Counters, steps: int) -> None:
        """So many of these steps are done."""
        counters.step += steps
        if counters.step >= self.steps:
            counters.epochs += 1
            counters.epoch, counters.step, counters.drawn = counters.epoch + 1, 0, None
        else:
            counters.drawn = drawn_state(self._device)

    def cut_short(self, counters: Counters) -> None:
        """The clock has ended training within an epoch, which counts as one."""
        if counters.step:
            self.went(counters, self.steps - counters.step)

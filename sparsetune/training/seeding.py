"""Random numbers of a training: each piece of it draws from a start of its own, so that it can begin anywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

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
    found = torch.get_rng_state()
    return (found, torch.cuda.get_rng_state(device)) if device.type == "cuda" else (found,)


def put_drawn_state(drawn: Sequence[Tensor], device: torch.device) -> None:
    """Go on drawing from there."""
    torch.set_rng_state(drawn[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(drawn[1], device)

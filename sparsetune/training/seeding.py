"""Random numbers of a training: each piece of it draws from a start of its own, so that it can begin anywhere."""

from __future__ import annotations

import torch

from sparsetune.config.seeds import mix

BEGINNING, EVALUATION, END = 1 << 30, 2 << 30, 3 << 30  # apart from the numbers of training epochs


def seed_all(seed: int, number: int, device: torch.device) -> None:
    """Seed what a training draws from; torch.manual_seed asks every kind of device there is, each time.

    Args:
        number: what is drawn for: 0 to build, 1 + e to train epoch e; after e epochs ``BEGINNING`` + e where a phase
            begins, ``EVALUATION`` + e to evaluate, ``END`` + e where a phase ends.
    """
    mixed = mix(seed, number)
    torch.default_generator.manual_seed(mixed)
    if device.type == "cuda":
        torch.cuda.manual_seed(mixed)

"""Seeds made from numbers that name what they are for."""

from __future__ import annotations


def mix(*numbers: int) -> int:
    """A well-mixed seed from 0 to 2^32 - 1 (torch's CPU generator uses no more bits); numbers are at least 0."""
    from numpy.random import SeedSequence

    return int(SeedSequence(numbers).generate_state(1)[0])

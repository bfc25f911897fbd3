"""How far in a training the weights are that survivors go back to, as settings write it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from sparsetune.base.durations import Duration, Share
from sparsetune.base.errors import BadInput

MANY = 1 << 30  # iterations of an epoch of data that nobody has looked at


def _within_a_level(rewind: str | float) -> str | float:
    if isinstance(rewind, str):
        Duration.parse(rewind)
    elif not 0 <= rewind < 1:
        raise BadInput(found=f"{rewind:g}", allowed="a fraction from 0 to below 1, or a duration such as '500it'")
    return rewind


Rewind = Annotated[str | float, AfterValidator(_within_a_level)]
"""The beginning (0), a fraction of a training below 1, or a duration such as ``500it``."""


def start_of(rewind: str | float, length: Duration) -> Duration | Share:
    """When in a training of that length weights are as survivors are put back to be."""
    return Duration.parse(rewind) if isinstance(rewind, str) else Share(rewind, length)


def check_rewind(rewind: str | float, length: Duration, steps: int) -> None:
    """Raise :class:`BadInput` for one that leaves nothing to train; ``steps`` are those of an epoch."""
    if start_of(rewind, length).iterations(steps) >= length.iterations(steps):
        raise BadInput(found=str(rewind), allowed=f"less than a level, {length}", key="method.rewind")

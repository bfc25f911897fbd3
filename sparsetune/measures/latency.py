"""How long a call takes, for several that are compared: they take turns, so that what slows the machine slows all."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence

ROUNDS = 21
_TURN = 0.005  # seconds: a call that is shorter is repeated until a turn takes so long


def median_seconds(
    calls: Sequence[Callable[[], object]], *, rounds: int = ROUNDS, clock: Callable[[], float] = time.thread_time
) -> list[float]:
    """The median over turns of the seconds that each call takes, as it is repeated in a turn.

    The first two calls of each warm it up. Then all take turns, to and fro, ``rounds`` each; a turn repeats its call as
    often as fits into 5 ms, at least once.

    Args:
        calls: return when their work is done: one that uses a GPU waits for it.
        rounds: at least 1; with an odd number the median is a turn's.
        clock: seconds from some moment on; by default those that this thread has had of the processor, which others
            who want it do not lengthen.
    """
    repeats = [_repeats(call, clock) for call in calls]
    turns: list[list[float]] = [[] for _ in calls]
    for number in range(rounds):
        for index in list(range(len(calls)))[:: -1 if number % 2 else 1]:
            turns[index].append(_timed(calls[index], repeats[index], clock))
    return [statistics.median(seconds) for seconds in turns]


def _repeats(call: Callable[[], object], clock: Callable[[], float]) -> int:
    call()
    return max(1, math.floor(_TURN / max(_timed(call, 1, clock), 1e-9)))


def _timed(call: Callable[[], object], repeats: int, clock: Callable[[], float]) -> float:
    """Seconds of one call."""
    began = clock()
    for _ in range(repeats):
        call()
    return (clock() - began) / repeats

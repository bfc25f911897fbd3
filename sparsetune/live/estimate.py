"""How long a study may still take, from what its workers did in this run. An estimate: trials differ, machines too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A running trial. Fractions are of the whole trial, in [0, 1]; seconds are since it started in this run."""

    age: float
    done: float = 0.0  # as it was last reported
    before: float = 0.0  # done already when this run took it up
    reported: float = 0.0  # the age at that report

    @property
    def speed(self) -> float:
        """Fractions a second, 0 while unknown."""
        return (self.done - self.before) / self.reported if self.reported > 0 else 0.0

    def by_now(self, speed: float) -> float:
        """The fraction that it has probably done since its last report."""
        return min(1.0, self.done + (self.age - self.reported) * speed)


def seconds_left(
    *, elapsed: float, ended: float, busy: float, running: Sequence[Part], waiting: int, begun: float = 0.0
) -> float | None:
    """Seconds until all trials have ended; None while nothing is known.

    What is left is done as fast as what was done so far, by as many workers; but no trial ends before its own speed
    says so, and once none is waiting that alone counts.

    Args:
        elapsed: seconds that are looked at, up to now.
        ended: trials that ended in that time; one that was taken up half-way counts half.
        busy: seconds that these took, added up.
        waiting: trials that have not started yet.
        begun: what of all that was done before that time, in trials.
    """
    usual = ended / busy if busy > 0 else 0.0
    speeds = [part.speed or usual for part in running]
    now = [part.by_now(speed) for part, speed in zip(running, speeds, strict=True)]
    done = ended + sum(each - part.before for each, part in zip(now, running, strict=True)) - begun
    if done <= 0 or elapsed <= 0:
        return None
    left = waiting + sum(1 - each for each in now)
    shared = left * elapsed / done if waiting or not all(speeds) else 0.0
    own = [(1 - each) / speed for each, speed in zip(now, speeds, strict=True) if speed > 0]
    return max([shared, *own])

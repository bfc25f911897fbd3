"""How many trials a study has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Extent:
    """What bounds them.

    Attributes:
        trials: the budget; what was known at the start and is taken over costs nothing of it.
        points: that there are at all, with those that are given; None where a sampler does not count them out.
    """

    trials: int
    points: int | None = None

    def total(self, taken: int = 0) -> int:
        """Trials in all, of which so many were taken over."""
        budget = self.trials + taken
        return budget if self.points is None else min(budget, self.points)

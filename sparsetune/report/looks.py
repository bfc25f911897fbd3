"""How lines and points of several things are told apart, and the interval that is drawn around a mean."""

from __future__ import annotations

from typing import Any

_COLOURS = ("#1f5fa8", "#c0272d", "#d9822b", "#2c7a4b", "#7b4fa3", "#8a6d3b", "#3f4752", "#c2569b")
_MARKERS = "osD^vP*Xp"
CONFIDENCE = 0.95


def look(number: int) -> dict[str, Any]:
    """Of a thing by its position: neighbours differ in more than colour, and the first 72 from one another."""
    return {"color": _COLOURS[number % len(_COLOURS)], "marker": _MARKERS[number % len(_MARKERS)]}


def half_width(error: float | None, replicates: int) -> float:
    """Half of a mean's 95 % interval, by Student's t: 0 of one replicate.

    Args:
        error: the standard error of the mean.
    """
    if error is None or replicates < 2:
        return 0.0
    from scipy.special import stdtrit

    return error * float(stdtrit(replicates - 1, (1 + CONFIDENCE) / 2))

"""Times and sizes as people read them: two digits, or whole numbers."""

from __future__ import annotations

_BYTES = ("B", "kB", "MB", "GB", "TB", "PB")
_TIMES = ((0.1, 0.001, "ms"), (100.0, 1.0, "s"), (6000.0, 60.0, "min"))  # below this many seconds, unit


def duration(seconds: float) -> str:
    """``15 ms``, ``0.54 s``, ``12 min``, ``3.4 h``; from two days on with the days behind."""
    for below, unit, name in _TIMES:
        if seconds < below:
            return f"{_two_digits(seconds / unit)} {name}"
    hours = seconds / 3600
    days = f" ({_two_digits(hours / 24)} days)" if hours >= 48 else ""
    return f"{_two_digits(hours)} h{days}"


def size(count: float) -> str:
    """``690 B``, ``0.4 MB``, ``14 GB``: powers of 1,000."""
    for name in _BYTES[:-1]:
        if count < 999.5:
            return f"{count:.0f} {name}" if name == "B" else f"{_two_digits(count)} {name}"
        count /= 1000
    return f"{_two_digits(count)} {_BYTES[-1]}"


def _two_digits(value: float) -> str:
    if value < 0.995:
        return f"{value:.2g}"
    return f"{value:.1f}" if value < 9.95 else f"{value:,.0f}"

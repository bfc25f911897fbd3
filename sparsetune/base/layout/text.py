"""Values as short text: numbers with their errors, durations, sizes, names, lines that fit, bars."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from rich.cells import cell_len, set_cell_size

from sparsetune.base.layout.printable import printable

T = TypeVar("T")
UNKNOWN = "-"
_BYTES = ("B", "kB", "MB", "GB", "TB", "PB")
_TIMES = ((0.1, 0.001, "ms"), (100.0, 1.0, "s"), (6000.0, 60.0, "min"))  # below this many seconds, unit
_MOST = 6  # decimals; what needs more is written with an exponent
_WORD = 16  # characters of a value


def number(value: Any, digits: int = 3) -> str:
    """A value in few characters: so many significant digits; nothing for None."""
    return "" if value is None else f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def value_of(setting: Any) -> str:
    """The same of a setting, for which None is a value."""
    return "null" if setting is None else number(setting)


def heading(name: str) -> str:
    """A name that may break at its underscores."""
    return name.replace("_", " ")


def clock_time(seconds: float) -> str:
    """A running clock: 0:07, 12:40, 3:05:00."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def duration(seconds: float) -> str:
    """Two digits and a unit: 15 ms, 0.54 s, 36 s, 12 min, 3.4 h; from two days on with the days behind."""
    for below, unit, name in _TIMES:
        if seconds < below:
            return f"{_two_digits(max(0.0, seconds) / unit)} {name}"
    hours = seconds / 3600
    days = f" ({_two_digits(hours / 24)} days)" if hours >= 48 else ""
    return f"{_two_digits(hours)} h{days}"


def about(seconds: float | None) -> str:
    """An estimate, rounded so that it promises no more than it knows; ``-`` while there is none."""
    if seconds is None:
        return UNKNOWN
    return f"about {duration(max(5, 5 * round(seconds / 5)))}"


def ago(seconds: float) -> str:
    """How long since: ``3 s ago``, ``12 min ago``; never in the future."""
    return f"{duration(max(1, round(seconds)))} ago"


def size(count: float) -> str:
    """Bytes in powers of 1,000, two digits: 690 B, 0.4 MB, 14 GB."""
    for name in _BYTES[:-1]:
        if count < 999.5:
            return f"{count:.0f} {name}" if name == "B" else f"{_two_digits(count)} {name}"
        count /= 1000
    return f"{_two_digits(count)} {_BYTES[-1]}"


def cut(text: str, width: int) -> str:
    """The text on one line of at most ``width`` cells; three dots stand for what is cut off."""
    line = printable(" ".join(text.split()))
    if cell_len(line) <= width:
        return line
    return set_cell_size(line, max(0, width - 3)).rstrip() + "..."[:width]


def cut_front(text: str, width: int) -> str:
    """The end of a text, which says most of a path, in at most ``width`` cells; three dots stand for the rest."""
    if cell_len(text) <= width:
        return text
    end = text
    while end and cell_len(end) > width - 3:
        end = end[1:]
    return "..."[:width] + end


def listed(items: Sequence[object], most: int) -> str:
    """``1, 2, 3 and 5 more``."""
    shown = ", ".join(str(item) for item in items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"


def either(items: Sequence[str]) -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    return " or ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def bar(fraction: float, width: int, *, ascii_only: bool) -> str:
    """A bar whose two parts differ in shape, so that it needs no colour."""
    done = min(width, max(0, int(fraction * width)))
    full, rest = ("#", "-") if ascii_only else ("━", "─")
    return full * done + rest * (width - done)


def _two_digits(value: float) -> str:
    """Two significant digits; whole numbers from 10 on."""
    return f"{value:.2g}" if value < 9.95 else f"{value:,.0f}"


def spread(items: Sequence[T], most: int) -> list[T]:
    """At most so many of them, evenly spread, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(index * (len(items) - 1) / (most - 1))] for index in range(most)]


def measured(value: float | None, error: float | None, digits: int = 3) -> str:
    """``0.978 ± 0.002``: as many decimals as the first digit of the error needs; 456 ± 46.

    Without an error so many significant digits of the value; nothing for None. A count that all have in common (432)
    is exact.
    """
    if value is None or error is None or not math.isfinite(value):
        return number(value, digits)
    if error == 0 and value.is_integer() and abs(value) > 1:  # a fraction of 1 may be less the next time
        return number(value, digits)
    if error == 0 or not math.isfinite(error):
        return f"{number(value, digits)} ± {number(error)}"
    decimals = -int(f"{error:.0e}".partition("e")[2])
    if 0 <= decimals <= _MOST:
        return f"{value:.{decimals}f} ± {error:.{decimals}f}"
    if decimals < 0 and abs(value) < 10**_MOST:
        return f"{value:.0f} ± {error:.0f}"
    return f"{value:.{digits}g} ± {error:.1g}"


def short_names(names: Iterable[str]) -> list[tuple[str, str]]:
    """Each dotted name with its last part, or as many as tell it from the others; ``method.name`` is ``method``."""
    parts = {name: name.removesuffix(".name").split(".") for name in names}
    short = []
    for name, own in parts.items():
        others = [each for other, each in parts.items() if other != name]
        count = next((n for n in range(1, len(own)) if all(each[-n:] != own[-n:] for each in others)), len(own))
        short.append((name, ".".join(own[-count:])))
    return short


def value_text(value: Any) -> str:
    """A value in few characters: two digits of a float."""
    text = f"{value:.2g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _WORD else f"{text[: _WORD - 1]}…"

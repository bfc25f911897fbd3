"""Dates and times as numbers: days since 1970-01-01 (UTC), times of day as fractions of a day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from sparsetune.data.pools import Array

TIME_OF_DAY = ""  # the format of texts that name no day
COMPACT = "%Y%m%d"  # looks like a number, so it is a date only where that has been said
_FORMATS = (  # as strptime has them; of those that fit equally well the first one counts
    *("%Y-%m-%d", "%Y-%m", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y", "%m/%Y", "%Y/%m", "%b %Y", "%B %Y", "%b-%Y"),
    *("%d %b %Y", "%d %B %Y", "%d. %B %Y", "%d-%b-%Y", "%d-%b-%y", "%d/%b/%Y", "%Y-%b-%d"),
    *("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%a %d %b %Y", "%a, %d %b %Y", "%A, %d %B %Y", "%A, %B %d, %Y"),
)
_MOMENT = re.compile(
    r"(?P<day>.*?)(?:(?:^|T|,?\s+)(?P<hour>\d{1,2}):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d(?:[.,]\d+)?))?"
    r"(?:\s*(?P<half>[ap])\.?m\.?)?\s*(?P<zone>Z|UTC|GMT|[+\-−]\d{2}(?::?\d{2})?)?)?",
    re.ASCII | re.IGNORECASE,
)
_LIKE_A_DAY = re.compile(r"\d+[-/.]\d|[^\W\d_]{3}.*\d{4}|\d.*[^\W\d_]{3}.*\d\d", re.ASCII)
_EPOCH = np.datetime64("1970-01-01", "D")
_SAMPLE = 200  # days by which a format is chosen


class Ambiguous(ValueError):
    """Day and month cannot be told apart."""


def format_of(texts: Sequence[str], *, compact: bool = False) -> str | None:
    """The format that fits most of the texts; None if they are no dates or times.

    Args:
        compact: whether ``20261129`` may be one.

    Raises:
        Ambiguous: they could have day and month either way, and would be other dates then.
    """
    moments = [_moment(text) for text in texts]
    days = sorted({day for day, _, _ in moments if day and (compact or _LIKE_A_DAY.search(day))})
    if not days:
        return TIME_OF_DAY if any(not day and time is not None for day, time, _ in moments) else None
    sample = [days[each] for each in np.unique(np.linspace(0, len(days) - 1, _SAMPLE).astype(int))]
    fits = {form: _count(sample, form) for form in (*_FORMATS, *[COMPACT] * compact)}
    best = [form for form, count in fits.items() if count and count == max(fits.values())]
    if len(best) > 1:
        fits = {form: _count(days, form) for form in best}
        best = [form for form, count in fits.items() if count == max(fits.values())]
        _refuse_ambiguous(days, best)
    return best[0] if best else None


def days_of(texts: Sequence[str], form: str) -> Array:
    """Days since 1970-01-01 (UTC) of each text, (N,) float64; nan for one that is not of that format.

    A text without a time zone among such with one is nan, as is one with it among such without.
    """
    moments = [_moment(text) for text in texts]
    zoned = np.array([zone for _, _, zone in moments], np.bool_)
    times = np.array([np.nan if time is None else time for _, time, _ in moments], np.float64)
    if form == TIME_OF_DAY:
        days = np.array([np.nan if day else 0.0 for day, _, _ in moments])
    else:
        distinct = sorted({day for day, _, _ in moments})
        number_of = dict(zip(distinct, _days(distinct, form), strict=True))
        days = np.array([number_of[day] for day, _, _ in moments], np.float64)
        times = np.where([time is None for _, time, _ in moments], 0.0, times)
    days = days + times
    days[zoned != (2 * zoned.sum() > len(zoned))] = np.nan
    return days


def days_since_epoch(times: Array) -> Array:
    """Of datetime64 values (N,) in UTC, as float64; nan for those that are none."""
    return np.asarray((times - _EPOCH) / np.timedelta64(1, "D"), np.float64)


def _moment(text: str) -> tuple[str, float | None, bool]:
    """The text of the day, the time as a fraction of a day in UTC if there is one, and whether it has a zone."""
    match = _MOMENT.fullmatch(text.strip())
    if match is None or match["hour"] is None:
        return text.strip(), None, False
    hour = int(match["hour"])
    if hour > 23 or (match["half"] and not 1 <= hour <= 12):
        return text.strip(), None, False
    if match["half"]:
        hour = hour % 12 + 12 * (match["half"].lower() == "p")
    seconds = 3600 * hour + 60 * int(match["minute"]) + float((match["second"] or "0").replace(",", "."))
    return match["day"], (seconds - _offset(match["zone"] or "Z")) / 86_400, match["zone"] is not None


def _offset(zone: str) -> int:
    """Seconds that a time zone is ahead of UTC."""
    if zone[0] not in "+-−":
        return 0
    minutes = 60 * int(zone[1:3]) + int(zone[3:].lstrip(":") or 0)
    return (60 if zone[0] == "+" else -60) * minutes


def _days(days: Sequence[str], form: str) -> Array:
    import pandas

    times: Any = pandas.to_datetime(pandas.Series(days, dtype=object), format=form, errors="coerce")
    return days_since_epoch(times.to_numpy())


def _count(days: Sequence[str], form: str) -> int:
    return int(np.isfinite(_days(days, form)).sum())


def _refuse_ambiguous(days: Sequence[str], formats: Sequence[str]) -> None:
    """Numbers with dots between them have the day first wherever they are written."""
    first = formats[0]
    for other in formats[1:]:
        swapped = "." not in first and sorted(other) == sorted(first)
        if swapped and not np.array_equal(_days(days, first), _days(days, other), equal_nan=True):
            raise Ambiguous

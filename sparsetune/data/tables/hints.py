"""What has to be set so that a column of text is read as what it looks like."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sparsetune.base.errors import shown
from sparsetune.data.tables.cells import Text
from sparsetune.data.tables.dates import Ambiguous, days_of, format_of
from sparsetune.data.tables.notation import SEPARATORS, Notation, amount, no_number

NEARLY_ALL = 0.8  # of the cells, or of many different texts
_MANY = 10
_LOOKED_AT = 1_000  # different texts
_UNITS = """
    kg g mg t lb lbs oz km m cm mm µm mi ft in yd l L ml mL h hr hrs min mins s sec ms d day days week weeks month
    months year years B kB KB MB GB TB W kW MW Wh kWh V mV A mA Hz kHz MHz GHz % ‰ ° °C °F K k M Pa hPa kPa bar
    $ € £ USD EUR GBP
"""  # that may stand side by side in one column

Counted = Sequence[tuple[str, int]]  # different texts, and how many cells have each


@dataclass(frozen=True)
class _Reading:
    """A way to read numbers: in a notation, with one unit or without."""

    notation: Notation
    unit: str = ""

    def value(self, text: str) -> float | None:
        if not self.unit:
            return self.notation.number(text)
        read = amount(text)
        return self.notation.number(read.number) if read and read.unit == self.unit else None

    def settings(self, now: Notation, column: str) -> list[str]:
        """What has to be changed for it in a config."""
        changed = [name for name in ("decimal", "thousands") if getattr(self.notation, name) != getattr(now, name)]
        own = [f"data.{name}: {json.dumps(getattr(self.notation, name))}" for name in changed]
        return [*own, f"data.units: {listed(column)}"] if self.unit else own


def listed(*names: str) -> str:
    """A list as a config has it."""
    return json.dumps(names, ensure_ascii=False)


def other_reading(text: Text, notation: Notation, column: str) -> str | None:
    """An example and the settings by which nearly all are numbers, dates or times; None if they are none."""
    counted = _counted(text)
    if len(counted) > _LOOKED_AT:
        counted = [counted[each] for each in np.linspace(0, len(counted) - 1, _LOOKED_AT).astype(int)]
    return _as_numbers(counted, notation, column) or _as_dates(counted, column) or _as_mixture(counted, notation)


def mostly_numbers(matching: Sequence[bool], text: Text) -> bool:
    """Whether these texts are more than half of the cells that can be numbers."""
    cells = np.bincount(text.codes, minlength=len(text.texts))
    numbers = cells[np.flatnonzero(matching)].sum()
    return bool(2 * numbers > sum(count for _, count in _counted(text)))


def _counted(text: Text) -> list[tuple[str, int]]:
    """Without words that say that there is no number."""
    cells = np.bincount(text.codes, minlength=len(text.texts)).tolist()
    return [(each, count) for each, count in zip(text.texts, cells, strict=True) if count and not no_number(each)]


def _nearly_all(matching: Iterable[bool], counted: Counted) -> bool:
    """Whether these are nearly all of the cells; or of the different texts, where those are many."""
    counts = [count for match, (_, count) in zip(matching, counted, strict=True) if match]
    enough = sum(counts) >= NEARLY_ALL * sum(count for _, count in counted)
    return bool(counts) and (enough or len(counts) >= max(_MANY, NEARLY_ALL * len(counted)))


def _as_numbers(counted: Counted, notation: Notation, column: str) -> str | None:
    readings: list[tuple[int, int, _Reading]] = []
    for reading in _readings(notation, _common_unit(counted)):
        matching = [reading.value(text) is not None for text, _ in counted]
        if _nearly_all(matching, counted):
            cells = sum(count for match, (_, count) in zip(matching, counted, strict=True) if match)
            readings.append((cells, -len(reading.settings(notation, column)), reading))
    best = [reading for *rank, reading in readings if rank == list(max(each[:2] for each in readings))]
    if not best or not best[0].settings(notation, column):
        return None
    alone = {reading.notation.decimal for reading in best if reading.notation.thousands is None}
    best = [each for each in best if each.notation.thousands is None or each.notation.decimal not in alone]
    strange = (text for text, _ in counted if notation.number(text) is None and best[0].value(text) is not None)
    example = max(strange, key=len)
    ways = (
        f"{' and '.join(reading.settings(notation, column))} makes it {value:.12g}"
        for reading in best
        if (value := reading.value(example)) is not None
    )
    return f"found {shown(example)}, a number in another notation: {' or '.join(ways)}"


def _readings(notation: Notation, unit: str) -> Iterator[_Reading]:
    for decimal in (notation.decimal, "," if notation.decimal == "." else "."):
        for thousands in (None, *(each for each in SEPARATORS if each != decimal)):
            for each in ("", unit) if unit else ("",):
                if thousands is not None or notation.thousands in (None, decimal):
                    yield _Reading(Notation(decimal, thousands), each)


def _common_unit(counted: Counted) -> str:
    units: Counter[str] = Counter()
    for text, count in counted:
        if (read := amount(text)) and read.unit:
            units[read.unit] += count
    return max(units, key=units.__getitem__, default="")


def _as_dates(counted: Counted, column: str) -> str | None:
    texts = [text for text, _ in counted]
    try:
        form = format_of(texts)
    except Ambiguous:
        return f"found {shown(texts[0])}, a date with the day or the month first: write it as 2026-11-29"
    matching = np.isfinite(days_of(texts, form)) if form is not None else np.zeros(len(texts), np.bool_)
    if not _nearly_all(matching.tolist(), counted):
        return None
    example = texts[int(matching.argmax())]
    return f"found {shown(example)}, a date or a time: data.dates: {listed(column)} makes a number of it"


def _as_mixture(counted: Counted, notation: Notation) -> str | None:
    """Numbers with different units or in different notations, which no setting brings together."""
    usual = {*_UNITS.split(), "", *_shared_unit(counted)}
    units = {text: each.unit for text, _ in counted if (each := amount(text)) and _any(each.number)}
    fitting = {text: unit for text, unit in units.items() if unit in usual}
    strange = [text for text in fitting if notation.number(text) is None]
    if not strange or not _nearly_all([text in fitting for text, _ in counted], counted):
        return None
    examples = list({unit: text for text, unit in fitting.items()}.values())
    if len(examples) > 1:
        return f"found {shown(examples[0])} and {shown(examples[1])}, numbers with different units: give all the same"
    examples = [strange[0], *(text for text in fitting if text not in strange), *strange[1:]][:2]
    return f"found {' and '.join(map(shown, examples))}, numbers in different notations: write all alike"


def _shared_unit(counted: Counted) -> set[str]:
    """The most common unit, if it is no slip of a few."""
    unit = _common_unit(counted)
    cells = sum(count for text, count in counted if (each := amount(text)) and each.unit == unit)
    return {unit} if cells > (1 - NEARLY_ALL) * sum(count for _, count in counted) else set()


def _any(number: str) -> bool:
    """Whether a text is a number in some notation."""
    return any(reading.value(number) is not None for reading in _readings(Notation(), ""))

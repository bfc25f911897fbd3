"""Numbers as people write them: decimal commas, groups of digits, units and currencies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

SEPARATORS = (",", ".", " ", "'", "_")  # between groups of digits, in the order in which they are tried
_SAME = {" ": "[ \u00a0\u2007\u2009\u202f]", "'": "['’]"}  # what stands for one of them in print
_CURRENCY = "[$€£¥₹]|(?:USD|EUR|GBP|JPY|CHF|CNY|INR)"
_ORDINALS = {"st", "nd", "rd", "th"}  # 1st is no amount
_AMOUNT = re.compile(
    rf"(?P<sign>[+\-−]?)(?P<before>{_CURRENCY})?\s*(?P<number>[+\-−]?[\d.,](?:[\d.,'’_\s]*\d|\.)?(?:[eE][+\-]?\d+)?)"
    r"\s*(?P<behind>(?:[%‰°'\"$€£¥₹]|[^\W\d_])(?:[^\s:;]*)(?:\s+[^\s\d:;][^\s:;]*)*)?"
)
_NO_NUMBER = {
    *("", "-", "--", "?", ".", "/", "#", "x", "n/a", "#n/a", "na", "n.a.", "<na>", "nan", "nat", "nd", "n.d.", "null"),
    *("none", "nil", "missing", "unknown", "undefined", "empty", "not available", "no data", "(null)"),
}


@dataclass(frozen=True)
class Notation:
    """How numbers are written.

    Attributes:
        decimal: between the whole and the fraction.
        thousands: between groups of digits, of which the last has three and the others two or three.
    """

    decimal: str = "."
    thousands: str | None = None

    def number(self, text: str) -> float | None:
        """What a text says, infinite included; None if it is no number."""
        text = text.strip()
        if not _pattern(self).fullmatch(text):
            return None
        plain = "".join("-" if each == "−" else each for each in text if each not in self._between)
        return float(plain.replace(self.decimal, "."))

    @property
    def _between(self) -> str:
        return _SAME.get(self.thousands, self.thousands).strip("[]") if self.thousands else ""


@dataclass(frozen=True)
class Amount:
    """A number with what stands around it: ``12 kg``, ``30%``, ``$5``."""

    number: str
    unit: str


def amount(text: str) -> Amount | None:
    """Number and unit of a text; the unit is "" where there is none; None if it is no such thing."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or (match["before"] and match["behind"]):
        return None
    unit = match["before"] or match["behind"] or ""
    return None if unit in _ORDINALS else Amount(match["sign"] + match["number"], unit)


def no_number(text: str) -> bool:
    """Whether a word among numbers usually says that one is missing."""
    return text.strip().lower() in _NO_NUMBER


@lru_cache
def _pattern(notation: Notation) -> re.Pattern[str]:
    whole = r"\d+"
    if notation.thousands:
        between = _SAME.get(notation.thousands, re.escape(notation.thousands))
        whole = rf"(?:\d+|[1-9]\d{{0,2}}(?:{between}\d{{2,3}})*{between}\d{{3}})"
    decimal = re.escape(notation.decimal)
    number = rf"(?:{whole}(?:{decimal}\d*)?|{decimal}\d+)(?:[eE][+\-]?\d+)?"
    return re.compile(rf"[+\-−]?(?:{number}|inf(?:inity)?)", re.ASCII | re.IGNORECASE)

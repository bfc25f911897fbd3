"""``when``: with which values of other names a rule of a space holds.

``{training.optimizer: sgd}``, one of several ``[sgd, adam]``, or within bounds ``{at_least: 0.5, below: 0.9}``. All
names of a condition must hold.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from sparsetune.base.errors import BadInput, shown

When = Mapping[str, Any]
WORDS: dict[str, Callable[[Any, Any], bool]] = {
    "at_least": operator.ge, "at_most": operator.le, "above": operator.gt, "below": operator.lt,
}  # fmt: skip


def matches(value: Any, wanted: Any) -> bool:
    """Whether ``value`` is what a condition wants; bounds want a number."""
    if isinstance(wanted, Mapping):
        return is_number(value) and all(WORDS[word](value, bound) for word, bound in wanted.items())
    return value in wanted if isinstance(wanted, list) else bool(value == wanted)


def listed(wanted: Any) -> list[Any]:
    """The values that a condition names; it must not be one of bounds."""
    return wanted if isinstance(wanted, list) else [wanted]


def interval(bounds: Mapping[str, float]) -> tuple[float, float]:
    """Lowest and highest float within bounds; the first is above the second where there is none."""
    low, high = bounds.get("at_least", -math.inf), bounds.get("at_most", math.inf)
    if "above" in bounds:
        low = max(low, math.nextafter(bounds["above"], math.inf))
    if "below" in bounds:
        high = min(high, math.nextafter(bounds["below"], -math.inf))
    return low, high


def exclusive(one: When, other: When) -> bool:
    """Whether no config can meet both, as far as the names that both have tell."""
    return any(_apart(wanted, other[name]) for name, wanted in one.items() if name in other)


def _apart(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        (low, high), (low2, high2) = interval(one), interval(other)
        return max(low, low2) > min(high, high2)
    if isinstance(one, Mapping):
        one, other = other, one
    return not any(matches(value, other) for value in listed(one))


def check_form(name: str, wanted: Any, *, source: str, key: str) -> None:
    """Raise :class:`BadInput` for what is neither a value, a list of values nor bounds that leave room."""
    if wanted == []:
        raise BadInput(found="[]", allowed="a value, or a list of values", source=source, key=key)
    if not isinstance(wanted, Mapping):
        return
    if not wanted:
        raise BadInput(found="{}", allowed=f"bounds ({', '.join(WORDS)})", source=source, key=key)
    for word, bound in wanted.items():
        if word not in WORDS:
            raise BadInput.unknown("bound", str(word), WORDS, source=source, key=key)
        if not is_number(bound) or not math.isfinite(bound):
            raise BadInput(found=shown(bound), allowed="a finite number", source=source, key=f"{key}.{word}")
    low, high = interval(wanted)
    if low > high:
        raise BadInput(f"{name} is never {bounds_in_words(wanted)}", source=source, key=key)


def bounds_in_words(bounds: Mapping[str, float]) -> str:
    """Such as ``at least 0.5 and below 0.9``."""
    return " and ".join(f"{word.replace('_', ' ')} {bound:g}" for word, bound in bounds.items())


def is_number(value: Any) -> bool:
    """Whether it is an int or a float; true and false are neither."""
    return isinstance(value, int | float) and not isinstance(value, bool)

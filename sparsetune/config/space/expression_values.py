"""What the parts of an expression compute, and what they refuse: one line with the text and the place."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn


class WrongKind(ValueError):
    """Text, true, false or null where a number is wanted, or the like."""


Lookup = Mapping[str, Any]
Value = Callable[[Lookup], Any]

FUNCTIONS: dict[str, tuple[Callable[..., Any], int]] = {  # with the most arguments that each takes
    "min": (lambda *values: min(values), 99), "max": (lambda *values: max(values), 99), "abs": (abs, 1),
    "round": (round, 2), "floor": (math.floor, 1), "ceil": (math.ceil, 1), "sqrt": (math.sqrt, 1),
    "log": (math.log, 1), "log10": (math.log10, 1), "log2": (math.log2, 1), "exp": (math.exp, 1),
}  # fmt: skip
_MOST_BITS = 1024
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
SUMS: dict[str, Callable[..., Any]] = {"+": operator.add, "-": operator.sub}
PRODUCTS: dict[str, Callable[..., Any]] = {
    "*": operator.mul, "/": operator.truediv, "//": operator.floordiv, "%": operator.mod,
}  # fmt: skip
SIGNS: dict[str, Callable[..., Any]] = {"+": operator.pos, "-": operator.neg}


def truth(value: Value, text: str, place: int) -> Callable[[Lookup], bool]:
    """The value, which must be true or false."""

    def checked(lookup: Lookup) -> bool:
        found = value(lookup)
        if not isinstance(found, bool):
            refuse(f"found {found!r} where true or false is wanted", text, place, WrongKind)
        return found

    return checked


def either(left: Callable[[Lookup], bool], right: Callable[[Lookup], bool]) -> Value:
    return lambda lookup: left(lookup) or right(lookup)


def both(left: Callable[[Lookup], bool], right: Callable[[Lookup], bool]) -> Value:
    return lambda lookup: left(lookup) and right(lookup)


def compared(values: Sequence[Value], signs: Sequence[tuple[str, int]], text: str) -> Value:
    """A chain such as ``0 < a <= 1``; each value is asked for once, none after the first that does not hold."""

    def compare(lookup: Lookup) -> bool:
        left = values[0](lookup)
        for (sign, place), value in zip(signs, values[1:], strict=True):
            right = value(lookup)
            same = (_is_number(left) and _is_number(right)) or (isinstance(left, str) and isinstance(right, str))
            if sign not in ("==", "!=") and not same:
                refuse(f"{left!r} and {right!r} have no order", text, place, WrongKind)
            if not COMPARISONS[sign](left, right):
                return False
            left = right
        return True

    return compare


def computed(function: Callable[..., Any], arguments: Sequence[Value], text: str, place: int) -> Value:
    """A function of numbers."""

    def compute(lookup: Lookup) -> Any:
        numbers = [argument(lookup) for argument in arguments]
        for each in numbers:
            if not _is_number(each):
                refuse(f"found {each!r} where a number is wanted", text, place, WrongKind)
        try:
            result = function(*numbers)
            finite = math.isfinite(result)
        except ZeroDivisionError:
            refuse("division by zero", text, place)
        except OverflowError:
            refuse("a number that is too large", text, place)
        except (ValueError, TypeError) as error:  # the logarithm of 0, round(1.5, 0.5)
            refuse(f"not defined for {', '.join(map(str, numbers))} ({error})", text, place)
        if not finite and all(map(math.isfinite, numbers)):
            refuse("a number that is too large", text, place)
        return result

    return compute


def power(base: Any, exponent: Any) -> Any:
    """``base ** exponent`` of real numbers, whole ones up to 1,024 bits."""
    if isinstance(base, int) and isinstance(exponent, int) and abs(exponent) * base.bit_length() > _MOST_BITS:
        raise OverflowError
    if base < 0 and not float(exponent).is_integer():
        raise ValueError("a root of a negative number")  # Python would answer with a complex one
    return base**exponent


def number(token: str, text: str, place: int) -> int | float:
    """The number that a token spells."""
    number = float(token)
    if math.isinf(number):
        refuse("a number that is too large", text, place)
    return int(token) if token.isdigit() else number


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def refuse(problem: str, text: str, place: int, kind: type[ValueError] = ValueError) -> NoReturn:
    """Raise ValueError, or one that is more, with the text and the place."""
    shown = text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"
    raise kind(f"{problem} at character {place + 1} of {shown!r}") from None

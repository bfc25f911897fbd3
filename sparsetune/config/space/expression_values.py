"""What the parts of an expression compute, and what they refuse: one line with the text and the place."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from sparsetune.config.space.conditions import is_number

Lookup = Mapping[str, Any]
Value = Callable[[Lookup], Any]
_MOST_BITS = 1024


class WrongKind(ValueError):
    """Text, true, false or null where a number is wanted, or the like."""


def power(base: Any, exponent: Any) -> Any:
    """``base ** exponent`` of real numbers, whole ones up to 1,024 bits."""
    if isinstance(base, int) and isinstance(exponent, int) and abs(exponent) * base.bit_length() > _MOST_BITS:
        raise OverflowError
    if base < 0 and not float(exponent).is_integer():
        raise ValueError("a root of a negative number")  # Python would answer with a complex one
    return base**exponent


FUNCTIONS: dict[str, tuple[Callable[..., Any], int]] = {  # with the most arguments that each takes
    "min": (lambda *values: min(values), 99), "max": (lambda *values: max(values), 99), "abs": (abs, 1),
    "round": (round, 2), "floor": (math.floor, 1), "ceil": (math.ceil, 1), "sqrt": (math.sqrt, 1),
    "log": (math.log, 1), "log10": (math.log10, 1), "log2": (math.log2, 1), "exp": (math.exp, 1),
}  # fmt: skip
ARITHMETIC: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: power,
    ast.UAdd: operator.pos, ast.USub: operator.neg,
}  # fmt: skip
_COMPARISONS: dict[type[ast.AST], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}  # fmt: skip


def truth(value: Value, text: str, position: int) -> Callable[[Lookup], bool]:
    """The value, which must be true or false."""

    def checked(lookup: Lookup) -> bool:
        answer = value(lookup)
        if not isinstance(answer, bool):
            refuse(f"found {answer!r} where true or false is wanted", text, position, WrongKind)
        return answer

    return checked


def compared(values: Sequence[Value], signs: Sequence[ast.cmpop], text: str, positions: Sequence[int]) -> Value:
    """A chain such as ``0 < a <= 1``; each value is asked for once, none after the first that does not hold."""

    def compare(lookup: Lookup) -> bool:
        left = values[0](lookup)
        for sign, position, value in zip(signs, positions, values[1:], strict=True):
            right = value(lookup)
            alike = (is_number(left) and is_number(right)) or (isinstance(left, str) and isinstance(right, str))
            if not isinstance(sign, ast.Eq | ast.NotEq) and not alike:
                refuse(f"{left!r} and {right!r} have no order", text, position, WrongKind)
            if not _COMPARISONS[type(sign)](left, right):
                return False
            left = right
        return True

    return compare


def computed(function: Callable[..., Any], arguments: Sequence[Value], text: str, position: int) -> Value:
    """A function of numbers."""

    def compute(lookup: Lookup) -> Any:
        numbers = [argument(lookup) for argument in arguments]
        for each in numbers:
            if not is_number(each):
                refuse(f"found {each!r} where a number is wanted", text, position, WrongKind)
        try:
            result = function(*numbers)
            finite = math.isfinite(result)
        except ZeroDivisionError:
            refuse("division by zero", text, position)
        except OverflowError:
            refuse("a number that is too large", text, position)
        except (ValueError, TypeError) as error:  # the logarithm of 0, round(1.5, 0.5)
            refuse(f"not defined for {', '.join(map(str, numbers))} ({error})", text, position)
        if not finite and all(map(math.isfinite, numbers)):
            refuse("a number that is too large", text, position)
        return result

    return compute


def refuse(problem: str, text: str, position: int, kind: type[ValueError] = ValueError) -> NoReturn:
    """Raise ValueError, or one that is more, with the text and the place."""
    shown = text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"
    raise kind(f"{problem} at character {position + 1} of {shown!r}") from None

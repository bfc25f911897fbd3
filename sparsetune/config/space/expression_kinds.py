"""Whether a formula of numbers is a number, looked into before there are any."""

from __future__ import annotations

from sparsetune.config.space.expression_values import WrongKind
from sparsetune.config.space.expressions import Expression

_TRIED = (0.0, 1e6, 0.3, -1.0, 1.0, 1e-3, 1e9, 0.7, 5.0)
_STRIDES = (0, 1, 2, 4, 5, 7, 8)  # 0: all alike; the others have no divisor in common with how many are tried


def check_number(formula: Expression) -> None:
    """Raise ValueError, one line, for a formula that is found to be no number for some numbers under its names.

    Each name has each of a few numbers in turn, with others and in other orders under the names beside it. Where the
    formula has no value for them (a division by zero), it may have one for others.
    """
    count = len(_TRIED)
    for start in range(count):
        for stride in _STRIDES:
            numbers = {name: _TRIED[(start + stride * place) % count] for place, name in enumerate(formula.names)}
            try:
                found = formula.value(numbers)
            except WrongKind:
                raise
            except ValueError:
                continue
            if not isinstance(found, int | float):
                raise WrongKind(f"found {found!r} where a number is wanted in {formula.text!r}")

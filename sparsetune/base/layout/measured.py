"""A mean with its standard error."""

from __future__ import annotations

import math

from sparsetune.base.layout.text import number

_MOST = 6  # decimals; what needs more is written with an exponent


def measured(value: float | None, error: float | None, digits: int = 3) -> str:
    """``0.978 ± 0.002``: as many decimals as the first digit of the error needs.

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
    return f"{value:.{digits}g} ± {error:.1g}"

"""A mean with its standard error in few characters."""

from __future__ import annotations

import math

import pytest

from sparsetune.base.layout.text import measured


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.97812, 0.0021, "0.978 ± 0.002"),
        (0.97812, 0.00096, "0.978 ± 0.001"),
        (0.97812, 0.096, "1.0 ± 0.1"),
        (12.3456, 3.2, "12 ± 3"),
        (12345.6, 320.0, "12346 ± 320"),
        (456.2, 46.4, "456 ± 46"),
        (12345678.9, 320.0, "1.23e+07 ± 3e+02"),
        (1.2e-9, 3.4e-10, "1.2e-09 ± 3e-10"),
        (0.5, 0.0, "0.5 ± 0"),
        (1.0, 0.0, "1 ± 0"),
        (432.0, 0.0, "432"),
        (123456.0, 0.0, "1.23e+05"),
        (432.0, 2.0, "432 ± 2"),
        (0.97812, None, "0.978"),
        (None, None, ""),
        (None, 0.1, ""),
        (math.inf, 0.1, "inf"),
        (math.nan, 0.1, "nan"),
        (0.5, math.nan, "0.5 ± nan"),
        (-0.25, 0.01, "-0.25 ± 0.01"),
    ],
)
def test_as_many_decimals_as_the_error_needs(value: float | None, error: float | None, text: str) -> None:
    assert measured(value, error) == text


def test_digits_count_where_there_is_no_error() -> None:
    assert measured(0.978123, None, 5) == "0.97812"

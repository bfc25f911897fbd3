"""Formulas of numbers that are no number, found before there are any numbers."""

from __future__ import annotations

import itertools
import re

import pytest

from sparsetune.config.space.expressions import parse
from sparsetune.config.study.file import Objective
from sparsetune.config.study.objectives import check_number, scorer


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a + 'a'", "found 'a' where a number is wanted at character 3 of \"a + 'a'\""),
        ("'b'", "found 'b' where a number is wanted in \"'b'\""),
        ("null", "found None where a number is wanted in 'null'"),
        ("log(a) * null", "found None where a number is wanted at character 8 of 'log(a) * null'"),
        ("sqrt(0 - 1 - a) + 'x'", "found 'x' where a number is wanted at character 17 of \"sqrt(0 - 1 - a) + 'x'\""),
        ("(a > b) + 1", "found False where a number is wanted at character 9 of '(a > b) + 1'"),
        ("1 if a else 2", "found 0.0 where true or false is wanted at character 3 of '1 if a else 2'"),
        ("a and b > 1", "found 0.0 where true or false is wanted at character 3 of 'a and b > 1'"),
        ("1 if a < 'x' else 2", "0.0 and 'x' have no order at character 8 of \"1 if a < 'x' else 2\""),
    ],
)
def test_what_is_no_number_for_any(text: str, line: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(line)}$"):
        check_number(parse(text))


@pytest.mark.parametrize("text", [*itertools.permutations("abc")], ids="".join)
def test_what_is_none_for_some_order_of_its_numbers(text: tuple[str, ...]) -> None:
    first, second, third = text
    formula = parse(f"'x' if {first} < {second} and {second} < {third} else a + b + c")
    with pytest.raises(ValueError, match="found 'x' where a number is wanted in"):
        check_number(formula)


@pytest.mark.parametrize("condition", ["a == b", "a != b", "a == 0", "a > 1e5", "a < 0", "0 < a < 0.5", "a == b == c"])
def test_what_is_none_under_a_condition(condition: str) -> None:
    with pytest.raises(ValueError, match="found None where a number is wanted"):
        check_number(parse(f"null if {condition} else a"))


@pytest.mark.parametrize(
    "text",
    [
        "a", "a - 0.1 * b", "1 / (a - a)", "sqrt(a - 1e12)", "log(a) / log(b)", "a > 0.5", "a == 'x'", "a ** 999",
        "a if a > b else b", "min(a, b, 1) if a > 0 and not b < 1 else max(a, c)", "a if a > 0 or b == null else 1",
        " + ".join(f"name{number}" for number in range(40)),
    ],
)  # fmt: skip
def test_what_is_a_number_or_has_no_value_for_some(text: str) -> None:
    check_number(parse(text))


def test_what_nobody_could_find_is_a_number_that_a_run_lacks() -> None:
    text = "null if 0.41 < a < 0.43 else a"
    check_number(parse(text))
    score = scorer([Objective(metric="gain", goal="maximize", score=text)])
    assert score({"a": 0.4}) == {"a": 0.4, "gain": 0.4}
    assert score({"a": 0.42}) == {"a": 0.42}

"""Expressions: against Python's own arithmetic, by hand, and what must be refused."""

from __future__ import annotations

import builtins
import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sparsetune.config.space.expressions import parse

NAMES = {"a": 3, "b.c": 0.25, "b.lambda": -7, "d": 1e-3}
FUNCTIONS = {"min": min, "max": max, "abs": abs, "floor": math.floor, "sqrt": math.sqrt, "exp": math.exp}

NUMBERS = st.one_of(
    st.integers(0, 20).map(str),
    st.floats(0, 1e6).map(repr),
    st.sampled_from([".5", "2.", "1e3", "1.5E-2", "a", "d"]),
)


@st.composite
def texts(draw: st.DrawFn, depth: int = 3) -> str:
    """Parentheses stand here and there, so that precedence decides the rest."""
    kinds = ["sign", "power", "minus", "group", "call", "max", "if"]
    kind = draw(st.sampled_from(["number", *(kinds if depth else [])]))
    if kind == "number":
        return draw(NUMBERS)
    first, second = draw(texts(depth - 1)), draw(texts(depth - 1))
    if kind == "if":
        return f"({first} if {draw(truths(depth - 1))} else {second})"
    if kind == "call":
        return f"{draw(st.sampled_from(['abs', 'floor', 'sqrt', 'exp']))}({first})"
    if kind == "power":
        return f"{first}**{draw(st.sampled_from(['2', '-1', '0.5', '2 ** 2']))}"
    sign = draw(st.sampled_from(["+", "-", "*", "/", "//", "%"]))
    return {"sign": f"{first} {sign} {second}", "minus": f"-{first}", "group": f"({first})"}.get(
        kind, f"max({first}, {second})"
    )


@st.composite
def truths(draw: st.DrawFn, depth: int) -> str:
    kind = draw(st.sampled_from(["comparison", "chain", *(["and", "or", "not"] if depth > 0 else [])]))
    if kind in ("and", "or"):
        return f"{draw(truths(depth - 1))} {kind} {draw(truths(depth - 1))}"
    if kind == "not":
        return f"not {draw(truths(depth - 1))}"
    signs = draw(st.lists(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), min_size=1, max_size=2))
    return draw(texts(max(depth, 0))) + "".join(f" {sign} {draw(texts(0))}" for sign in signs)


@given(texts())
def test_pythons_own_arithmetic(text: str) -> None:
    names = {"__builtins__": {}, **FUNCTIONS, **NAMES}
    try:
        expected = builtins.eval(text, names)
        refused = isinstance(expected, complex) or not math.isfinite(expected)
    except (ArithmeticError, ValueError, TypeError):  # TypeError: sqrt of a complex number
        refused, expected = True, None
    if refused:
        with pytest.raises(ValueError, match=r"at character \d+ of '"):
            parse(text).value(NAMES)
        return
    assume(abs(expected) < 2**1000)
    try:
        found = parse(text).value(NAMES)
    except ValueError as error:
        assume("too large" not in str(error))  # a part of it, which the rest made small again
        raise
    assert (type(found), found) == (type(expected), expected)


BY_HAND: list[tuple[str, Any]] = [
    ("1 + 2 * 3", 7),
    ("-2 ** 2", -4),
    ("2 ** -1", 0.5),
    ("2 ** 3 ** 2", 512),
    ("7 // 2 + 7 % 4", 6),
    ("-7 // 2", -4),
    ("1 - 2 - 3", -4),
    ("0.1 * a", 0.1 * 3),
    ("b.lambda", -7),
    ("1 < a <= 3 < 4", True),
    ("3 > a or not a == 3", False),
    ("true and not false or false", True),
    ("'x' == \"x\" and 'a' < 'b'", True),
    ("1 if a > 3 else 2 if a > 2 else 3", 2),
    ("'sgd' if a == 3 else null", "sgd"),
    ("null == null", True),
    ("round(2.5) + round(1.26, 1) + ceil(0.2)", 2 + 1.3 + 1),
    ("log(exp(2)) + log2(8) + log10(100)", math.log(math.exp(2)) + 5),
    ("max(1, 2.5, a)", 3),
    ("true or 1 / 0 > 1", True),
    ("1 / 0 if false else 4", 4),
    (" (1 +\n\t2) *\u00a0d ", 3e-3),
    ("'größe' < 'höhe' and b.lambda < a", True),
    ("'(' == \"(\" and ',)' != ')(' and '' == \"\"", True),
    ("'not 1 +' == 'not 1 +' and 'a' != 'b'", True),
    ("'\n\x00\ud800{a}' == '\n\x00\ud800{a}'", True),
    ("1 if'a'=='a'else 2", 1),
    ("max (1,-(2),(3))", 3),
]


@pytest.mark.parametrize(("text", "value"), BY_HAND)
def test_by_hand(text: str, value: Any) -> None:
    found = parse(text).value(NAMES)
    assert (type(found), found) == (type(value), value)


def test_names_in_the_order_in_which_they_stand() -> None:
    assert parse("min(b.c, a) if not true else d * a + b.c").names == ("b.c", "a", "d")
    assert parse("1 + 2").names == ()


REFUSED: list[tuple[str, str]] = [
    ("x + 1", "unknown name 'x' at character 1 of 'x + 1'"),
    ("1 + 1 / (a - 3)", "division by zero at character 7 of '1 + 1 / (a - 3)'"),
    ("1 // 0.0", "division by zero at character 3 of '1 // 0.0'"),
    ("0 ** -1", "division by zero at character 3 of '0 ** -1'"),
    ("1 + 'a'", "found 'a' where a number is wanted at character 3 of "),
    ("true + 1", "found True where a number is wanted"),
    ("-null", "found None where a number is wanted at character 1"),
    ("1 and true", "found 1 where true or false is wanted at character 3"),
    ("1 if a else 2", "found 3 where true or false is wanted at character 3"),
    ("1 < 'a'", "1 and 'a' have no order at character 3"),
    ("null > 1", "None and 1 have no order"),
    ("log(0)", "not defined for 0 (math domain error) at character 1 of 'log(0)'"),
    ("sqrt(-1)", "not defined for -1 "),
    ("(-8) ** 0.5", "not defined for -8, 0.5 (a root of a negative number) at character 6"),
    ("round(1.5, 0.5)", "not defined for 1.5, 0.5"),
    ("9**9**9", "a number that is too large at character 2 of '9**9**9'"),
    ("10.0 ** 400", "a number that is too large"),
    ("10.0 ** 300 * 10.0 ** 300", "a number that is too large at character 13"),
    ("exp(1000)", "a number that is too large at character 1 of 'exp(1000)'"),
    ("1e999", "a number that is too large at character 1 of '1e999'"),
    ("9" * 5000, "a number that is too large at character 1 of "),
    ("", "unexpected end at character 1 of ''"),
    ("1 +", "unexpected end at character 4 of '1 +'"),
    ("(1", "'(' was never closed at character 1 of '(1'"),
    ("1 if true", "expected 'else' after 'if' expression at character 1"),
    ("1 2", "unexpected '2' at character 3 of '1 2'"),
    ("2x", "unexpected '2' at character 1"),
    ("a = 3", "unexpected '=' at character 3 of 'a = 3'"),
    ("foo(2)", "unknown function 'foo' (allowed: abs, ceil, exp, floor, log, log10, log2, max, min, round, sqrt)"),
    ("abs(1, 2)", "abs takes 1 at most, found 2 at character 1"),
    ("max()", "unexpected 'max()' at character 1 of 'max()'"),
    ("1 << 2", "unexpected '1 << 2' at character 1"),
    ("  1 +", "unexpected end at character 4 of '1 +'"),
    ("größe + 1", "unexpected 'ö' at character 3"),
    ("'größe' == lambda", "unknown name 'lambda' at character 12"),
    ("a == 'x'\"y\"", "unexpected '\"y\"' at character 9"),
    ("'a' 'b'", "unexpected \"'b'\" at character 5"),
    ('"a""b"', "unexpected '\"b\"' at character 4"),
    ("'''a'''", "unexpected \"'a'\" at character 3"),
    ("'a'b", "unexpected 'b' at character 4"),
    ("'a'1", "unexpected '1' at character 4"),
    ("1'a'", "unexpected \"'a'\" at character 2"),
    ("b'a'", "unexpected \"'a'\" at character 2"),
    ("'a'(1)", "unexpected "),
    ("max(1,)", "unexpected ')' at character 7 of 'max(1,)'"),
    ("(max)(1)", "unexpected '(' at character 6 of '(max)(1)'"),
    ("(" * 40 + "1" + ")" * 40, "nested too deeply at character 40"),
    ("-" * 40 + "1", "nested too deeply at character 41"),
    ("2**" * 40 + "1", "nested too deeply at character 121"),
    ("1 if true else " * 40 + "1", "nested too deeply at character 601"),
]


@pytest.mark.parametrize(("text", "line"), REFUSED, ids=range(len(REFUSED)))
def test_refused_with_the_text_and_the_place(text: str, line: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        parse(text).value(NAMES)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


HOSTILE = [
    "__import__('os').system('true')",
    "().__class__.__bases__[0].__subclasses__()",
    "a.__class__",
    "a.b.__globals__['x']",
    "b['c']",
    "(1).real",
    "'x'.upper()",
    "'%s' % a",
    "'{0.__class__}'.format(a)",
    "f'{a}'",
    "b'x'",
    "'a' * 1000000000",
    "'\\x41'",
    "lambda: 1",
    "(lambda: 1)()",
    "[x for x in (1, 2)]",
    "{1: 2}",
    "(1, 2)",
    "(a := 5)",
    "a = 5",
    "a; a",
    "a\nimport os",
    "1 # a",
    "await a",
    "yield a",
    "*a",
    "min(*a)",
    "max(1, key=abs)",
    "eval('1')",
    "open('x')",
    "1j",
    "1_000",
    "0x10",
    "a @ a",
    "1 << 1000000",
    "1 + not true",
    "max(**a)",
    "(max)(1)(2)",
    "~a",
    "a is a",
    "a in a",
    "9**9**9**9",
    "(9**300)**300",
    "10 ** 10 ** 10",
    "a" * 100_000,
    "(" * 100_000 + "1" + ")" * 100_000,
    "(" * 60 + "1" + ")" * 60,
    "-" * 100_000 + "1",
    "not " * 150 + "true",
    "2**" * 90 + "1",
    "1 if true else " * 60 + "1",
    "abs(" * 60 + "1" + ")" * 60,
    "+".join("1" * 100_000),
    "\x00",
    "١ + ١",
    "ａ",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_compute_nothing(text: str) -> None:
    with pytest.raises(ValueError, match=r"at character \d+ of"):
        parse(text).value(NAMES)


def test_what_is_allowed_is_deep_enough_and_never_too_deep_for_python() -> None:
    assert parse("+".join("1" * 100)).value({}) == 100
    assert parse("(" * 39 + "1" + ")" * 39).value({}) == 1
    assert parse("-" * 38 + "1").value({}) == 1
    assert parse("1 if false else " * 39 + "2").value({}) == 2
    assert parse("1**" * 39 + "1").value({}) == 1
    assert parse("(1 + " * 39 + "1" + ")" * 39).value({}) == 40
    assert parse("(true and 0 < " * 30 + "1" + ")" * 30 + " and true" * 9).names == ()
    assert parse(" or ".join(["false"] * 100)).value({}) is False


@given(st.text(alphabet="ab.()+-*/%<>=!'\", 0123456789eifelsndort", max_size=40) | st.text(max_size=20))
def test_any_text_is_understood_or_refused_in_one_line(text: str) -> None:
    said = "fine"
    try:
        parse(text).value(NAMES)
    except ValueError as error:
        said = str(error)
    assert len(said.splitlines()) == 1


def test_a_number_that_is_not_known_stays_so() -> None:
    lookup = {"x": math.nan, "y": math.inf}
    assert math.isnan(parse("x + 1").value(lookup))
    assert parse("x > 0 or x <= 0").value(lookup) is False
    assert parse("2 * y").value(lookup) == math.inf

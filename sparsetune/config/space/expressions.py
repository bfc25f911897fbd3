"""Arithmetic and comparisons over named values: ``0.1 * training.epochs``, ``val_accuracy > 0.9 and density < 0.1``.

Read by a parser of its own, so that a text can compute and nothing else; nothing is ever handed to Python to run.

    x if c else y  <  or  <  and  <  not  <  == != < <= > >= (chained)  <  + -  <  * / // %  <  unary - +  <  **

``and``, ``or``, ``not`` and ``if`` want true or false; arithmetic wants numbers. Everything else is as in Python.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NoReturn

from sparsetune.config.space.expression_tokens import tokens
from sparsetune.config.space.expression_values import (
    COMPARISONS,
    FUNCTIONS,
    PRODUCTS,
    SIGNS,
    SUMS,
    Lookup,
    Value,
    both,
    compared,
    computed,
    either,
    number,
    power,
    refuse,
    truth,
)

_DEEPEST = 40
_CONSTANTS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True)
class Expression:
    """A text that has been understood.

    Attributes:
        names: that it looks up, each once, in the order in which they stand.
    """

    text: str
    names: tuple[str, ...]
    _value: Value = field(repr=False, compare=False)

    def value(self, lookup: Lookup) -> Any:
        """Its value: a number, a text, true, false or None.

        Raises:
            ValueError: one line with the text and the place: a name that ``lookup`` lacks, a division by zero, text
                where a number is wanted, a number that is too large.
        """
        return self._value(lookup)


@lru_cache(maxsize=1024)
def parse(text: str) -> Expression:
    """Understand ``text``; raises ValueError with one line that shows it and the place."""
    parser = _Parser(text)
    value = parser.choice()
    if parser.kind != "end":
        parser.unexpected()
    return Expression(text, tuple(dict.fromkeys(parser.names)), value)


class _Parser:
    """A method for each level of binding, the loosest first; each returns what gives the value."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.next = self.depth = 0
        self.names: list[str] = []

    @property
    def kind(self) -> str:
        return self.tokens[self.next][0]

    @property
    def sign(self) -> str:
        """The sign or word that comes next; empty before anything else."""
        kind, token, _ = self.tokens[self.next]
        return token if kind == "sign" else ""

    def take(self) -> tuple[str, int]:
        _, token, place = self.tokens[self.next]
        self.next += 1
        return token, place

    def expect(self, sign: str) -> None:
        if self.sign != sign:
            self.unexpected(f", expected {sign!r}")
        self.take()

    def unexpected(self, more: str = "") -> NoReturn:
        kind, token, place = self.tokens[self.next]
        refuse(f"unexpected {'end' if kind == 'end' else repr(token)}{more}", self.text, place)

    def choice(self) -> Value:
        self.depth += 1
        if self.depth > _DEEPEST:
            refuse("nested too deeply", self.text, self.tokens[self.next][2])
        value = self.either()
        if self.sign == "if":
            _, place = self.take()
            condition = truth(self.either(), self.text, place)
            self.expect("else")
            other, chosen = self.choice(), value
            self.depth -= 1
            return lambda lookup: chosen(lookup) if condition(lookup) else other(lookup)
        self.depth -= 1
        return value

    def either(self) -> Value:
        value = self.both()
        while self.sign == "or":
            _, place = self.take()
            value = either(truth(value, self.text, place), truth(self.both(), self.text, place))
        return value

    def both(self) -> Value:
        value = self.negation()
        while self.sign == "and":
            _, place = self.take()
            value = both(truth(value, self.text, place), truth(self.negation(), self.text, place))
        return value

    def negation(self) -> Value:
        if self.sign != "not":
            return self.comparison()
        _, place = self.take()
        value = truth(self._deeper(self.negation), self.text, place)
        return lambda lookup: not value(lookup)

    def comparison(self) -> Value:
        values, signs = [self.sum()], []
        while self.sign in COMPARISONS:
            signs.append(self.take())
            values.append(self.sum())
        return compared(values, signs, self.text) if signs else values[0]

    def sum(self) -> Value:
        return self._operations(SUMS, self.product)

    def product(self) -> Value:
        return self._operations(PRODUCTS, self.signed)

    def _operations(self, known: Mapping[str, Callable[..., Any]], operand: Callable[[], Value]) -> Value:
        value = operand()
        while self.sign in known:
            sign, place = self.take()
            value = computed(known[sign], [value, operand()], self.text, place)
        return value

    def signed(self) -> Value:
        if self.sign not in SIGNS:
            return self.power()
        sign, place = self.take()
        return computed(SIGNS[sign], [self._deeper(self.signed)], self.text, place)

    def power(self) -> Value:
        base = self.atom()
        if self.sign != "**":
            return base
        _, place = self.take()
        return computed(power, [base, self._deeper(self.signed)], self.text, place)

    def atom(self) -> Value:
        kind, place = self.kind, self.tokens[self.next][2]
        if self.sign == "(":
            self.take()
            value = self.choice()
            self.expect(")")
            return value
        if kind not in ("number", "name", "text"):
            self.unexpected()
        token, _ = self.take()
        if kind == "name":
            return self._called(token, place) if self.sign == "(" else self._named(token, place)
        constant = token[1:-1] if kind == "text" else number(token, self.text, place)
        return lambda _: constant

    def _named(self, name: str, place: int) -> Value:
        if name in _CONSTANTS:
            return lambda _: _CONSTANTS[name]
        self.names.append(name)

        def value(lookup: Lookup) -> Any:
            if name not in lookup:
                refuse(f"unknown name {name!r}", self.text, place)
            return lookup[name]

        return value

    def _called(self, name: str, place: int) -> Value:
        if name not in FUNCTIONS:
            refuse(f"unknown function {name!r} (allowed: {', '.join(sorted(FUNCTIONS))})", self.text, place)
        self.take()
        arguments = [self.choice()]
        while self.sign == ",":
            self.take()
            arguments.append(self.choice())
        self.expect(")")
        function, most = FUNCTIONS[name]
        if len(arguments) > most:
            refuse(f"{name} takes {most} at most, found {len(arguments)}", self.text, place)
        return computed(function, arguments, self.text, place)

    def _deeper(self, operand: Callable[[], Value]) -> Value:
        self.depth += 1
        if self.depth > _DEEPEST:
            refuse("nested too deeply", self.text, self.tokens[self.next][2])
        value = operand()
        self.depth -= 1
        return value

"""Arithmetic and comparisons over named values: ``0.1 * training.epochs``, ``val_accuracy > 0.9 and density < 0.1``.

    x if c else y  <  or  <  and  <  not  <  == != < <= > >= (chained)  <  + -  <  * / // %  <  unary - +  <  **

``and``, ``or``, ``not`` and ``if`` want true or false; arithmetic wants numbers. Everything else is as in Python.

Python's parser (:mod:`ast`) sees the structure alone: numbers and names stand before it as names of the same length,
so that positions stay, and words that mean something to Python only are names like others; quoted texts stand as quoted
x's. Of its tree a few kinds of node are read, each by functions of ours; nothing is ever handed to Python to run.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sparsetune.config.space.expression_values import (
    ARITHMETIC,
    FUNCTIONS,
    Lookup,
    Value,
    compared,
    computed,
    refuse,
    truth,
)

_MOST_TOKENS = 200
_DEEPEST = 40
_TOKEN = re.compile(
    r"""(?a:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))
      | (?P<name>[A-Za-z_]\w*(?:\.\w+)*(?!\.))
      | (?P<text>"[^"\\]*"|'[^'\\]*')
      | (?P<sign>\*\*|//|[<>=!]=|[-+*/%<>(),]))
      | (?P<space>\s+)""",
    re.VERBOSE,
)
_BETWEEN = re.compile(r"[\s)]*")  # the end of a part and the sign that follows
_WORDS = {"and", "or", "not", "if", "else"}
_PYTHONS_OWN = {(",", ")"), (")", "(")}  # a comma that ends a call, a function that is computed
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
    text = text.strip()
    plain = _structure(text)
    try:
        tree = ast.parse(plain, mode="eval").body
    except SyntaxError as error:
        start = error.offset - 1 if error.offset else len(text)
        token = repr(text[start : (error.end_offset or 0) - 1]) if start < len(text) else "end"
        own_words = not error.msg.startswith("invalid syntax")  # such as '(' was never closed
        refuse(error.msg if own_words else f"unexpected {token}", text, start)
    reader = _Reader(text)
    value = reader.read(tree, 1)
    return Expression(text, tuple(dict.fromkeys(name for _, name in sorted(reader.names))), value)


def _structure(text: str) -> str:
    """The text as Python's parser sees it: words and signs as they are, x for all that a user can name."""
    plain, before, count, brackets = "", ("", ""), 0, 1
    while len(plain) < len(text):
        position = len(plain)
        match = _TOKEN.match(text, position)
        if match is None:
            refuse(f"unexpected {text[position]!r}", text, position)
        token, kind = match[0], str(match.lastgroup)
        if kind == "space":
            plain += " " * len(token)
            continue
        count += 1
        brackets += (token == "(") - (token == ")")
        if count > _MOST_TOKENS:
            refuse(f"longer than {_MOST_TOKENS} numbers, names and signs", text, position)
        if brackets > _DEEPEST:
            refuse("nested too deeply", text, position)
        if (before[0], kind) == ("text", "text") or (before[1], token) in _PYTHONS_OWN:
            refuse(f"unexpected {token!r}", text, position)
        plain += _seen(token, kind)
        before = kind, token
    return plain


def _seen(token: str, kind: str) -> str:
    if kind == "sign" or token in _WORDS:
        return token
    return f"{token[0]}{'x' * (len(token) - 2)}{token[0]}" if kind == "text" else "x" * len(token)


class _Reader:
    """From a tree of names that mean parts of ``text`` to what gives its value."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: list[tuple[int, str]] = []  # that are looked up, with their positions

    def read(self, node: ast.expr, depth: int) -> Value:
        """What gives the value of a node; ``depth`` counts what is nested without brackets, no links of a chain."""
        text, start, deeper = self.text, node.col_offset, depth + 1
        if depth > _DEEPEST:
            refuse("nested too deeply", text, start)
        match node:
            case ast.Name() | ast.Constant():
                return self.operand(self.word(node), start)
            case ast.UnaryOp(ast.Not(), operand):
                denied = truth(self.read(operand, deeper), text, start)
                return lambda lookup: not denied(lookup)
            case ast.UnaryOp(sign, operand):
                return computed(ARITHMETIC[type(sign)], [self.read(operand, deeper)], text, start)
            case ast.BinOp(left, sign, right) if type(sign) in ARITHMETIC:  # < < is one sign to Python
                operands = [self.read(left, depth), self.read(right, depth + isinstance(sign, ast.Pow))]
                return computed(ARITHMETIC[type(sign)], operands, text, self.behind(left))
            case ast.Compare(left, signs, others):
                nodes = [left, *others]
                values = [self.read(each, depth) for each in nodes]
                return compared(values, signs, text, [self.behind(each) for each in nodes[:-1]])
            case ast.BoolOp(word, parts):
                positions = [self.behind(each) for each in parts[:-1]]
                asked = zip(parts, [positions[0], *positions], strict=True)
                truths = [truth(self.read(each, depth), text, position) for each, position in asked]
                settled = all if isinstance(word, ast.And) else any
                return lambda lookup: settled(each(lookup) for each in truths)
            case ast.IfExp(test, body, orelse):
                condition = truth(self.read(test, depth), text, self.behind(body))
                chosen, other = self.read(body, depth), self.read(orelse, deeper)
                return lambda lookup: chosen(lookup) if condition(lookup) else other(lookup)
            case ast.Call(ast.Name() as function, [_, *_] as arguments, []):
                return self.call(self.word(function), [self.read(each, depth) for each in arguments], start)
        refuse(f"unexpected {self.word(node)!r}", text, start)

    def operand(self, word: str, start: int) -> Value:
        """A number, a quoted text, a constant or a name."""
        text = self.text
        constant: Any = _CONSTANTS.get(word)
        if word[0] in "'\"":
            constant = word[1:-1]
        elif word[0] in ".0123456789":
            constant = int(word) if word.isdigit() and math.isfinite(float(word)) else float(word)
            if math.isinf(constant):
                refuse("a number that is too large", text, start)
        elif word not in _CONSTANTS:
            self.names.append((start, word))

            def look_up(lookup: Lookup) -> Any:
                if word not in lookup:
                    refuse(f"unknown name {word!r}", text, start)
                return lookup[word]

            return look_up
        return lambda _: constant

    def call(self, name: str, arguments: Sequence[Value], start: int) -> Value:
        if name not in FUNCTIONS:
            refuse(f"unknown function {name!r} (allowed: {', '.join(sorted(FUNCTIONS))})", self.text, start)
        function, most = FUNCTIONS[name]
        if len(arguments) > most:
            refuse(f"{name} takes {most} at most, found {len(arguments)}", self.text, start)
        return computed(function, arguments, self.text, start)

    def word(self, node: ast.expr) -> str:
        """What stands in the text where the node is."""
        return self.text[node.col_offset : node.end_col_offset]

    def behind(self, node: ast.expr) -> int:
        """The position of the sign or word that follows a node."""
        between = _BETWEEN.match(self.text, node.end_col_offset or 0)
        return between.end() if between else len(self.text)

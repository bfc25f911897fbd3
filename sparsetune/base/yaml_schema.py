"""What a plain word of YAML is: numbers are those of YAML 1.2, nothing but plain values is built or written."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml

try:
    from yaml import CSafeDumper as Fastest  # libyaml's
except ImportError:
    from yaml import SafeDumper as Fastest  # type: ignore[assignment]

from sparsetune.base.errors import BadInput, shown

_TAG = "tag:yaml.org,2002:"
_BASE_60 = "!base60"
_DIGITS = "-+0123456789"
_NUMBERS = (
    (f"{_TAG}int", r"[-+]?[0-9][0-9_]*|0o[0-7]+|[-+]?0x_*[0-9a-fA-F][0-9a-fA-F_]*|[-+]?0b_*[01][01_]*", _DIGITS),
    (
        f"{_TAG}float",
        r"[-+]?(?:(?:[0-9][0-9_]*\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+|[0-9][0-9_]*\.[0-9]*|\.[0-9]+"
        r"|\.(?:inf|Inf|INF|nan|NaN|NAN))",
        f"{_DIGITS}.",
    ),
    (_BASE_60, r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+", _DIGITS),
)
_WORDS = ("null", "bool", "merge")  # as in YAML 1.1
_LOST = re.compile("[\x85\u2028\u2029]")  # PyYAML takes them for ends of lines


class Loader(yaml.SafeLoader):
    """SafeLoader of plain values that refuses repeated keys, and whose numbers are those of YAML 1.2.

    010 is 10, 7.8e9 a number, 2026-11-29 text; ``yes``, ``on`` and 1_000 stay what they are in YAML 1.1. Its base 60,
    in which 1:30 is 90, is refused.
    """


class Argument(Loader):
    """The same where nobody writes comments: a ``#`` is a character like others."""

    def peek(self, index: int = 0) -> str:
        character: str = super().peek(index)
        return "o" if character == "#" else character


class Dumper(Fastest):
    """SafeDumper that quotes text which the loader, or one of YAML 1.1, would read as something else."""


class WideDumper(yaml.SafeDumper):
    """The same, four times as slow; libyaml escapes characters above U+FFFF and takes no lone surrogates."""


def _resolvers() -> None:
    former = yaml.SafeLoader.yaml_implicit_resolvers
    Loader.yaml_implicit_resolvers = {
        first: [(tag, form) for tag, form in rules if tag.removeprefix(_TAG) in _WORDS]
        for first, rules in former.items()
    }
    for tag, form, first in _NUMBERS:
        Loader.add_implicit_resolver(tag, re.compile(rf"(?:{form})\Z"), list(first))
    ours = Loader.yaml_implicit_resolvers
    both = {first: ours.get(first, []) + former.get(first, []) for first in ours | former}
    Dumper.yaml_implicit_resolvers = WideDumper.yaml_implicit_resolvers = both


def _whole(text: str) -> int:
    digits = text.replace("_", "").lower()
    return int(digits, {"0x": 16, "0o": 8, "0b": 2}.get(digits.lstrip("-+")[:2], 10))


def _real(text: str) -> float:
    return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))


def _checked(read: Callable[[str], Any], wanted: str) -> Callable[[Loader, yaml.ScalarNode], Any]:
    """A constructor; what stands behind a tag such as ``!!int`` need not be one."""

    def construct(loader: Loader, node: yaml.ScalarNode) -> Any:
        try:
            return read(loader.construct_scalar(node))
        except (ValueError, KeyError):
            raise BadInput(found=shown(node.value), allowed=wanted) from None

    return construct


def _base_60(loader: Loader, node: yaml.ScalarNode) -> Any:
    parts = node.value.replace("_", "").lstrip("-+").split(":")
    if not all(map(str.isdecimal, parts)):  # the tag was written out
        raise BadInput(found=shown(node.value), allowed="a number such as 1:30")
    value = 0
    for part in parts:
        value = 60 * value + int(part)
    sign = "-" if node.value.startswith("-") else ""
    allowed = f"{sign}{value} (so base 60 reads it), or '{node.value}' in quotes for text"
    raise BadInput(found=node.value, allowed=allowed)


def _mapping(loader: Loader, node: yaml.MappingNode) -> dict[str, Any]:
    seen: dict[str, int] = {}
    for key_node, _ in node.value:
        if key_node.tag == f"{_TAG}merge":
            continue  # <<: *anchor
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise _error(f"the key {key!r} is not text; put it in quotes", key_node)
        if key in seen:
            raise _error(f"the key {key!r} stands twice (first in line {seen[key]})", key_node)
        seen[key] = key_node.start_mark.line + 1
    loader.flatten_mapping(node)
    names = [loader.construct_object(key_node, deep=True) for key_node, _ in node.value]
    return {name: _under(name, loader, each) for name, (_, each) in zip(names, node.value, strict=True)}


def _list(loader: Loader, node: yaml.SequenceNode) -> list[Any]:
    return [_under(str(number), loader, each) for number, each in enumerate(node.value)]


def _under(key: str, loader: Loader, node: yaml.Node) -> Any:
    """The value of a node that stands under ``key``, which is named in errors."""
    try:
        return loader.construct_object(node, deep=True)
    except BadInput as error:
        raise error.at(key=f"{key}.{error.key}".removesuffix(".")) from None


def _error(problem: str, node: yaml.Node) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _text(dumper: Dumper | WideDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(f"{_TAG}str", text, style='"' if _LOST.search(text) else None)


_resolvers()
Loader.yaml_constructors = {  # and no others: plain values only
    f"{_TAG}null": lambda loader, node: None,
    f"{_TAG}bool": _checked(lambda text: yaml.SafeLoader.bool_values[text.lower()], "true or false"),
    f"{_TAG}int": _checked(_whole, "a whole number"),
    f"{_TAG}float": _checked(_real, "a number"),
    f"{_TAG}str": yaml.SafeLoader.construct_scalar,
    f"{_TAG}merge": yaml.SafeLoader.construct_scalar,  # << where it is no key
    f"{_TAG}seq": _list,
    f"{_TAG}map": _mapping,
    _BASE_60: _base_60,
    None: yaml.SafeLoader.construct_undefined,
}
for each in (Dumper, WideDumper):
    each.add_representer(str, _text)

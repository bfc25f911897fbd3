"""``--set method.kp=0.1``: dotted names into nested mappings and back."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from sparsetune.base.errors import BadInput, shown
from sparsetune.base.yaml_io import parse_argument
from sparsetune.config.base import expand_name

IN_QUOTES = "text like this wants quotes of its own: --set 'name=\"...\"'"  # the shell takes the outer ones


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """``["seed=3"]`` as ``{"seed": 3}``; values are YAML without comments."""
    assigned = {}
    for text in assignments:
        name, sign, value = text.partition("=")
        if not sign or not all(name.strip().split(".")):
            raise BadInput(found=repr(text), allowed="name=value, such as method.kp=0.1", key="--set")
        try:
            assigned[name.strip()] = parse_argument(value, source=f"--set {name.strip()}")
        except BadInput as error:
            raise error.at(more=f"; {IN_QUOTES}" if error.key.startswith("line") else "") from None
    return assigned


def assign(tree: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of ``tree`` with dotted names set. A short form on the way (``method: ast``) is written out."""
    result = copy.deepcopy(dict(tree))
    for name, value in values.items():
        node = result
        *path, last = name.split(".")
        for step in path:
            child = expand_name(node.get(step, {}))
            if child is None:
                child = {}
            if not isinstance(child, dict):
                raise BadInput(f"{step!r} holds {shown(child)}, not a mapping", key=name)
            node[step] = child
            node = child
        node[last] = value
    return result


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one flat map with dotted names; lists and empty mappings are values."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat.update(flatten(value, f"{name}."))
        else:
            flat[name] = value
    return flat

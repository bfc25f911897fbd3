"""YAML in and out: errors name file and line, ``7.8e9`` is a number, writes are atomic."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import yaml

from sparsetune.config.errors import BadInput, shown


class _Loader(yaml.SafeLoader):
    """SafeLoader that refuses repeated keys and reads exponents without a sign as numbers (YAML 1.2)."""


class _Dumper(yaml.SafeDumper):
    """SafeDumper that quotes text which the loader would read as a number."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:float"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^[-+]?(?:(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)|\d[\d_]*\.\d*|\.\d+|\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
    list("-+0123456789."),
)
_Dumper.yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    seen: dict[str, int] = {}
    for key_node, _ in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            continue  # <<: *anchor
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise _error(f"the key {key!r} is not text; put it in quotes", key_node)
        if key in seen:
            raise _error(f"the key {key!r} stands twice (first in line {seen[key]})", key_node)
        seen[key] = key_node.start_mark.line + 1
    found: dict[Any, Any] = loader.construct_mapping(node, deep=True)
    return found


def _error(problem: str, node: yaml.Node) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds; raises :class:`BadInput` with file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput("no such file", source=path) from None
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", source=path) from None
    except UnicodeDecodeError as error:
        raise BadInput(f"cannot be read: not UTF-8 at byte {error.start}", source=path) from None
    value = parse(text, source=str(path))
    if not isinstance(value, dict):
        found = "nothing" if value is None else shown(value)
        raise BadInput(f"found {found}, allowed: a mapping of names to values", source=path)
    return value


def parse(text: str, *, source: str) -> Any:
    """The value of a YAML text; ``source`` names it in errors."""
    try:
        return yaml.load(text, Loader=_Loader)  # a SafeLoader: builds plain values only
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        where = f"line {mark.line + 1}" if mark else ""
        raise BadInput(f"not valid YAML: {problem}", source=source, key=where) from None


def dump(value: Any) -> str:
    """YAML in the order written, lists of scalars on one line."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=110)


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader, or a kill, sees the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.replace(part, path)

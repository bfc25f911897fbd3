"""YAML in and out: errors name file and line or key, writes are atomic."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from sparsetune.base.errors import BadInput, shown
from sparsetune.base.yaml_schema import Argument, Dumper, Loader, WideDumper

_STRUCTURED = re.compile(r"""[\[{"'!]|[-?]\s|.*:\s|.*\n""", re.DOTALL)


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds; raises :class:`BadInput` with file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput("no such file", source=path, code="missing") from None
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", source=path, code="unavailable") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"cannot be read: not UTF-8 at byte {error.start}", source=path, code="damaged") from None
    value = parse(text, source=str(path))
    if not isinstance(value, dict):
        content = "nothing" if value is None else shown(value)
        raise BadInput(found=content, allowed="a mapping of names to values", source=path)
    return value


def parse_argument(text: str, *, source: str) -> Any:
    """The value of a command line's ``name=value``: YAML without comments.

    What is no list, no mapping and not in quotes is one number, word or text as a whole: ``run #2``, ``|``, ``&x``.
    """
    whole = text.strip() or text
    if _STRUCTURED.match(whole):
        return parse(whole, source=source, loader=Argument)
    resolver = Loader("")
    tag = resolver.resolve(yaml.ScalarNode, whole, (True, False))  # type: ignore[no-untyped-call]
    node = yaml.ScalarNode(tag, whole)
    try:
        return resolver.construct_object(node)
    except BadInput as error:
        raise error.located(source=source) from None


def parse(text: str, *, source: str, loader: type[Loader] = Loader) -> Any:
    """The value of a YAML text; ``source`` names it in errors."""
    try:
        return yaml.load(text, Loader=loader)  # builds plain values only
    except BadInput as error:
        raise error.located(source=source) from None
    except RecursionError:
        raise BadInput("not valid YAML: nested too deep", source=source) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        where = f"line {mark.line + 1}" if mark else ""
        raise BadInput(f"not valid YAML: {problem}", source=source, key=where) from None


def dump(value: Any) -> str:
    """YAML in the order written, lists of scalars on one line."""
    with suppress(UnicodeEncodeError):  # a file's name that is no UTF-8
        text = _dump(value, Dumper)
        if "\\U" not in text:
            return text
    return _dump(value, WideDumper)


def _dump(value: Any, dumper: type[Dumper | WideDumper]) -> str:
    return yaml.dump(value, Dumper=dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=110)


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader, or a kill, sees the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.replace(part, path)
    except OSError:  # of a full disk, where a part is in the way
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise

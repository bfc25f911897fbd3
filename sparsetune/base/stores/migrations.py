"""Which schemas a package knows, read from its Alembic scripts: running them would import all of it."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_ASSIGNED = re.compile(r"^(revision|down_revision)\b[^=\n]*=(.*)$", re.MULTILINE)
_NAME = re.compile(r"[\"']([^\"']+)[\"']")


@dataclass(frozen=True)
class Migrations:
    """All revisions, and the newest; None if that cannot be told."""

    all: frozenset[str]
    head: str | None


@cache
def migrations(package: str, folder: str) -> Migrations:
    """Those of an installed package, which is not imported; none if it has no such folder."""
    spec = importlib.util.find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return parse(file.read_text(encoding="utf-8") for place in places for file in (Path(place) / folder).glob("*.py"))


def parse(scripts: Iterable[str]) -> Migrations:
    """The revisions that scripts make, and the one that no other is built on."""
    made: set[str] = set()
    built_on: set[str] = set()
    for text in scripts:
        for name, value in _ASSIGNED.findall(text):
            (made if name == "revision" else built_on).update(_NAME.findall(value))
    heads = made - built_on
    return Migrations(frozenset(made), heads.pop() if len(heads) == 1 else None)

"""Names of things that live in other rooms, loaded when first asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sparsetune.config.errors import BadInput, unknown


class Registry:
    """A map from a name to ``module:attribute``.

    Each entry is a class with a nested ``Config`` (a :class:`~sparsetune.config.base.Part`); nothing is imported
    before :meth:`get`.
    """

    def __init__(self, what: str, entries: Mapping[str, str]) -> None:
        self.what = what
        self._entries = dict(entries)

    def names(self) -> list[str]:
        return sorted(self._entries)

    def get(self, name: str) -> Any:
        """The class of that name; raises :class:`BadInput` with the nearest name otherwise."""
        if name not in self._entries:
            raise BadInput(unknown(self.what, name, self._entries))
        module, _, attribute = self._entries[name].partition(":")
        return getattr(importlib.import_module(module), attribute)


@dataclass(frozen=True)
class Registries:
    """What a trial's config is checked against."""

    method: Registry
    data: Registry
    model: Registry


@dataclass(frozen=True)
class StudyRegistries(Registries):
    """What a study file is checked against, handed in by ``study.py``."""

    sampler: Registry
    pruner: Registry

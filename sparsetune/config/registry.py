"""Names of things that live in other rooms, loaded when first asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sparsetune.base.errors import BadInput
from sparsetune.config.metrics import SHARED, Kind, Metric, core

Measure = Callable[[Any, Any], float]
"""Of (N, C) outputs and (N,) targets of a split."""


class Registry:
    """A map from a name to ``module:attribute``, or to what stands there.

    Each entry is a class with a nested ``Config`` (a :class:`~sparsetune.config.base.Part`); nothing is imported
    before :meth:`get`.
    """

    def __init__(self, what: str, entries: Mapping[str, str | type]) -> None:
        self.what = what
        self._entries = dict(entries)

    def names(self) -> list[str]:
        return sorted(self._entries)

    def get(self, name: str) -> Any:
        """The class of that name; raises :class:`BadInput` with the nearest name otherwise."""
        if name not in self._entries:
            raise BadInput.unknown(self.what, name, self._entries)
        entry = self._entries[name]
        if not isinstance(entry, str):
            return entry
        module, _, attribute = entry.partition(":")
        return getattr(importlib.import_module(module), attribute)

    def extended(self, entries: Mapping[str, type]) -> Registry:
        """A registry with more entries, this one is left as it is; raises :class:`BadInput` for a name that exists."""
        for name in entries:
            if name in self._entries:
                raise BadInput(f"{self.what} {name!r} exists already", allowed="another name", code="exists")
        return Registry(self.what, {**self._entries, **entries})


@dataclass(frozen=True)
class Registries:
    """What a trial's config is checked against, and the table of its numbers.

    Attributes:
        metrics: every metric by name.
        measures: functions that compute some of them at a trial's end, on the validation split under their name and on
            the test split under ``test_`` and it.
    """

    method: Registry
    data: Registry
    model: Registry
    metrics: Mapping[str, Metric] = field(default_factory=lambda: SHARED, kw_only=True)
    measures: Mapping[str, Measure] = field(default_factory=dict, kw_only=True)

    def measures_of(self, task: Kind) -> dict[str, Measure]:
        """The functions for what is learned."""
        return {name: measure for name, measure in self.measures.items() if self.metrics[name].of(task)}

    def core(self, task: Kind) -> tuple[str, ...]:
        """Names of the numbers that every method has."""
        own = self.measures_of(task)
        return (*core(task), *own, *(f"test_{name}" for name in own))


@dataclass(frozen=True)
class StudyRegistries(Registries):
    """What a study file is checked against, handed in by ``study.py``."""

    sampler: Registry
    pruner: Registry

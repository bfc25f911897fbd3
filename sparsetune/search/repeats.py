"""Points that came to nothing are not tried again where there are endlessly many others."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

from optuna.storages import InMemoryStorage

from sparsetune.config.parameters import Parameter
from sparsetune.search.space import endless


class Repeats:
    """The points of the trials of a search that failed or were pruned."""

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        self._endless = {name for name, parameter in parameters.items() if endless(parameter)}
        self._lost: set[str] = set()

    def add(self, params: Mapping[str, Any]) -> None:
        self._lost.add(_named(params))

    def found(self, params: Mapping[str, Any]) -> bool:
        """Whether it is one of them, and there are others: a float without steps is drawn."""
        return not self._endless.isdisjoint(params) and _named(params) in self._lost


def undrawn(memory: InMemoryStorage, trial_id: int) -> None:
    """Make a running trial one of which nothing has been drawn, and no sampler has noted anything."""
    blank = copy(memory.get_trial(trial_id))
    blank.params, blank.distributions, blank.system_attrs = {}, {}, {}
    memory._set_trial(trial_id, blank)


def _named(params: Mapping[str, Any]) -> str:
    return repr(sorted(params.items()))

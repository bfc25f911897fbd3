"""Points that came to nothing are not tried again where there are endlessly many others."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy

from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial

from sparsetune.config.space.parameters import Parameter
from sparsetune.search.space import endless

Point = frozenset[tuple[str, float]]  # parameters as Optuna's numbers, of choices their positions


class Repeats:
    """The points of the trials of a search that failed or were pruned."""

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        self._endless = {name for name, parameter in parameters.items() if endless(parameter)}
        self._lost: set[Point] = set()

    def add(self, trial: FrozenTrial) -> None:
        self._lost.add(_point(trial))

    def found(self, trial: FrozenTrial) -> bool:
        """Whether its point is one of them, and there are others: a float without steps is drawn."""
        return not self._endless.isdisjoint(trial.params) and _point(trial) in self._lost


def undrawn(memory: InMemoryStorage, trial_id: int) -> None:
    """Make a running trial one of which nothing has been drawn, and no sampler has noted anything."""
    blank = copy(memory.get_trial(trial_id))
    blank.params, blank.distributions, blank.system_attrs = {}, {}, {}
    memory._set_trial(trial_id, blank)


def _point(trial: FrozenTrial) -> Point:
    kinds = trial.distributions
    return frozenset((name, kinds[name].to_internal_repr(value)) for name, value in trial.params.items())

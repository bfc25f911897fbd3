"""Optuna's private parts, as far as this package stands on them; with ``optuna_tables.py`` all that it uses.

Each is here because no public call gives the same: a grid's order, a sampler that is told another history, a selection
by hypervolume. ``tests/search/test_optuna_private.py`` asks whether the installed version is one with which they were
tried.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from copy import copy
from typing import Any

import numpy as np
from optuna._hypervolume.hssp import _solve_hssp
from optuna.distributions import BaseDistribution
from optuna.pruners import HyperbandPruner
from optuna.samplers import GridSampler, QMCSampler
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.study import Study, StudyDirection
from optuna.study._multi_objective import _fast_non_domination_rank
from optuna.trial import FrozenTrial, TrialState

TRIED = ("5.0",)  # versions of Optuna; one more after `make test-slow` with it

Trials = Sequence[FrozenTrial]


def storage_of(study: Study) -> BaseStorage:
    """Where a study that somebody else has made keeps its trials."""
    return study._storage


def undraw(memory: InMemoryStorage, trial_id: int) -> None:
    """Make a running trial one of which nothing has been drawn, and no sampler has noted anything."""
    blank = copy(memory.get_trial(trial_id))
    blank.params, blank.distributions, blank.system_attrs = {}, {}, {}
    memory._set_trial(trial_id, blank)


class Retold(Study):
    """A study of which a sampler is told another history. What it notes goes to the study itself."""

    def __init__(self, study: Study, retell: Callable[[Trials, Sequence[StudyDirection]], list[FrozenTrial]]) -> None:
        super().__init__(study.study_name, study._storage, study.sampler, study.pruner)
        self._study = study
        self._retell = retell

    def _get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None, use_cache: bool = False
    ) -> list[FrozenTrial]:
        trials = self._retell(self._study._get_trials(deepcopy=False), self.directions)
        return [trial for trial in trials if states is None or trial.state in states]


class NumberedQMC(QMCSampler):
    """Optuna's counts the asks that it has seen, so that one that is lost skips a point; here the number says which."""

    def __init__(self, number: int, space: dict[str, BaseDistribution], **options: Any) -> None:
        super().__init__(**options)
        self._number, self._space = number, space

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._space if self._number else {}

    def _find_sample_id(self, study: Study, search_space: dict[str, BaseDistribution]) -> int:
        return self._number - 1


def grid(space: dict[str, list[Any]], seed: int) -> tuple[list[str], list[Any]]:
    """The parameters of a grid, and its points in Optuna's order."""
    sampler = GridSampler(space, seed)
    return sampler._param_names, sampler._all_grids


def hyperband(**options: Any) -> HyperbandPruner:
    """Optuna's, with its brackets: else they begin with the first report, and a sampler that is asked before it sees
    other trials."""
    pruner = HyperbandPruner(**options)
    pruner._try_initialization(None)  # type: ignore[arg-type]  # the study, for "auto" only
    return pruner


def fronts(losses: np.ndarray, count: int) -> np.ndarray:
    """For losses (trials, objectives) each trial's front: 0 for the Pareto front, 1 for that without those, ...

    Once the fronts hold ``count`` trials, all others are of the next.
    """
    return _fast_non_domination_rank(losses, n_below=count)


def adding_most(losses: np.ndarray, count: int) -> np.ndarray:
    """Of a front with losses (trials, objectives) in [0, 1] the ``count`` trials, as a mask, that are taken if it is
    always the one that adds most hypervolume to those taken before; the reference point is 1.1."""
    taken = np.zeros(len(losses), dtype=bool)
    taken[_solve_hssp(losses, np.arange(len(losses)), count, np.full(losses.shape[1], 1.1))] = True
    return taken

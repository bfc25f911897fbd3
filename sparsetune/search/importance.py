"""Which parameters matter most for the first objective, by Optuna's importance (PED-ANOVA, Watanabe et al. 2023)."""

from __future__ import annotations

from collections.abc import Iterable

import optuna
from optuna.trial import FrozenTrial, TrialState

from sparsetune.config.metrics import Goal
from sparsetune.search.quiet import quiet

FEWEST = 10  # complete trials: a tenth of them is what the others are compared with


def by_importance(trials: Iterable[FrozenTrial], goal: Goal) -> tuple[str, ...]:
    """Names of parameters, the one that matters most first; none where too few trials are complete.

    Args:
        goal: of the first objective.
    """
    complete = [each for each in trials if each.state is TrialState.COMPLETE and each.values]
    if len(complete) < FEWEST:
        return ()
    study = optuna.create_study(direction=goal)
    study.add_trials(
        optuna.trial.create_trial(params=each.params, distributions=each.distributions, value=each.values[0])
        for each in complete
    )
    with quiet():  # of a parameter that never varied
        return tuple(optuna.importance.get_param_importances(study))

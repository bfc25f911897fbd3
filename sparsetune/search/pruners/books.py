"""Where the values that a pruner judges are kept: in the study's copy, or in a study of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isnan, nan
from typing import TYPE_CHECKING, Any, Protocol

from sparsetune.base.messages import State
from sparsetune.config.metrics import Goal
from sparsetune.search.quiet import quiet

if TYPE_CHECKING:
    from optuna import Study
    from optuna.pruners import BasePruner
    from optuna.trial import FrozenTrial, TrialState


class Book(Protocol):
    """Knows trials by their numbers in the cell."""

    def judge(self, number: int, step: int, value: float) -> bool:
        """Enter a running trial's value; True when the pruner would stop it."""

    def record(self, number: int) -> Any:
        """As :meth:`~sparsetune.search.stopper.Stopper.record`."""

    def ended(self, number: int, state: State) -> None:
        """As :meth:`~sparsetune.search.stopper.Stopper.ended`."""

    def restore(self, number: int, state: State, record: Any) -> None:
        """As :meth:`~sparsetune.search.stopper.Stopper.restore`."""


class Own:
    """The study's copy itself: its objective's values, which the storage gets with a trial's end."""

    def __init__(self, copy: Study, pruner: BasePruner) -> None:
        copy.pruner = pruner  # samplers look there too, for hyperband's brackets
        self._study = copy

    def judge(self, number: int, step: int, value: float) -> bool:
        return _judge(self._study, number, step, value)

    def record(self, number: int) -> None:
        return None

    def ended(self, number: int, state: State) -> None: ...

    def restore(self, number: int, state: State, record: Any) -> None: ...


class Beside:
    """A study with the gate as its one objective, whose trials have the numbers of those that they stand for."""

    def __init__(
        self,
        name: str,
        goal: Goal,
        pruner: BasePruner,
        kept: Mapping[str, str],
        worth: Callable[[Sequence[float]], float],
    ) -> None:
        """A study without trials.

        Args:
            name: of the study, which hyperband mixes into its brackets.
            kept: what the values are of; records of others are not taken up.
            worth: what a trial is worth that ended with these values, in the order of their steps.
        """
        import optuna

        self._memory = optuna.storages.InMemoryStorage()
        direction = optuna.study.StudyDirection[goal.upper()]
        self._id = self._memory.create_new_study([direction], name)
        self._study = optuna.Study(name, self._memory, pruner=pruner)
        self._kept = dict(kept)
        self._worth = worth

    def judge(self, number: int, step: int, value: float) -> bool:
        self._fill(number)
        return _judge(self._study, number, step, value)

    def record(self, number: int) -> Any:
        """The values by step, and the pruner's own notes: a later decision reads both."""
        self._fill(number)
        trial = _trial(self._study, number)
        values = [[step, value] for step, value in trial.intermediate_values.items()]
        return {**self._kept, "values": values, "notes": dict(trial.system_attrs)}

    def ended(self, number: int, state: State) -> None:
        self._fill(number)
        trial = _trial(self._study, number)
        self._memory.set_trial_state_values(trial._trial_id, *self._ending(state, trial.intermediate_values))

    def restore(self, number: int, state: State, record: Any) -> None:
        from optuna.trial import create_trial

        taken = isinstance(record, Mapping) and self._kept.items() <= record.items()
        steps = dict(record["values"]) if taken else {}
        notes = dict(record["notes"]) if taken else {}
        ending, values = self._ending(state, steps)
        self._fill(number - 1)
        trial = create_trial(state=ending, values=values, intermediate_values=steps, system_attrs=notes)
        self._memory.create_new_trial(self._id, trial)

    def _ending(self, state: State, steps: Mapping[int, float]) -> tuple[TrialState, list[float] | None]:
        """Optuna's, which knows no complete trial without a value."""
        from optuna.trial import TrialState

        if state != "COMPLETE":
            return TrialState[state], None
        value = self._worth([steps[step] for step in sorted(steps)]) if steps else nan
        return (TrialState.FAIL, None) if isnan(value) else (TrialState.COMPLETE, [value])

    def _fill(self, number: int) -> None:
        """Running trials up to that number: those of a study may report in any order."""
        while self._memory.get_n_trials(self._id) <= number:
            self._memory.create_new_trial(self._id)


def _judge(study: Study, number: int, step: int, value: float) -> bool:
    trial = _trial(study, number)
    study._storage.set_trial_intermediate_value(trial._trial_id, step, float(value))
    with quiet():
        return bool(study.pruner.prune(study, _trial(study, number)))


def _trial(study: Study, number: int) -> FrozenTrial:
    storage = study._storage
    return storage.get_trial(storage.get_trial_id_from_study_id_trial_number(study._study_id, number))

"""The sheets on which a pruner's values stand: the study's copy, or a study of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isnan, nan
from typing import TYPE_CHECKING, Any

from sparsetune.base.messages import State
from sparsetune.config.metrics import Goal
from sparsetune.search.space import quiet

if TYPE_CHECKING:
    from optuna import Study
    from optuna.pruners import BasePruner
    from optuna.trial import FrozenTrial, TrialState


class Sheet:
    """A study of Optuna's whose pruner judges its trials. It knows them by their numbers in the cell."""

    def __init__(self, study: Study) -> None:
        from sparsetune.search.optuna_private import storage_of

        self._study = study
        self._memory = storage_of(study)
        self._id = self._memory.get_study_id_from_name(study.study_name)

    def judge(self, number: int, step: int, value: float) -> bool:
        """Enter a running trial's value; True when the pruner would stop it."""
        self._memory.set_trial_intermediate_value(self._trial_id(number), step, float(value))
        with quiet():
            return bool(self._study.pruner.prune(self._study, self._trial(number)))

    def record(self, number: int) -> Any:
        """As :meth:`~sparsetune.search.pruners.contract.Stopper.record`."""
        return None

    def ended(self, number: int, state: State) -> None:
        """As :meth:`~sparsetune.search.pruners.contract.Stopper.ended`."""

    def restore(self, number: int, state: State, record: Any) -> None:
        """As :meth:`~sparsetune.search.pruners.contract.Stopper.restore`."""

    def _trial_id(self, number: int) -> int:
        return self._memory.get_trial_id_from_study_id_trial_number(self._id, number)

    def _trial(self, number: int) -> FrozenTrial:
        return self._memory.get_trial(self._trial_id(number))


class Own(Sheet):
    """The study's copy itself: its objective's values, which the storage gets with a trial's end."""

    def __init__(self, copy: Study, pruner: BasePruner) -> None:
        super().__init__(copy)
        copy.pruner = pruner  # samplers look there too, for hyperband's brackets


class Beside(Sheet):
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

        super().__init__(optuna.create_study(study_name=name, direction=goal, pruner=pruner))
        self._kept = dict(kept)
        self._worth = worth

    def judge(self, number: int, step: int, value: float) -> bool:
        self._fill(number)
        return super().judge(number, step, value)

    def record(self, number: int) -> Any:
        """The values by step, and the pruner's own notes: a later decision reads both."""
        self._fill(number)
        trial = self._trial(number)
        values = [[step, value] for step, value in trial.intermediate_values.items()]
        return {**self._kept, "values": values, "notes": dict(trial.system_attrs)}

    def ended(self, number: int, state: State) -> None:
        self._fill(number)
        ending, values = self._ending(state, self._trial(number).intermediate_values)
        self._memory.set_trial_state_values(self._trial_id(number), ending, values)

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

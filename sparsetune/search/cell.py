"""One search: a copy in memory, in Optuna's own terms, of the trials of a cell of factors (usually of all).

A trial is drawn in the copy as a whole, by a sampler that is made anew for it from the study's seed and the trial's
number. The draw is therefore a function of the seed, the number and the trials that have finished, whether or not the
driver died in between.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import copy
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.samplers import RandomSampler
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Metrics, Row, State
from sparsetune.base.seeds import mix
from sparsetune.config.space.cells import holds, within
from sparsetune.config.space.parameters import Choice, Factor
from sparsetune.config.study.study import Study
from sparsetune.search.duplicates import LostPoints
from sparsetune.search.optuna_private import undraw
from sparsetune.search.pruners.contract import Stopper
from sparsetune.search.space import quiet, suggester

NEWS = "sampler"  # a trial's attribute: what the sampler noted of the study when it was drawn
RECORD = "stopper"  # a trial's attribute: what the stopper wants to know of it in later runs
_STARTING, _ANEW = 0x61BE, 0xA9E3  # apart from the seeds of drawn trials
_STATES = {"COMPLETE": TrialState.COMPLETE, "PRUNED": TrialState.PRUNED, "FAIL": TrialState.PRUNED}
"""In the copy. Optuna's samplers overlook what failed, and TPE would propose the like again and again; a pruned trial
that breaks a constraint without end tells it that this was worse than all others, those that break one too."""
_FAILED = "constraints:failed"  # that constraint's attribute, as Optuna calls it


class Cell:
    """Numbers are positions in the cell, from 0."""

    def __init__(self, study: Study, factors: Mapping[str, Any]) -> None:
        """
        Args:
            factors: the cell's values, by name.
        """
        self._at = dict(factors)
        self._study = study
        self._problem = study.problem_in(factors)
        self.factors = {name: value for name, value in factors.items() if name not in self._problem.parameters}
        space, here = study.space, within(study.space, factors).chosen
        self._choices = {  # of branches, where the cell has some of them only
            f"{section}.name": CategoricalDistribution(here[section])
            for section, branches in space.chosen.items()
            if here[section] != branches
        }
        self._kinds = {  # as the study has what is another thing here: one name, one distribution
            name: CategoricalDistribution(each.values)
            for name, each in space.rules.items()
            if isinstance(each, Choice | Factor) and (name in self.factors or name in self._choices)
        }
        self._sampler = study.registries.sampler.get(study.sampler.name)
        self._memory = InMemoryStorage()
        directions = [StudyDirection[each.goal.upper()] for each in study.objectives]
        self._id = self._memory.create_new_study(directions, study.name)
        self._copy = optuna.Study(study.name, self._memory)
        self._failed: set[int] = set()
        self._lost = LostPoints(self._problem.parameters)
        self._system: dict[str, Any] = {}  # what samplers have noted of the study, as far as trials tell
        pruner = study.registries.pruner.get(study.pruner.name)
        self._stopper: Stopper = pruner.stopper(study.pruner, self._problem, self._copy)

    def __len__(self) -> int:
        return self._memory.get_n_trials(self._id)

    def has(self, params: Mapping[str, Any]) -> bool:
        """Whether a trial of the study is one of the cell's."""
        return holds(self._study.space, self._at, params)

    def news(self) -> dict[str, Any]:
        """What the sampler has noted of the study at the last ask.

        It is kept with that trial, in one transaction: a kill loses both or none.
        """
        noted = self._memory.get_study_system_attrs(self._id)
        new = {key: value for key, value in noted.items() if self._system.get(key) != value}
        self._system |= new
        return new

    def restore(self, frozen: FrozenTrial) -> None:
        """Take a trial of an earlier run, in the order of numbers, without its factors."""
        number, there = len(self), copy(frozen)
        there.state = _STATES.get(frozen.state.name, frozen.state)
        if frozen.state is TrialState.FAIL:
            there.system_attrs = {**frozen.system_attrs, _FAILED: math.inf}
            self._failed.add(number)
        if frozen.state in (TrialState.FAIL, TrialState.PRUNED):
            self._lost.add(frozen)
        self._memory.create_new_trial(self._id, there)
        for key, value in frozen.user_attrs.get(NEWS, {}).items():
            self._memory.set_study_system_attr(self._id, key, value)
            self._system[key] = value
        if frozen.state.is_finished():
            state: State = frozen.state.name  # type: ignore[assignment]
            self._stopper.restore(number, state, frozen.user_attrs.get(RECORD))

    def ask(self, point: Mapping[str, Any] | None = None) -> tuple[FrozenTrial, dict[str, Any], str]:
        """Draw a trial; ``point`` has some or all of its parameters, the others are then random.

        A proposal that repeats what failed or was pruned is drawn at random instead, where floats vary.

        Returns:
            It, its whole config, and why it has none where an expression has no value at this point.
        """
        number = len(self)
        if point is not None:
            self._copy.enqueue_trial(dict(point))
            self._copy.sampler = RandomSampler(seed=mix(self._problem.seed, number, _STARTING))
        else:
            self._copy.sampler = self._sampler.make(self._study.sampler, self._problem, number)
        with quiet():
            asked = self._copy.ask()
            config, problem = self._drawn(asked)
            if point is None and self._lost.repeated_by(self.frozen(number)):
                undraw(self._memory, self._trial_id(number))
                self._copy.sampler = RandomSampler(seed=mix(self._problem.seed, number, _ANEW))
                config, problem = self._drawn(optuna.trial.Trial(self._copy, self._trial_id(number)))
        return self.frozen(number), config, problem

    def _drawn(self, asked: optuna.trial.Trial) -> tuple[dict[str, Any], str]:
        """The whole config of a trial that is drawn here, or why it has none."""
        try:
            return self._study.config(suggester(asked), self._at), ""
        except BadInput as error:
            return self._study.trial.plain(), str(error)

    def report(self, number: int, row: Row) -> bool:
        return self._stopper.report(number, row)

    def replicate(self, number: int, index: int, metrics: Metrics) -> bool:
        return self._stopper.replicate(number, index, metrics)

    def tell(
        self,
        number: int,
        state: State,
        values: list[float] | None,
        violations: Mapping[str, float],
        attributes: Mapping[str, Any],
    ) -> FrozenTrial:
        """End a trial.

        Args:
            values: of the objectives, for a COMPLETE one.
            violations: by constraint, above 0 where it is broken.
            attributes: what the storage is to keep of it.
        """
        record = self._stopper.record(number)
        self.note(number, {**attributes, **({} if record is None else {RECORD: record})})
        trial = optuna.trial.Trial(self._copy, self._trial_id(number))
        for name, violation in violations.items():
            trial.set_constraint(name, violation)
        if state == "FAIL":
            self._memory.set_trial_system_attr(self._trial_id(number), _FAILED, math.inf)
            self._failed.add(number)
        if state != "COMPLETE":
            self._lost.add(self.frozen(number))
        with quiet():
            self._copy.tell(number, values, _STATES[state])
        self._stopper.ended(number, state)
        return self.frozen(number)

    def note(self, number: int, attributes: Mapping[str, Any]) -> None:
        """Keep attributes of a running trial."""
        for key, value in attributes.items():
            self._memory.set_trial_user_attr(self._trial_id(number), key, value)

    def _trial_id(self, number: int) -> int:
        return self._memory.get_trial_id_from_study_id_trial_number(self._id, number)

    def frozen(self, number: int) -> FrozenTrial:
        """Optuna's own record of a trial."""
        record = self._memory.get_trial(self._trial_id(number))
        if number in self._failed:
            record = copy(record)
            record.state, record.values = TrialState.FAIL, None  # Optuna takes a pruned one's last row for its value
            record.system_attrs = {key: value for key, value in record.system_attrs.items() if key != _FAILED}
        return record

    def whole(self, frozen: FrozenTrial, number: int) -> FrozenTrial:
        """A trial as the study has it: with its number there, and the factors among its parameters."""
        if not self._kinds and frozen.number == number:
            return frozen
        whole = copy(frozen)
        whole.number = number
        chosen = {name: frozen.params[name] for name in self._choices if name in frozen.params}
        whole.params = {**chosen, **self.factors, **frozen.params}
        kinds = {name: kind for name, kind in self._kinds.items() if name in whole.params}
        whole.distributions = {**frozen.distributions, **kinds}
        return whole

    def part(self, frozen: FrozenTrial) -> FrozenTrial:
        """The reverse, for the copy, which gives it a number itself."""
        part = copy(frozen)
        part.params = {name: value for name, value in frozen.params.items() if name not in self.factors}
        part.distributions = {name: self._choices.get(name, frozen.distributions[name]) for name in part.params}
        return part

"""The study's mind and memory: asks Optuna, remembers every answer in the storage, and takes up what was cut short.

Optuna works on copies of the study in memory, one for each cell of factors (``cell.py``). A new trial is drawn there as
a whole and then stored in one transaction, with its parameters and its config, so a kill finds it complete or not at
all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from sparsetune.base.errors import BadInput
from sparsetune.base.failpoints import failpoint
from sparsetune.base.messages import GIVEN, SAME_AS, Metrics, Row, Run, State, Trial
from sparsetune.config.study.study import Study
from sparsetune.search.cell import NEWS, Cell
from sparsetune.search.definition import note_changes, study_uid
from sparsetune.search.importance import by_importance
from sparsetune.search.known import Known
from sparsetune.search.meaning import CONTENT
from sparsetune.search.patience import Patient
from sparsetune.search.points import Points, crossed
from sparsetune.search.storage import as_trial, open_storage
from sparsetune.search.times import trials_with_times
from sparsetune.search.told import Told, told
from sparsetune.search.writing import store_end, store_new


class Ledger:
    """All trials of one study. Methods are called by one thread of one process, which holds the study's lock."""

    def __init__(
        self,
        study: Study,
        environment: Mapping[str, str],
        warn: Callable[[str], None],
        content: Mapping[str, str] | None = None,
        points: Points | None = None,
    ) -> None:
        """Open the study in its storage, or create it.

        Args:
            environment: what decides numbers beside configs; a change since the last run is a warning.
            content: digests of the files that the trials read, kept with a new study.
            points: where a new study begins.
        """
        self._study = study
        self._patient = Patient(warn)
        self._storage = open_storage(study.storage)
        directions = [optuna.study.StudyDirection[o.goal.upper()] for o in study.objectives]
        try:
            self._study_id = self._storage.get_study_id_from_name(study.name)
        except KeyError:
            self._study_id = self._storage.create_new_study(directions, study.name)
        attributes = self._storage.get_study_user_attrs(self._study_id)
        points = Points.kept(attributes) or points or Points()
        self._given = crossed(points.given, study.cells)
        self.extent = study.extent(len(self._given))
        note_changes(self._storage, self._study_id, study, self.extent, environment, warn)
        for key, value in {CONTENT: dict(content or {}), **points.attributes()}.items():
            if value and key not in attributes:
                self._storage.set_study_user_attr(self._study_id, key, value)
        self.uid = study_uid(self._storage, self._study_id)
        self._known = Known(study, {**environment, **(content or {})}, points.results)
        self._cells = [Cell(study, factors) for factors in study.cells]
        self._places: list[tuple[Cell, int]] = []  # by number: the cell, and the position there
        self._ids: list[int] = []  # in the storage, by number
        self._noted: dict[int, set[str]] = {}  # what the storage has of the samplers' notes on running trials
        for frozen in trials_with_times(self._storage, self._study_id):
            self._take_up(frozen)
        for number in list(self._noted):
            cell, position = self._places[number]
            self._settle(number, cell.frozen(position).user_attrs)

    def _take_up(self, frozen: FrozenTrial) -> None:
        number = len(self._ids)
        cell, _ = self._next_place()
        self._ids.append(frozen._trial_id)
        self._known.add(as_trial(frozen), frozen.user_attrs)
        if not frozen.state.is_finished():
            self._noted[number] = set(frozen.system_attrs)
        cell.restore(cell.part(frozen))

    def _next_place(self) -> tuple[Cell, dict[str, Any] | None]:
        """The next trial's cell, and the point that it is given: given ones come first, then the cells take turns."""
        number = len(self._places)
        index, point = (number - len(self._given)) % len(self._cells), None
        if number < len(self._given):
            index, point = self._given[number]
        self._places.append((self._cells[index], len(self._cells[index])))
        return self._cells[index], point

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def spent(self) -> bool:
        """Whether all trials of the budget, or all points that there are, have been drawn."""
        return len(self) >= self.extent.total(self._known.given)

    def trials(self) -> list[Trial]:
        return [self._trial(number) for number in range(len(self))]

    def by_importance(self) -> tuple[str, ...]:
        """Names of the parameters, the one that matters most for the first objective first (``importance.py``)."""
        trials = (cell.whole(cell.frozen(position), number) for number, (cell, position) in enumerate(self._places))
        return by_importance(trials, self._study.objectives[0].goal)

    def ask(self) -> Trial:
        """Draw a new trial and store it as RUNNING; one whose like is complete may be so at once (``duplicates``)."""
        number = len(self)
        cell, point = self._next_place()
        position = self._places[number][1]
        _, config, problem = cell.ask(point)
        known = self._known.like(config)
        attributes: dict[str, Any] = {"config": {**config, "seed": known.seeds[0]}, "key": known.key}
        if len(known.seeds) > 1:
            attributes["seeds"] = list(known.seeds)
        if problem:
            attributes[_PROBLEM] = problem
        elif known.named:
            attributes |= {SAME_AS: known.named, **({} if point is None else {GIVEN: True})}
        if self._study.fork:
            attributes["branches"] = [vars(branch) for branch in self._study.branches]
        noted = cell.news()
        if noted:
            attributes[NEWS] = noted
        frozen = cell.note(position, attributes)
        template = cell.whole(frozen, number)
        trial_id = self._patient(store_new, self._storage, self._study_id, template)
        if trial_id is None:
            raise BadInput("another program adds trials to this study; end one of them", source=self._study.source)
        self._ids.append(trial_id)
        self._noted[number] = set(frozen.system_attrs)
        failpoint("after-ask")
        self._known.add(self._trial(number), attributes)
        return self._settle(number, attributes)

    def _settle(self, number: int, attributes: Mapping[str, Any]) -> Trial:
        """End a new trial that needs no training; also one whose driver died before it could."""
        trial, problem = self._trial(number), attributes.get(_PROBLEM, "")
        if problem:
            runs = [replace(run, state="FAIL", reason=problem) for run in trial.runs]
            return self.tell(number, "FAIL", runs, problem)
        if SAME_AS in attributes:
            runs = self._known.runs(attributes["key"], number, given=GIVEN in attributes)
            self._judge(number, runs)
            return self.tell(number, "COMPLETE", runs)
        return trial

    def report(self, number: int, row: Row) -> bool:
        """Hand a row to the pruner; True when the trial should stop."""
        cell, position = self._places[number]
        return self._study.prunes and cell.report(position, row)

    def replicate(self, number: int, index: int, metrics: Metrics) -> bool:
        """Hand a replicate's end to the pruner; True when no more are worth training."""
        cell, position = self._places[number]
        return self._study.prunes and cell.replicate(position, index, metrics)

    def tell(self, number: int, state: State, runs: Sequence[Run], reason: str = "") -> Trial:
        """Store how a trial ended. A COMPLETE one of which no branch has all objectives as numbers is a FAIL."""
        study, (cell, position) = self._study, self._places[number]
        end = told(self._trial(number), state, runs, reason, study.objectives, study.constraints)
        values = list(end.values) or None
        frozen = cell.tell(position, end.state, values, end.violations, _attributes(end, runs))
        failpoint("before-tell")
        noted = self._noted.pop(number)
        notes = {key: value for key, value in frozen.system_attrs.items() if key not in noted}
        stored = {key: frozen.user_attrs[key] for key in frozen.user_attrs if key not in _AT_ASK}
        self._patient(store_end, self._storage, self._ids[number], frozen, stored, notes)
        failpoint("after-tell")
        trial = self._trial(number)
        self._known.add(trial, frozen.user_attrs)
        return trial

    def _judge(self, number: int, runs: Sequence[Run]) -> None:
        """Replicates of a result that is taken over count among those with which others are compared."""
        of_first = [run for run in runs if run.key.branch == self._study.branches[0].name]
        for index, run in enumerate(of_first[:-1]):
            self.replicate(number, index, run.metrics)

    def _trial(self, number: int) -> Trial:
        cell, position = self._places[number]
        return as_trial(cell.whole(cell.frozen(position), number))


_PROBLEM = "problem"  # a trial's attribute: why it has no config
_AT_ASK = ("config", "key", "seeds", "branches", _PROBLEM, SAME_AS, GIVEN, NEWS)


def _attributes(end: Told, runs: Sequence[Run]) -> dict[str, Any]:
    """What the storage keeps of a trial's end; of a trial with one run that is all."""
    found: dict[str, Any] = {"metrics": end.metrics}
    optional = {"errors": end.errors, "reason": end.reason, "notes": end.notes}
    found |= {key: value for key, value in optional.items() if value}
    if len(runs) > 1 or any(run.results for run in runs):
        found["runs"] = [_said(run) for run in runs]
    return found


def _said(run: Run) -> dict[str, Any]:
    found = {name: getattr(run, name) for name in ("state", "metrics", "reason", "notes")}
    results = {"results": [asdict(each) for each in run.results]} if run.results else {}
    return {"seed": run.key.seed, "branch": run.key.branch, **found, **results}

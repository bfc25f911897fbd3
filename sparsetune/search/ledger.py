"""The study's mind and memory: asks Optuna, remembers every answer in the storage, and takes up what was cut short.

Optuna works on copies of the study in memory, one for each cell of factors (``cell.py``). A new trial is drawn there as
a whole and then stored in one transaction, with its parameters and its config, so a kill finds it complete or not at
all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from sparsetune.base.errors import BadInput
from sparsetune.base.failpoints import failpoint
from sparsetune.base.messages import GIVEN, SAME_AS, Metrics, Row, Run, State, Trial
from sparsetune.config.study.study import Study
from sparsetune.search.cell import NEWS, Cell
from sparsetune.search.definition import CONTENT, note_changes, study_uid
from sparsetune.search.duplicates import Tried
from sparsetune.search.points import Points, crossed, in_turn
from sparsetune.search.records import as_trial, by_importance, trials_with_times
from sparsetune.search.storage import open_storage
from sparsetune.search.told import Told, told
from sparsetune.search.writing import Patient, store_end, store_new

_PROBLEM = "problem"  # a trial's attribute: why it has no config
_AT_ASK = ("config", "key", "seeds", "branches", _PROBLEM, SAME_AS, GIVEN, NEWS)


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
        try:
            self._study_id = self._storage.get_study_id_from_name(study.name)
        except KeyError:
            directions = [StudyDirection[each.goal.upper()] for each in study.objectives]
            self._study_id = self._storage.create_new_study(directions, study.name)
        attributes = self._storage.get_study_user_attrs(self._study_id)
        points = Points.kept(attributes) or points or Points()
        self._first = crossed(points.points, study.space)
        self.extent = study.extent(len(self._first))
        note_changes(self._storage, self._study_id, study, self.extent, environment, warn)
        for key, value in {CONTENT: dict(content or {}), **points.attributes()}.items():
            if value and key not in attributes:
                self._storage.set_study_user_attr(self._study_id, key, value)
        self.uid = study_uid(self._storage, self._study_id)
        self._tried = Tried(study, {**environment, **(content or {})}, points.results)
        self._cells = [Cell(study, factors) for factors in study.cells]
        self._positions: list[tuple[Cell, int]] = []  # by number: the cell, and the position there
        self._ids: list[int] = []  # in the storage, by number
        self._noted: dict[int, set[str]] = {}  # what the storage has of the samplers' notes on running trials
        for trial_id, frozen in trials_with_times(self._storage, self._study_id).items():
            self._take_up(trial_id, frozen)
        for number in list(self._noted):
            cell, position = self._positions[number]
            self._settle(number, cell.frozen(position).user_attrs)

    def _take_up(self, trial_id: int, frozen: FrozenTrial) -> None:
        number = len(self._ids)
        cell = next(cell for cell in self._cells if cell.has(frozen.params))
        self._positions.append((cell, len(cell)))
        self._ids.append(trial_id)
        self._tried.add(as_trial(frozen), frozen.user_attrs)
        if not frozen.state.is_finished():
            self._noted[number] = set(frozen.system_attrs)
        cell.restore(cell.part(frozen))

    def _next_position(self) -> tuple[Cell, dict[str, Any] | None]:
        """The next trial's cell, and the point that it has to try: first come those that the study begins with, then
        the cells take turns."""
        number, point = len(self._positions), None
        if number < len(self._first):
            index, point = self._first[number]
        else:
            begun = Counter(index for index, _ in self._first)
            index = in_turn([len(cell) - begun[at] for at, cell in enumerate(self._cells)], self._study.sizes)
        self._positions.append((self._cells[index], len(self._cells[index])))
        return self._cells[index], point

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def spent(self) -> bool:
        """Whether all trials of the budget, or all points that there are, have been drawn."""
        return len(self) >= self.extent.total(len(self._tried.taken_over))

    def trials(self) -> list[Trial]:
        return list(map(self._trial, range(len(self))))

    def by_importance(self) -> tuple[str, ...]:
        """Names of the parameters, the one that matters most for the first objective first (``records.py``)."""
        return by_importance(map(self._record, range(len(self))), self._study.objectives[0].goal)

    def ask(self) -> Trial:
        """Draw a new trial and store it as RUNNING; one whose like is complete may be so at once (``duplicates``)."""
        number = len(self)
        cell, point = self._next_position()
        _, config, problem = cell.ask(point)
        like = self._tried.like(config)
        attributes: dict[str, Any] = {"config": {**config, "seed": like.seeds[0]}, "key": like.key}
        if len(like.seeds) > 1:
            attributes["seeds"] = list(like.seeds)
        if problem:
            attributes[_PROBLEM] = problem
        elif like.named:
            attributes |= {SAME_AS: like.named, **({} if point is None else {GIVEN: True})}
        if self._study.fork:
            attributes["branches"] = [vars(branch) for branch in self._study.branches]
        if noted := cell.news():
            attributes[NEWS] = noted
        cell.note(self._positions[number][1], attributes)
        frozen = self._record(number)
        trial_id = self._patient(store_new, self._storage, self._study_id, frozen)
        if trial_id is None:
            problem = "another program adds trials to this study; end one of them"
            raise BadInput(problem, source=self._study.source, code="conflict")
        self._ids.append(trial_id)
        self._noted[number] = set(frozen.system_attrs)
        failpoint("after-ask")
        self._tried.add(as_trial(frozen), attributes)
        return self._settle(number, attributes)

    def _settle(self, number: int, attributes: Mapping[str, Any]) -> Trial:
        """End a new trial that needs no training; also one whose driver died before it could."""
        trial, problem = self._trial(number), attributes.get(_PROBLEM, "")
        if problem:
            runs = [replace(run, state="FAIL", reason=problem) for run in trial.runs]
            return self.tell(number, "FAIL", runs, problem)
        if SAME_AS in attributes:
            runs = self._tried.runs(attributes["key"], number, at_start=GIVEN in attributes)
            self._judge(number, runs)
            return self.tell(number, "COMPLETE", runs)
        return trial

    def report(self, number: int, row: Row) -> bool:
        """Hand a row to the pruner; True when the trial should stop."""
        cell, position = self._positions[number]
        return self._study.prunes and cell.report(position, row)

    def replicate(self, number: int, index: int, metrics: Metrics) -> bool:
        """Hand a replicate's end to the pruner; True when no more are worth training."""
        cell, position = self._positions[number]
        return self._study.prunes and cell.replicate(position, index, metrics)

    def tell(self, number: int, state: State, runs: Sequence[Run], reason: str = "") -> Trial:
        """Store how a trial ended. A COMPLETE one of which no branch has all objectives as numbers is a FAIL."""
        study, (cell, position) = self._study, self._positions[number]
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
        self._tried.add(trial, frozen.user_attrs)
        return trial

    def _judge(self, number: int, runs: Sequence[Run]) -> None:
        """Replicates of a result that is taken over count among those with which others are compared."""
        of_first = [run for run in runs if run.key.branch == self._study.branches[0].name]
        for index, run in enumerate(of_first[:-1]):
            self.replicate(number, index, run.metrics)

    def _record(self, number: int) -> FrozenTrial:
        cell, position = self._positions[number]
        return cell.whole(cell.frozen(position), number)

    def _trial(self, number: int) -> Trial:
        return as_trial(self._record(number))


def _attributes(end: Told, runs: Sequence[Run]) -> dict[str, Any]:
    """What the storage keeps of a trial's end; of a trial with one run that is all."""
    attributes: dict[str, Any] = {"metrics": end.metrics}
    optional = {"errors": end.errors, "reason": end.reason, "notes": end.notes}
    attributes |= {key: value for key, value in optional.items() if value}
    if len(runs) > 1 or any(run.results for run in runs):
        attributes["runs"] = [_said(run) for run in runs]
    return attributes


def _said(run: Run) -> dict[str, Any]:
    fields = {name: getattr(run, name) for name in ("state", "metrics", "reason", "notes")}
    results = {"results": [asdict(each) for each in run.results]} if run.results else {}
    return {"seed": run.key.seed, "branch": run.key.branch, **fields, **results}

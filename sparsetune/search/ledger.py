"""The study's mind and memory: asks Optuna, remembers every answer in the storage, and takes up what was cut short.

Optuna works on a copy of the study in memory. A new trial is drawn there as a whole and then stored in one
transaction, with its parameters and its config, so a kill finds it complete or not at all; the sampler is made anew
for each trial, from the study's seed and the trial's number. The draw is therefore a function of the seed, the number
and the trials that have finished, whether or not the driver died in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isnan
from typing import Any

import optuna
from optuna.storages import InMemoryStorage, RDBStorage
from optuna.trial import FrozenTrial, TrialState

from sparsetune.config.errors import BadInput
from sparsetune.config.messages import Metrics, Row, Trial
from sparsetune.config.overrides import assign, flatten
from sparsetune.config.registry import StudyRegistries
from sparsetune.config.seeds import mix
from sparsetune.config.space import draw
from sparsetune.config.study import Study
from sparsetune.failpoints import failpoint
from sparsetune.search.definition import differences, note_changes, study_uid
from sparsetune.search.ending import store_end
from sparsetune.search.patience import Patient
from sparsetune.search.space import suggester
from sparsetune.search.storage import DEFINITION, as_trial, check_folder, exists, open_storage

CONTENT = "content"
_STATES = {"COMPLETE": TrialState.COMPLETE, "PRUNED": TrialState.PRUNED, "FAIL": TrialState.FAIL}


def refuse_other_meaning(study: Study) -> None:
    """Raise :class:`BadInput` if the storage has a study of this name that means something else; writes nothing."""
    check_folder(study.storage, study.project.runs)
    known = _stored(study)
    if known is None:
        return
    storage, study_id = known
    if storage.get_n_trials(study_id, TrialState.WAITING):
        problem = f"{study.name!r} has trials that were enqueued by hand, which sparsetune does not run; delete them"
        raise BadInput(problem, source=study.source, key="study")
    stored = storage.get_study_user_attrs(study_id).get(DEFINITION)
    if stored is None:
        if storage.get_n_trials(study_id) == 0:
            return  # created by a driver that died before it could say more
        raise BadInput(f"{study.name!r} in the storage was not made by sparsetune", source=study.source, key="study")
    found = differences(stored, study.definition)
    if found:
        raise BadInput(
            f"{study.name!r} exists with another meaning ({'; '.join(found)}); "
            "name it anew (--set study=NAME), or undo the change",
            source=study.source,
            key="study",
        )


def refuse_other_content(study: Study, content: Mapping[str, str]) -> None:
    """Raise :class:`BadInput` if the study began with files that held something else; writes nothing."""
    known = _stored(study)
    if known is None:
        return
    storage, study_id = known
    began = storage.get_study_user_attrs(study_id).get(CONTENT, content)
    found = differences(began, content)
    if found:
        raise BadInput(
            f"the files of {study.name!r} hold something else than when it began ({'; '.join(found)}); "
            "put them back, or name the study anew (--set study=NAME)",
            source=study.source,
            key=found[0].partition(":")[0],
        )


def spent(study: Study) -> bool:
    """True if the storage has the study with all trials of its budget, and all of them have ended."""
    known = _stored(study)
    if known is None:
        return False
    storage, study_id = known
    running = storage.get_n_trials(study_id, TrialState.RUNNING)
    return running == 0 and storage.get_n_trials(study_id) >= study.budget.trials


def _stored(study: Study) -> tuple[RDBStorage, int] | None:
    """The storage and the study's id in it; None while there is no such study."""
    if not exists(study.storage):
        return None
    storage = open_storage(study.storage)
    try:
        return storage, storage.get_study_id_from_name(study.name)
    except KeyError:
        return None


class Ledger:
    """All trials of one study. Methods are called by one thread of one process, which holds the study's lock."""

    def __init__(
        self,
        study: Study,
        registries: StudyRegistries,
        environment: Mapping[str, str],
        warn: Callable[[str], None],
        content: Mapping[str, str] | None = None,
    ) -> None:
        """Open the study in its storage, or create it.

        Args:
            environment: what decides numbers beside configs; a change since the last run is a warning.
            content: digests of the files that the trials read, kept with a new study.
        """
        self._study = study
        self._patient = Patient(warn)
        self._base = study.trial.plain()
        self._flat_base = flatten(self._base)
        self._sampler = registries.sampler.get(study.sampler.name)
        self._storage = open_storage(study.storage)
        directions = [optuna.study.StudyDirection[o.goal.upper()] for o in study.objectives]
        try:
            self._study_id = self._storage.get_study_id_from_name(study.name)
        except KeyError:
            self._study_id = self._storage.create_new_study(directions, study.name)
        note_changes(self._storage, self._study_id, study, environment, warn)
        if content and CONTENT not in self._storage.get_study_user_attrs(self._study_id):
            self._storage.set_study_user_attr(self._study_id, CONTENT, dict(content))
        self.uid = study_uid(self._storage, self._study_id)
        self._memory = InMemoryStorage()
        self._copy = optuna.create_study(
            storage=self._memory,
            directions=directions,
            pruner=registries.pruner.get(study.pruner.name).make(study.pruner),
        )
        self._ids: list[int] = []  # in the storage, by number
        for frozen in self._storage.get_all_trials(self._study_id):
            self._memory.create_new_trial(self._copy._study_id, frozen)
            self._ids.append(frozen._trial_id)

    def __len__(self) -> int:
        return len(self._ids)

    def trials(self) -> list[Trial]:
        return [as_trial(frozen) for frozen in self._copy.get_trials(deepcopy=False)]

    def front(self) -> list[int]:
        """Numbers of the best trial, or of the Pareto front; empty while no trial is complete."""
        return [frozen.number for frozen in self._copy.best_trials]

    def ask(self) -> Trial:
        """Draw a new trial and store it as RUNNING."""
        number = len(self)
        self._copy.sampler = self._sampler.make(self._study.sampler, mix(self._study.trial.seed, number))
        asked = self._copy.ask()
        point = draw(self._study.space, self._flat_base, suggester(asked))
        asked.set_user_attr("config", assign(self._base, point))
        frozen = self._frozen(number)
        trial_id = self._patient(self._storage.create_new_trial, self._study_id, frozen)
        if self._patient(self._storage.get_trial_number_from_id, trial_id) != number:
            raise BadInput("another program adds trials to this study; end one of them", source=self._study.source)
        self._ids.append(trial_id)
        failpoint("after-ask")
        return as_trial(frozen)

    def report(self, number: int, row: Row) -> bool:
        """Hand a row to the pruner; True when the trial should stop."""
        if not self._study.prunes:
            return False
        trial = optuna.trial.Trial(self._copy, self._frozen(number)._trial_id)
        trial.report(row.metrics[self._study.objectives[0].metric], row.epoch)
        return trial.should_prune()

    def tell(
        self, number: int, state: str, metrics: Metrics, reason: str = "", notes: Mapping[str, str] | None = None
    ) -> Trial:
        """Store how a trial ended. COMPLETE wants every objective among the metrics; NaN is a FAIL."""
        values: Sequence[float] | None = None
        if state == "COMPLETE":
            values = [metrics[objective.metric] for objective in self._study.objectives]
            undefined = [o.metric for o, value in zip(self._study.objectives, values, strict=True) if isnan(value)]
            if undefined:
                state, values, reason = "FAIL", None, f"{', '.join(undefined)} is not a number"
        before = self._frozen(number)
        attributes: dict[str, Any] = {"metrics": metrics}
        if reason:
            attributes["reason"] = reason
        if notes:
            attributes["notes"] = dict(notes)
        trial_id = before._trial_id
        for key, value in attributes.items():
            self._memory.set_trial_user_attr(trial_id, key, value)
        self._copy.tell(number, values, _STATES[state])
        frozen = self._frozen(number)
        failpoint("before-tell")
        self._patient(store_end, self._storage, self._ids[number], frozen, attributes)
        failpoint("after-tell")
        return as_trial(frozen)

    def _frozen(self, number: int) -> FrozenTrial:
        trial_id = self._memory.get_trial_id_from_study_id_trial_number(self._copy._study_id, number)
        return self._memory.get_trial(trial_id)


def preview(study: Study, registries: StudyRegistries, count: int) -> list[dict[str, Any]]:
    """The first points that a new study would draw if every trial failed; nothing is stored."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = registries.sampler.get(study.sampler.name)
    memory = optuna.create_study(directions=[objective.goal for objective in study.objectives])
    points = []
    for number in range(count):
        memory.sampler = sampler.make(study.sampler, mix(study.trial.seed, number))
        asked = memory.ask()
        points.append(draw(study.space, flatten(study.trial.plain()), suggester(asked)))
        memory.tell(asked, state=TrialState.FAIL)
    return points

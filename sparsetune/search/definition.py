"""What makes a study the study it is: whether the storage's is the one that a study file means, and what may change
between its runs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import GIVEN
from sparsetune.config.overrides import flatten
from sparsetune.config.study.problem import Extent
from sparsetune.config.study.study import Study
from sparsetune.search.progress import BUDGET
from sparsetune.search.storage import DEFINITION, UID, check_folder, exists, open_storage

if TYPE_CHECKING:
    from optuna.storages import BaseStorage, RDBStorage

METRIC_NAMES = "study:metric_names"  # where Optuna and its dashboard look for the objectives' names
CONTENT = "content"  # the study's attribute with digests of the files that its trials read
_CHANGES = "changes"
_ABSENT = "(absent)"
_FIRST_NEW = "training.evaluate"  # a setting that every study has since trainings are trees of stages


def differences(stored: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """``key: stored -> now`` for every dotted name that differs, and for another order of the space."""
    before, after = flatten(stored), flatten(now)
    order = [list(each.get("space", ())) for each in (stored, now)]
    moved = order[0] != order[1] and sorted(order[0]) == sorted(order[1])
    of_order = [f"the order of space: {', '.join(order[0])} -> {', '.join(order[1])}"] if moved else []
    return of_order + [
        f"{name}: {before.get(name, _ABSENT)} -> {after.get(name, _ABSENT)}"
        for name in dict.fromkeys((*before, *after))
        if before.get(name, _ABSENT) != after.get(name, _ABSENT)
    ]


def note_changes(
    storage: BaseStorage,
    study_id: int,
    study: Study,
    extent: Extent,
    environment: Mapping[str, str],
    warn: Callable[[str], None],
) -> None:
    """Write the definition of a new study; for an old one note what may change and has, with the trial it begins at."""
    attributes = storage.get_study_user_attrs(study_id)
    if DEFINITION not in attributes:
        storage.set_study_system_attr(study_id, METRIC_NAMES, [objective.metric for objective in study.objectives])
        storage.set_study_user_attr(study_id, DEFINITION, study.definition)
    budget = {**study.budget.model_dump(), **vars(extent)}
    if attributes.get(BUDGET) != budget:
        storage.set_study_user_attr(study_id, BUDGET, budget)
    changes: list[dict[str, Any]] = attributes.get(_CHANGES, [])
    current = {
        "sampler": study.sampler.model_dump(mode="json"),
        "pruner": study.pruner.model_dump(mode="json"),
        "environment": dict(environment),
    }
    last = {key: value for change in changes for key, value in change.items()}
    new = {key: value for key, value in current.items() if last.get(key) != value}
    if not new:
        return
    for key in new:
        if key in last:
            shown = "; ".join(differences(last[key], current[key]))
            warn(f"{key} changed since the last run ({shown}): noted in the study")
    begins = storage.get_n_trials(study_id)
    storage.set_study_user_attr(study_id, _CHANGES, [*changes, {"from_trial": begins, **new}])


def study_uid(storage: BaseStorage, study_id: int) -> str:
    """What tells this study from an earlier one of the same name, whose storage was deleted."""
    uid: str | None = storage.get_study_user_attrs(study_id).get(UID)
    if uid is None:
        uid = uuid.uuid4().hex[:12]
        storage.set_study_user_attr(study_id, UID, uid)
    return uid


def refuse_other_meaning(study: Study) -> None:
    """Raise :class:`BadInput` if the storage has a study of this name that means something else; writes nothing."""
    from optuna.trial import TrialState

    check_folder(study.storage, study.project.runs)
    stored = stored_study(study)
    if stored is None:
        return
    storage, study_id = stored

    def refused(problem: str) -> BadInput:
        return BadInput(problem, source=study.source, key="study", code="conflict")

    if storage.get_n_trials(study_id, TrialState.WAITING):
        raise refused(
            f"{study.name!r} has trials that were enqueued by hand, which sparsetune does not run; delete them"
        )
    attributes = storage.get_study_user_attrs(study_id)
    definition = attributes.get(DEFINITION)
    if definition is None:
        if storage.get_n_trials(study_id) == 0:
            return  # created by a driver that died before it could say more
        raise refused(f"{study.name!r} in the storage was not made by sparsetune")
    changed = differences(_placed(definition, study, attributes.get(CONTENT, ())), study.definition)
    if any(difference.startswith(f"{_FIRST_NEW}: {_ABSENT}") for difference in changed):
        raise refused(
            f"{study.name!r} was begun by an earlier version of sparsetune, which alone can go on with it; name it "
            f"anew (--set study=NAME), with start_with: [{{all_of: {study.name}}}] to begin with what it has found"
        )
    if changed:
        raise refused(
            f"{study.name!r} exists with another meaning ({'; '.join(changed)}); "
            "name it anew (--set study=NAME), or undo the change"
        )


def _placed(stored: Mapping[str, Any], study: Study, content: Collection[str]) -> dict[str, Any]:
    """A stored definition with files where they lie now, of those whose content is known: that is compared."""
    placed = dict(stored)
    for section in {name.partition(".")[0] for name in content}:
        part, now = stored.get(section), study.definition[section]
        if isinstance(part, Mapping):
            moved = {name: now[name] for name in study.places(section) if part.get(name) and now.get(name)}
            placed[section] = {**part, **moved}
    return placed


def refuse_other_content(study: Study, content: Mapping[str, str]) -> None:
    """Raise :class:`BadInput` if the study began with files that held something else; writes nothing."""
    stored = stored_study(study)
    if stored is None:
        return
    storage, study_id = stored
    began = storage.get_study_user_attrs(study_id).get(CONTENT, content)
    changed = differences(began, content)
    if changed:
        raise BadInput(
            f"the files of {study.name!r} hold something else than when it began ({'; '.join(changed)}); "
            "put them back, or name the study anew (--set study=NAME)",
            source=study.source,
            key=changed[0].partition(":")[0],
            code="conflict",
        )


def identity(study: Study) -> str | None:
    """What tells the study from others of its name; None for one that has not begun."""
    stored = stored_study(study)
    if stored is None:
        return None
    storage, study_id = stored
    uid: str | None = storage.get_study_user_attrs(study_id).get(UID)
    return uid


def spent(study: Study) -> bool:
    """True if the storage has the study with all trials of its budget, and all of them have ended."""
    from optuna.trial import TrialState

    stored = stored_study(study)
    if stored is None:
        return False
    storage, study_id = stored
    if storage.get_n_trials(study_id, TrialState.RUNNING):
        return False
    taken_over = 0
    if study.start_with:
        if study.points is not None:
            return False  # a grid has its points beside those that it begins with: the ledger knows
        trials = storage.get_all_trials(study_id, deepcopy=False)
        taken_over = sum(GIVEN in trial.user_attrs for trial in trials)
    return storage.get_n_trials(study_id) >= study.extent().total(taken_over)


def stored_study(study: Study) -> tuple[RDBStorage, int] | None:
    """The storage and the study's id in it; None while there is no such study."""
    if not exists(study.storage):
        return None
    storage = open_storage(study.storage)
    try:
        return storage, storage.get_study_id_from_name(study.name)
    except KeyError:
        return None

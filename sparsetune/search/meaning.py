"""Whether a study of the storage is the one that a study file means; nothing is written."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from optuna.storages import RDBStorage
from optuna.trial import TrialState

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import GIVEN
from sparsetune.config.study.study import Study
from sparsetune.search.definition import differences, stored_uid
from sparsetune.search.storage import DEFINITION, check_folder, exists, open_storage

CONTENT = "content"
FIRST_NEW = "training.evaluate"  # a setting that every study has since trainings are trees of stages


def refuse_other_meaning(study: Study) -> None:
    """Raise :class:`BadInput` if the storage has a study of this name that means something else; writes nothing."""
    check_folder(study.storage, study.project.runs)
    known = stored_study(study)
    if known is None:
        return
    storage, study_id = known
    if storage.get_n_trials(study_id, TrialState.WAITING):
        problem = f"{study.name!r} has trials that were enqueued by hand, which sparsetune does not run; delete them"
        raise BadInput(problem, source=study.source, key="study")
    attributes = storage.get_study_user_attrs(study_id)
    stored = attributes.get(DEFINITION)
    if stored is None:
        if storage.get_n_trials(study_id) == 0:
            return  # created by a driver that died before it could say more
        raise BadInput(f"{study.name!r} in the storage was not made by sparsetune", source=study.source, key="study")
    found = differences(_placed(stored, study, attributes.get(CONTENT, ())), study.definition)
    if any(difference.startswith(f"{FIRST_NEW}: (absent)") for difference in found):
        raise BadInput(
            f"{study.name!r} was begun by an earlier version of sparsetune, which alone can go on with it; name it "
            f"anew (--set study=NAME), with start_with: [{{all_of: {study.name}}}] to begin with what it has found",
            source=study.source,
            key="study",
        )
    if found:
        raise BadInput(
            f"{study.name!r} exists with another meaning ({'; '.join(found)}); "
            "name it anew (--set study=NAME), or undo the change",
            source=study.source,
            key="study",
        )


def _placed(stored: Mapping[str, Any], study: Study, content: Collection[str]) -> dict[str, Any]:
    """A stored definition with files where they lie now, of those whose content is known: that is compared."""
    found = dict(stored)
    for section in {name.partition(".")[0] for name in content}:
        part, now = stored.get(section), study.definition[section]
        if isinstance(part, Mapping):
            moved = {name: now[name] for name in study.places(section) if part.get(name) and now.get(name)}
            found[section] = {**part, **moved}
    return found


def refuse_other_content(study: Study, content: Mapping[str, str]) -> None:
    """Raise :class:`BadInput` if the study began with files that held something else; writes nothing."""
    known = stored_study(study)
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


def identity(study: Study) -> str | None:
    """What tells the study from others of its name; None for one that has not begun."""
    known = stored_study(study)
    return None if known is None else stored_uid(*known)


def spent(study: Study) -> bool:
    """True if the storage has the study with all trials of its budget, and all of them have ended."""
    known = stored_study(study)
    if known is None:
        return False
    storage, study_id = known
    if storage.get_n_trials(study_id, TrialState.RUNNING):
        return False
    given = 0
    if study.start_with:
        if study.points is not None:
            return False  # a grid has its points beside those that are given: the ledger knows
        trials = storage.get_all_trials(study_id, deepcopy=False)
        given = sum(GIVEN in trial.user_attrs for trial in trials)
    return storage.get_n_trials(study_id) >= study.extent().total(given)


def stored_study(study: Study) -> tuple[RDBStorage, int] | None:
    """The storage and the study's id in it; None while there is no such study."""
    if not exists(study.storage):
        return None
    storage = open_storage(study.storage)
    try:
        return storage, storage.get_study_id_from_name(study.name)
    except KeyError:
        return None

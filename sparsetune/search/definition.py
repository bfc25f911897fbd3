"""What makes a study the study it is, and what may change between its runs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sparsetune.config.overrides import flatten
from sparsetune.config.study.extent import Extent
from sparsetune.config.study.study import Study
from sparsetune.search.progress import BUDGET
from sparsetune.search.storage import DEFINITION, UID

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

METRIC_NAMES = "study:metric_names"  # where Optuna and its dashboard look for the objectives' names
_CHANGES = "changes"
_ABSENT = "(absent)"


def differences(stored: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """``key: stored -> now`` for every dotted name that differs, and for another order of the space."""
    before, after = flatten(stored), flatten(now)
    order = [list(each.get("space", ())) for each in (stored, now)]
    moved = order[0] != order[1] and sorted(order[0]) == sorted(order[1])
    found = [f"the order of space: {', '.join(order[0])} -> {', '.join(order[1])}"] if moved else []
    return found + [
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
    uid = stored_uid(storage, study_id)
    if uid is None:
        uid = uuid.uuid4().hex[:12]
        storage.set_study_user_attr(study_id, UID, uid)
    return uid


def stored_uid(storage: BaseStorage, study_id: int) -> str | None:
    """The same; None while no driver has written it."""
    uid = storage.get_study_user_attrs(study_id).get(UID)
    return None if uid is None else str(uid)

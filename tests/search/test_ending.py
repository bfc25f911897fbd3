"""Storing an end in one transaction leaves what Optuna's own calls leave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from sparsetune.search.ending import store_end
from sparsetune.search.storage import open_storage

ATTRIBUTES: dict[str, Any] = {"metrics": {"val_loss": 0.5, "nan": float("inf")}, "reason": "so"}
NOTES: dict[str, Any] = {"constraints:val_accuracy at least 0.9": 0.1, "completed_rung_0": 0.5}
STEPS = {1: 0.5, 2: float("nan"), 3: float("-inf")}


@pytest.fixture
def storage(tmp_path: Path) -> RDBStorage:
    return open_storage(f"sqlite:///{tmp_path / 'studies.db'}")


def two_running(storage: RDBStorage) -> tuple[int, int]:
    study = optuna.create_study(storage=storage, directions=["minimize", "maximize"])
    return study.ask()._trial_id, study.ask()._trial_id


@pytest.mark.parametrize(
    ("state", "values"),
    [(TrialState.COMPLETE, [1.5, float("inf")]), (TrialState.PRUNED, None), (TrialState.FAIL, None)],
)
def test_as_optuna_stores_it(storage: RDBStorage, state: TrialState, values: list[float] | None) -> None:
    ours, theirs = two_running(storage)
    for key, value in ATTRIBUTES.items():
        storage.set_trial_user_attr(theirs, key, value)
    for key, value in NOTES.items():
        storage.set_trial_system_attr(theirs, key, value)
    for step, value in STEPS.items():
        storage.set_trial_intermediate_value(theirs, step, value)
    storage.set_trial_state_values(theirs, state, values)
    expected = storage.get_trial(theirs)
    store_end(storage, ours, expected, ATTRIBUTES, NOTES)
    found = storage.get_trial(ours)
    assert told(found) == told(expected)
    assert found.datetime_complete == expected.datetime_complete
    assert found.user_attrs == ATTRIBUTES


def told(trial: FrozenTrial) -> tuple[Any, ...]:
    attributes = trial.user_attrs, trial.system_attrs
    return trial.state, trial.values, attributes, [(s, str(v)) for s, v in trial.intermediate_values.items()]


def test_a_second_attempt_changes_nothing(storage: RDBStorage) -> None:
    """The first went through, but its answer did not arrive."""
    ours, theirs = two_running(storage)
    storage.set_trial_state_values(theirs, TrialState.COMPLETE, [1.0, 2.0])
    store_end(storage, ours, storage.get_trial(theirs), {"reason": "first"}, {})
    first = storage.get_trial(ours)
    store_end(storage, ours, storage.get_trial(theirs), {"reason": "second"}, NOTES)
    assert storage.get_trial(ours) == first


def test_all_or_nothing(storage: RDBStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = two_running(storage)
    storage.set_trial_state_values(theirs, TrialState.COMPLETE, [1.0, 2.0])

    def fail(*arguments: object) -> None:
        raise KeyboardInterrupt

    ended = storage.get_trial(theirs)
    monkeypatch.setattr(RDBStorage, "_set_trial_value_without_commit", fail)
    with pytest.raises(KeyboardInterrupt):
        store_end(storage, ours, ended, ATTRIBUTES, NOTES)
    assert storage.get_trial(ours).state == TrialState.RUNNING
    assert storage.get_trial(ours).user_attrs == {}

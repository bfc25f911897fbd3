"""A trial that is written in few statements is what Optuna's own calls leave; the storage may be away for a while."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from sparsetune.search.storage import open_storage
from sparsetune.search.writing import Patient, store_end, store_new

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


def test_what_is_there_already_is_replaced(storage: RDBStorage) -> None:
    """A note by hand, or a step of a version that stored each at once."""
    ours, theirs = two_running(storage)
    storage.set_trial_user_attr(ours, "reason", "by hand")
    storage.set_trial_user_attr(ours, "other", "by hand")
    storage.set_trial_intermediate_value(ours, 1, 9.0)
    storage.set_trial_intermediate_value(theirs, 1, 0.5)
    storage.set_trial_state_values(theirs, TrialState.COMPLETE, [1.0, 2.0])
    store_end(storage, ours, storage.get_trial(theirs), ATTRIBUTES, {})
    found = storage.get_trial(ours)
    assert found.user_attrs == {**ATTRIBUTES, "other": "by hand"}
    assert found.intermediate_values == {1: 0.5}


def drawn(number: int) -> FrozenTrial:
    """A trial with a parameter of each kind."""
    trial = optuna.trial.create_trial(
        state=TrialState.RUNNING,
        params={"lr": 0.01, "width": 8, "optimizer": "adam", "nothing": None},
        distributions={
            "lr": FloatDistribution(1e-4, 1.0, log=True),
            "width": IntDistribution(2, 16, step=2),
            "optimizer": CategoricalDistribution(("sgd", "adam")),
            "nothing": CategoricalDistribution((True, None)),
        },
        user_attrs={"config": {"seed": 1, "names": ["\u00e4", "\U0001f600"]}, "key": "a" * 64},
        system_attrs={"sampler:note": [1, None]},
    )
    trial.number = number
    return trial


def test_a_new_one_as_optuna_stores_it(storage: RDBStorage) -> None:
    study = optuna.create_study(storage=storage, directions=["minimize", "maximize"])
    theirs = storage.create_new_trial(study._study_id, drawn(0))
    ours = store_new(storage, study._study_id, drawn(1))
    assert ours is not None
    found, expected = storage.get_trial(ours), storage.get_trial(theirs)
    assert (found.number, found.state) == (1, TrialState.RUNNING)
    assert found.datetime_start is not None
    expected.number, expected._trial_id, expected.datetime_start = 1, ours, found.datetime_start
    assert found == expected
    assert found.user_attrs == drawn(1).user_attrs


def test_a_time_of_the_second_hour_of_autumn(storage: RDBStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record's time is the clock's on the wall; which of the two hours it is says its fold."""
    study = optuna.create_study(storage=storage, directions=["minimize", "maximize"])
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        trial = drawn(0)
        trial.datetime_start = datetime(2026, 10, 25, 2, 30, fold=1)
        store_new(storage, study._study_id, trial)
    finally:
        monkeypatch.undo()
        time.tzset()
    with storage.engine.connect() as connection:
        assert (
            connection.execute(text("SELECT datetime_start FROM trials")).scalar_one() == "2026-10-25 01:30:00.000000"
        )


def test_a_number_that_is_taken(storage: RDBStorage) -> None:
    study = optuna.create_study(storage=storage, directions=["minimize", "maximize"])
    study.ask()
    assert store_new(storage, study._study_id, drawn(0)) is None
    assert store_new(storage, study._study_id, drawn(2)) is None
    assert [trial.number for trial in study.get_trials()] == [0]


def refusing(storage: RDBStorage, table: str) -> None:
    """Let the database refuse rows of a table."""
    with storage.engine.begin() as connection:
        connection.execute(text(f"CREATE TRIGGER no BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END"))


@pytest.mark.parametrize("table", ["trial_params", "trial_user_attributes", "trial_system_attributes"])
def test_a_new_one_all_or_nothing(storage: RDBStorage, table: str) -> None:
    study = optuna.create_study(storage=storage, directions=["minimize", "maximize"])
    refusing(storage, table)
    with pytest.raises(IntegrityError):
        store_new(storage, study._study_id, drawn(0))
    assert study.get_trials() == []


@pytest.mark.parametrize("table", ["trial_system_attributes", "trial_intermediate_values", "trial_values"])
def test_an_end_all_or_nothing(storage: RDBStorage, table: str) -> None:
    ours, theirs = two_running(storage)
    storage.set_trial_intermediate_value(theirs, 1, 0.5)
    storage.set_trial_state_values(theirs, TrialState.COMPLETE, [1.0, 2.0])
    ended = storage.get_trial(theirs)
    refusing(storage, table)
    with pytest.raises(IntegrityError):
        store_end(storage, ours, ended, ATTRIBUTES, NOTES)
    assert storage.get_trial(ours).state == TrialState.RUNNING
    assert storage.get_trial(ours).user_attrs == {}


def test_of_what_is_not_there_nothing_is_written(storage: RDBStorage) -> None:
    """A study may have been deleted while it ran; Optuna's own calls raise the same."""
    ours, theirs = two_running(storage)
    drawn = storage.get_trial(theirs)
    with pytest.raises(KeyError):
        store_new(storage, 99, drawn)
    with pytest.raises(KeyError):
        store_end(storage, 99, drawn, ATTRIBUTES, {})
    with storage.engine.connect() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM trials")).scalar_one() == 2
    assert storage.get_trial(ours).user_attrs == {}


def failing(times: int) -> tuple[Patient, list[str], list[float], list[int]]:
    said: list[str] = []
    waited: list[float] = []
    return Patient(said.append, waited.append), said, waited, [times]


def call(left: list[int], value: str) -> str:
    if left[0]:
        left[0] -= 1
        raise StorageInternalError("database is locked")
    return value


def test_it_is_asked_again_with_growing_pauses_and_one_warning() -> None:
    patient, said, waited, left = failing(7)
    assert patient(call, left, "done") == "done"
    assert waited == [1, 2, 4, 8, 16, 30, 30]
    assert said == ["the storage does not answer, trying again: database is locked"]


def test_in_the_end_the_error_comes_through() -> None:
    patient, _, waited, left = failing(100)
    with pytest.raises(StorageInternalError):
        patient(call, left, "done")
    assert len(waited) == 19


def test_other_errors_are_not_waited_for() -> None:
    patient, _, waited, _ = failing(0)
    with pytest.raises(ZeroDivisionError):
        patient(lambda: 1 // 0)
    assert waited == []

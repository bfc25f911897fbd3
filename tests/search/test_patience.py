"""The storage may be away for a while."""

from __future__ import annotations

import pytest
from optuna.exceptions import StorageInternalError

from sparsetune.search.writing import Patient


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

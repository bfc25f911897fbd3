"""Warnings that every trial would repeat."""

from __future__ import annotations

import warnings

import pytest

from sparsetune.base import said_once as module
from sparsetune.base.said_once import said_once


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SAID", set())


def trial(number: int, category: type[Warning] = UserWarning) -> None:
    with warnings.catch_warnings():  # as libraries do, and Python forgets what it has shown
        warnings.simplefilter("always")
    with said_once():
        warnings.warn(f"{number} samples are odd", category, stacklevel=1)


def test_a_line_of_code_is_heard_once() -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("default")
        for number in range(3):
            trial(number)
        with said_once():
            warnings.warn("another line", UserWarning, stacklevel=1)
        trial(0, FutureWarning)
    assert [str(each.message) for each in shown] == ["0 samples are odd", "another line", "0 samples are odd"]


def test_filters_hold() -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("ignore")
        trial(0)
    assert not shown
    with pytest.raises(UserWarning, match="0 samples"):  # as this suite runs
        trial(0)

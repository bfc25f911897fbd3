"""Warnings that every trial would repeat; looking for garbage less often, and as before afterwards."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator

import pytest

from sparsetune.base.surroundings import interpreter as module
from sparsetune.base.surroundings.interpreter import RARELY, rarely_collected, said_once


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


@pytest.fixture
def _as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("_as_before")
@pytest.mark.parametrize(
    ("before", "within"),
    [((700, 10, 10), (RARELY, 10, 10)), ((50_000, 5, 5), (50_000, 5, 5)), ((0, 10, 10), (0, 10, 10))],
)
def test_less_often_and_then_as_before(before: tuple[int, int, int], within: tuple[int, int, int]) -> None:
    gc.set_threshold(*before)
    with pytest.raises(KeyboardInterrupt):
        interrupted(within)
    assert gc.get_threshold() == before


def interrupted(expected: tuple[int, int, int]) -> None:
    with rarely_collected():
        assert gc.get_threshold() == expected
        raise KeyboardInterrupt

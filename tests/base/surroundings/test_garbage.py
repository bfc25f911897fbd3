"""Looking for garbage less often, and as before afterwards."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from sparsetune.base.surroundings.garbage import RARELY, rarely_collected


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


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

"""Times and sizes in two digits."""

import pytest

from sparsetune.show.amounts import duration, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.0153, "15 ms"),
        (0.54, "0.54 s"),
        (0.999, "1.0 s"),
        (9.99, "10 s"),
        (99.0, "99 s"),
        (720.0, "12 min"),
        (5999.0, "100 min"),
        (12_240.0, "3.4 h"),
        (270_000.0, "75 h (3.1 days)"),
        (3.6e7, "10,000 h (417 days)"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (690, "690 B"),
        (999.7, "1.0 kB"),
        (423_096, "423 kB"),
        (2_000_000_000, "2.0 GB"),
        (14.2e12, "14 TB"),
        (3e18, "3,000 PB"),
    ],
)
def test_size(count: float, text: str) -> None:
    assert size(count) == text

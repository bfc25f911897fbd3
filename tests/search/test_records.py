"""Times of trials are moments, whatever the clock on the wall says: in other zones, and in an hour that comes twice."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import connect

import pytest

from sparsetune.base.errors import BadInput
from sparsetune.search.ledger import Ledger
from sparsetune.search.lock import hold, holder_of, refuse_if_held
from sparsetune.search.progress import read_progress
from sparsetune.search.records import stored_ms
from sparsetune.search.storage import read_study

from .toys import make, opened, work

ZONES = ("Asia/Tokyo", "America/Los_Angeles", "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC")
Zone = Callable[[str], None]


def times(ledger: Ledger, url: str) -> list[tuple[int, int]]:
    """Start and end of each trial, which all that read them agree on."""
    found = [(trial.started_ms, trial.ended_ms) for trial in ledger.trials()]
    (progress,) = read_progress(url)
    assert [(each.started_ms, each.ended_ms) for each in progress.trials] == found
    assert [(each.started_ms, each.ended_ms) for each in read_study(url, progress.name).trials] == found
    return found


@pytest.mark.parametrize("name", ZONES)
def test_a_trial_that_has_just_ended_ended_now(name: str, zone: Zone, tmp_path: Path) -> None:
    zone(name)
    study = make(tmp_path)
    before = time.time() - 0.002
    ledger = opened(study)
    work(ledger, ledger.ask())
    ((started, ended),) = times(ledger, study.storage)
    assert before <= started / 1000 <= ended / 1000 <= time.time()


def test_a_study_that_goes_on_in_other_zones(zone: Zone, tmp_path: Path) -> None:
    """Begun in one, cut short, taken up in the next: no time moves, and later trials are later."""
    study = make(tmp_path)
    known: list[tuple[int, int]] = []
    for name in ZONES:
        zone(name)
        ledger = opened(study)
        found = times(ledger, study.storage)
        assert found[: len(known)] == known
        running = [trial for trial in ledger.trials() if trial.state == "RUNNING"]
        work(ledger, running[0] if running else ledger.ask())
        ledger.ask()
        known = times(ledger, study.storage)[:-1]
        ends = [moment for both in known for moment in both]
        assert ends == sorted(ends)
    assert len(known) == len(ZONES)
    assert abs(known[-1][1] / 1000 - time.time()) < 60


@pytest.mark.parametrize("hour", [4, 5, 6, 7])
def test_the_hour_that_comes_twice(hour: int, zone: Zone, tmp_path: Path) -> None:
    """New York has 1:30 twice, at 5:30 and 6:30 UTC."""
    zone("America/New_York")
    study = make(tmp_path)
    ledger = opened(study)
    work(ledger, ledger.ask())
    moments = [f"2026-11-01 0{hour}:30:{second:02d}.000000" for second in (0, 20)]
    with closing(connect(study.storage.removeprefix("sqlite:///"))) as storage, storage:
        storage.execute("UPDATE trials SET datetime_start = ?, datetime_complete = ?", moments)
    first = int(datetime(2026, 11, 1, hour, 30, tzinfo=UTC).timestamp() * 1000)
    assert times(opened(study), study.storage) == [(first, first + 20_000)]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (None, 0),
        ("", 0),
        ("1970-01-01 00:00:01", 1_000),
        ("2026-11-01 05:30:00.250000", 1_793_511_000_250),
        (datetime(2026, 11, 1, 5, 30), 1_793_511_000_000),
    ],
)
def test_what_a_database_keeps_is_utc(moment: datetime | str | None, expected: int, zone: Zone) -> None:
    for name in ZONES:
        zone(name)
        assert stored_ms(moment) == expected


def test_since_when_a_driver_runs_is_told_in_every_zone(zone: Zone, tmp_path: Path) -> None:
    path = tmp_path / "toys.lock"
    zone("Asia/Tokyo")
    with hold(path, "toys"):
        assert json.loads(path.read_text())["since"].endswith("+09:00")
        zone("America/Los_Angeles")
        found = holder_of(path)
        assert found is not None
        assert abs(found.since_ms / 1000 - time.time()) < 2
        with pytest.raises(BadInput, match=rf", since {datetime.now():%Y-%m-%d %H}:\d\d:\d\d -0[78]00; wait for it"):
            refuse_if_held(path, "toys")


def test_a_lock_that_names_no_zone_means_the_one_here(zone: Zone, tmp_path: Path) -> None:
    """As earlier versions wrote it."""
    path = tmp_path / "toys.lock"
    zone("Asia/Tokyo")
    with hold(path, "toys"):
        path.write_text('{"pid": 7, "host": "here", "since": "2026-11-29 09:00:00"}')
        found = holder_of(path)
        assert found is not None
        assert found.since_ms == int(datetime(2026, 11, 29, tzinfo=UTC).timestamp() * 1000)

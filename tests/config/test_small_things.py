"""Cadences, folder names, seeds, the registry, and failpoints."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sparsetune.base.durations import Cadence
from sparsetune.base.errors import BadInput
from sparsetune.base.failpoints import VARIABLE
from sparsetune.base.paths import Project, find_root, slug
from sparsetune.base.secrets import without_password
from sparsetune.base.seeds import mix
from sparsetune.config.registry import Registry

PRINTABLE = st.text(min_size=1, max_size=200).filter(lambda name: name.isprintable() and name.strip())


class Clock:
    """Time that passes when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("every", "due"), [("1ep", [1, 2, 3, 4, 5, 6]), ("2ep", [2, 4, 6]), ("5 ep", [5])])
def test_by_epochs(every: str, due: list[int]) -> None:
    cadence = Cadence(every, Clock())
    assert [epoch for epoch in range(1, 7) if cadence.due(epoch)] == due


def test_epochs_count_from_the_last_time_when_some_are_not_asked_about() -> None:
    cadence = Cadence("3ep", Clock())
    assert [epoch for epoch in (1, 4, 5, 6, 7, 20, 21, 23) if cadence.due(epoch)] == [4, 7, 20, 23]


def test_by_seconds_on_a_clock_of_its_own() -> None:
    clock = Clock()
    cadence = Cadence("1.5s", clock)
    found = []
    for epoch, now in enumerate((100.0, 101.4, 101.5, 102.9, 103.0, 110.0, 111.0, 111.5), start=1):
        clock.now = now
        found += [now] if cadence.due(epoch) else []
    assert found == [101.5, 103.0, 110.0, 111.5]


@given(st.integers(1, 50), st.lists(st.integers(1, 9), max_size=40))
def test_two_reports_are_a_period_apart_and_none_is_late(period: int, steps: list[int]) -> None:
    clock = Clock()
    cadence = Cadence(f"{period}s", clock)
    last = clock.now
    for step in steps:
        clock.now += step
        if cadence.due(1):
            assert clock.now - last >= period
            last = clock.now
        assert clock.now - last < period


@given(PRINTABLE, PRINTABLE)
@example("a b", "a_b")
@example("a b", slug("a b"))
@example("a", ".a")
@example("é" * 200, "é" * 199)
def test_two_names_never_share_a_folder(one: str, other: str) -> None:
    assume(one != other)
    assert slug(one) != slug(other)


@given(PRINTABLE)
@example("..")
@example("/")
@example("𝔸" * 200)
@example("\0x"[1:] + "/../../etc")
def test_a_folder_name_is_one_step_and_short_enough(name: str) -> None:
    folder = slug(name)
    assert folder not in ("", ".", "..")
    assert "/" not in folder
    assert len(f"{folder}.lock".encode()) <= 255


def test_plain_names_stay() -> None:
    assert [slug(name) for name in ("ast_pi", "a.b-c", "über2")] == ["ast_pi", "a.b-c", "über2"]


def test_the_nearest_root_counts(tmp_path: Path) -> None:
    (tmp_path / "search_spaces").mkdir()
    inner = tmp_path / "a" / "b"
    (inner / "search_spaces").mkdir(parents=True)
    (inner / "studies").mkdir()
    assert find_root(inner / "studies" / "x.yaml") == inner
    assert find_root(inner.parent) == tmp_path
    assert Project(inner).trials("a/b", "x").parent == inner / "mlruns" / "checkpoints"


def test_a_start_without_a_root_or_a_name_in_utf8_gives_way_to_the_next(tmp_path: Path) -> None:
    project, odd, bare = (tmp_path / name for name in ("project", "\udcff", "bare"))
    (project / "search_spaces").mkdir(parents=True)
    (odd / "search_spaces").mkdir(parents=True)
    bare.mkdir()
    assert find_root(odd, bare, project / "x.yaml", odd) == project
    assert find_root(project, odd) == project
    with pytest.raises(BadInput, match="allowed: a path in UTF-8"):
        find_root(bare, odd)
    with pytest.raises(BadInput, match="no folder upward from here") as caught:
        find_root(odd, bare)
    assert caught.value.source == str(bare)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////a/b@c:d.db", "sqlite:////a/b@c:d.db"),
        ("postgresql://u:p@h:5432/db", "postgresql://u:***@h:5432/db"),
        ("postgresql+psycopg2://u:p:w/@x@h/db", "postgresql+psycopg2://u:***@h/db"),
        ("postgresql://u@h/db?password=p&sslmode=on", "postgresql://u@h/db?password=***&sslmode=on"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
    ],
)
def test_urls_without_passwords(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_seeds_differ_with_every_number() -> None:
    seeds = [mix(study, number) for study in range(30) for number in range(30)]
    assert len(set(seeds)) == 900
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert (mix(0, 0), mix(0, 1)) == (2968811710, 3964924996)  # stored studies go on with these


def test_a_registry_loads_what_is_asked_for() -> None:
    registry = Registry("tool", {"here": "pathlib:Path", "broken": "no.such.module:X"})
    assert registry.names() == ["broken", "here"]
    assert registry.get("here") is Path
    with pytest.raises(BadInput) as caught:
        registry.get("hree")
    assert str(caught.value) == "unknown tool 'hree'; did you mean 'here'? (allowed: broken, here)"


COUNTING = """
from sparsetune.base.failpoints import failpoint
for number in range(1, 4):
    failpoint("other")
    failpoint("here")
    print(number, flush=True)
"""


@pytest.mark.parametrize(("point", "lives"), [("here:2", 1), ("here:1", 0), ("other:3", 2), ("here:4", 3), ("no:1", 3)])
def test_a_failpoint_kills_once(point: str, lives: int, tmp_path: Path) -> None:
    marker = tmp_path / "with:colon"
    environment = {VARIABLE: f"{point}:{marker}"}
    first = subprocess.run(
        [sys.executable, "-c", COUNTING], env=environment, capture_output=True, text=True, check=False
    )
    assert first.stdout.split() == [str(number + 1) for number in range(lives)]
    assert first.returncode == (-signal.SIGKILL if lives < 3 else 0)
    assert marker.exists() == (lives < 3)
    again = subprocess.run(
        [sys.executable, "-c", COUNTING], env=environment, capture_output=True, text=True, check=False
    )
    assert (again.returncode, len(again.stdout.split())) == ((0, 3) if lives < 3 else (first.returncode, 3))

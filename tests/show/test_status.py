"""What `status` says of running, finished and killed studies."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import forked
import optuna
import pytest
from rich.console import Console
from search.begun import begin, run
from search.toys import make, work
from stored import Store

from sparsetune.cli.where import project_if_any
from sparsetune.config.study.study import Study
from sparsetune.search.lock import Holder, hold, lock_of
from sparsetune.search.progress import Brief, read_progress
from sparsetune.show.gather import Status, _left
from sparsetune.show.status import line, picture
from sparsetune.show.watch import SIZES_EVERY, Reader, show_status, watch_status


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def lock(store: Store, name: str) -> Path:
    found = lock_of(store.url, store.project.runs, name)
    assert found is not None
    return found


def status(store: Store, name: str) -> Status:
    (found,) = Reader(store.url, name, store.project)()
    return found


def text(found: list[Status], width: int = 80, *, one: bool = True, now: float | None = None) -> str:
    console = Console(width=width, file=io.StringIO())
    with console.capture() as printed:
        console.print(picture(found, console, time.time() if now is None else now, one=one))
    return printed.get()


def test_trials_of_a_live_driver_run(store: Store) -> None:
    store.add("a study", running=2, budget=10)
    with hold(lock(store, "a study"), "a study"):
        found = status(store, "a study")
        said = text([found])
        resumed = replace(found, running=(found.running[0]._replace(started_ms=1_000),))
    assert (found.state, found.done, found.budget) == ("running", 4, 10)
    assert "days" not in text([resumed]), "its time runs from this driver's start, not from 1970"
    assert [brief.number for brief in found.running] == [4, 5]
    assert found.interrupted == ()
    assert f"running by process {os.getpid()} on " in said
    assert "4/10 trials, 40 %" in said
    assert "3 complete, 1 failed, 2 running" in said


def test_trials_of_a_dead_driver_are_interrupted_and_not_running(store: Store) -> None:
    store.add("a", running=2, budget=10)
    code = f"""
from pathlib import Path
import os
from sparsetune.search.lock import hold
with hold(Path({str(lock(store, "a"))!r}), "a"):
    os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    found = status(store, "a")
    assert (found.state, found.running, found.driver) == ("interrupted", (), None)
    assert [brief.number for brief in found.interrupted] == [4, 5]
    said = text([found])
    assert "interrupted; the command that started it goes on with it" in said
    assert "3 complete, 1 failed, 2 interrupted" in said
    assert "cut short  trial 4, 5" in said


@pytest.mark.parametrize(
    ("running", "budget", "state"),
    [
        (0, 4, "finished"), (0, 3, "finished"), (1, 4, "interrupted"), (0, 9, "interrupted"),
        (0, None, "not running"), (1, None, "interrupted"),
    ],
)  # fmt: skip
def test_a_study_that_nobody_runs(running: int, budget: int | None, state: str, store: Store) -> None:
    store.add("a", running=running, budget=budget)
    found = status(store, "a")
    assert (found.state, found.over) == (state, True)
    assert state in text([found])


def told(study: Study) -> list[str]:
    """What a line for a log says of a study before and after each of its trials."""
    ledger = begin(study)

    def now() -> str:
        (found,) = Reader(study.storage, study.name, study.project)()
        return line(found).partition(":")[0]

    said = [now()]
    while not ledger.spent:
        work(ledger, ledger.ask())
        said.append(now())
    return said


def test_a_grid_is_finished_when_all_its_points_are_done(tmp_path: Path) -> None:
    """However large the budget is."""
    space = {"method.k": {"choice": [1, 3]}, "method.kind": {"factor": ["a", "b"]}}
    assert told(make(tmp_path, sampler="grid", space=space, budget={"trials": 99})) == [
        *(f"toys interrupted {done}/4" for done in range(4)),
        "toys finished 4/4",
    ]


def test_a_grid_with_given_points_is_finished_when_those_are_done_too(tmp_path: Path) -> None:
    space = {"method.k": {"choice": [1, 3]}, "method.kind": {"factor": ["a", "b"]}}
    changes = {"sampler": "grid", "space": space, "budget": {"trials": 99}, "start_with": [{"method.k": 3}]}
    assert told(make(tmp_path, **changes)) == [
        *(f"toys interrupted {done}/6" for done in range(6)),
        "toys finished 6/6",
    ]


def test_a_study_is_finished_when_its_budget_is_spent_beside_what_was_given_to_it(tmp_path: Path) -> None:
    run(tmp_path, "old", budget={"trials": 2})
    assert told(make(tmp_path, study="new", start_with=[{"all_of": "old"}], budget={"trials": 3})) == [
        "new interrupted 0/3",
        *(f"new interrupted {given}/{3 + given}" for given in (1, 2)),
        *(f"new interrupted {done}/5" for done in (3, 4)),
        "new finished 5/5",
    ]


def test_best_values_of_different_trials_are_said_to_be(store: Store) -> None:
    store.add("a")
    found = status(store, "a")
    assert found.best == {"val_accuracy": (0.9, (0, "")), "compute_saved": (0.5, (1, ""))}
    assert found.front == 2
    said = " ".join(text([found]).split())
    assert "best val_accuracy 0.9 (trial 0), compute_saved 0.5 (trial 1) (of different trials)" in said


def test_of_a_forked_study_the_rows_compete_and_none_that_breaks_a_constraint(tmp_path: Path) -> None:
    (found,) = Reader(forked.store(tmp_path), "forked", None)()
    assert found.best == {
        "val_accuracy": (pytest.approx(0.96), (1, "mc_samples=50")),
        "compute_saved": (pytest.approx(0.33), (0, "mc_samples=5")),
    }, "0 mc_samples=1 saves 0.53, and its accuracy of 0.71 is below 0.8"
    assert found.front == 4
    assert found.document()["best_branches"] == {"val_accuracy": "mc_samples=50", "compute_saved": "mc_samples=5"}
    said = " ".join(text([found]).split())
    assert "best val_accuracy 0.96 (trial 1 mc_samples=50), compute_saved 0.33 (trial 0 mc_samples=5)" in said


def test_the_last_end_and_the_last_failure(store: Store) -> None:
    study = store.add("a", budget=8)
    with hold(lock(store, "a"), "a"):
        study.tell(study.ask(), (0.1, 0.1))
        last = store.trials("a")[-1].datetime_complete
        assert last is not None
        said = " ".join(text([status(store, "a")], now=last.timestamp() + 720).split())
    assert "last end 12 min ago" in said
    assert "failed trial 3: no [memory] left" in said


@pytest.mark.parametrize("name", ["Asia/Tokyo", "America/Los_Angeles"])
def test_in_every_zone_it_is_now(
    name: str, zone: Callable[[str], None], store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    zone(name)
    study = store.add("a", budget=8)
    with hold(lock(store, "a"), "a"):
        now = time.time()
        study.tell(study.ask(), (0.1, 0.1))
        said = " ".join(text([status(store, "a")], now=now + 720).split())
        show_status(Reader(store.url, "a", store.project, clock=lambda: now + 2), as_json=True)
    assert "last end 12 min ago" in said
    assert ", for 12 min" in said
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert now - 1 < document["last_ended_ms"] / 1000 < now + 10
    assert 0 < document["seconds_left"] < 60


def test_the_estimate_looks_at_this_drivers_trials(store: Store) -> None:
    """Two trials of 10 s since the driver started 20 s ago, by one worker, and four to go."""
    store.add("a", budget=10)
    (found,) = read_progress(store.url, ["a"])
    old = [Brief(number, "COMPLETE", 0, 900_000) for number in range(4)]
    new = [Brief(4, "COMPLETE", 1_000_000, 1_010_000), Brief(5, "FAIL", 1_010_000, 1_020_000)]
    progress = replace(found, trials=[*old, *new])
    driver = Holder(1, "here", 1_000_000)
    assert _left(progress, driver, 1_020_000) == pytest.approx(40)
    assert _left(replace(progress, trials=old), driver, 1_020_000) is None
    assert _left(replace(progress, budget=None), driver, 1_020_000) is None


def test_json_has_the_same_facts(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.add("a", running=1, budget=9)
    store.add("b")
    show_status(Reader(store.url, "a", store.project), as_json=True)
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert document["best"] == {"val_accuracy": 0.9, "compute_saved": 0.5}
    assert document["best_trials"] == {"val_accuracy": 0, "compute_saved": 1}
    counts = ("complete", "pruned", "fail", "running", "interrupted", "done", "budget", "front")
    assert [document[name] for name in counts] == [3, 0, 1, 0, 1, 4, 9, 2]
    assert document["state"] == "interrupted"
    assert document["interrupted_trials"] == [4]
    assert document["last_failure"] == {"number": 3, "reason": "no [memory] left"}
    assert document["bytes_on_disk"]["storage"] > 0
    show_status(Reader(store.url, None, store.project), as_json=True)
    assert [each["study"] for each in json.loads(capsys.readouterr().out)] == ["a", "b"]


def test_several_studies_are_a_table(store: Store) -> None:
    names = ["a [bold]b[/bold]", "x" * 90, "c"]
    for name in names:
        store.add(name, budget=12)
    found = Reader(store.url, None, store.project)()
    for width in (80, 160):
        said = text(found, width, one=False)
        assert "a [bold]b" in said
        assert said.count("4/12") == 3
        assert len(said.splitlines()) == 4
        assert all(len(row.rstrip()) <= width for row in said.splitlines())
    assert "no studies yet" in text([], one=False)


def test_what_it_takes_on_disk(store: Store) -> None:
    store.add("a")
    place = store.project.artifacts / "a" / "deep"
    place.mkdir(parents=True)
    (place / "file").write_bytes(b"x" * 1000)
    kept = store.project.trials("a", "a-1")
    kept.mkdir(parents=True)
    (kept / "checkpoint.pt").write_bytes(b"x" * 2000)
    (store.project.runs / "mlflow.db").write_bytes(b"x" * 3000)
    sizes = status(store, "a").on_disk
    assert (sizes["artifacts"], sizes["checkpoints"], sizes["mlflow"]) == (1000, 2000, 3000)
    assert sizes["storage"] == Path(store.url.removeprefix("sqlite:///")).stat().st_size
    said = " ".join(text([status(store, "a")]).split())
    assert "MLflow (all studies) 3 kB, artifacts 1 kB, checkpoints 2 kB" in said


def test_a_storage_without_a_project(store: Store, tmp_path: Path) -> None:
    store.add("a")
    (found,) = Reader(store.url, "a", None)()
    assert set(found.on_disk) == {"storage"}
    assert project_if_any(tmp_path / "mlruns") == store.project
    assert project_if_any(Path("/")) is None


def test_a_line_for_a_log(store: Store) -> None:
    store.add("a", budget=9)
    assert line(status(store, "a")) == (
        "a interrupted 4/9: 3 complete, 1 failed; best val_accuracy 0.9 (trial 0), compute_saved 0.5 (trial 1)"
    )


class Driver:
    """A live driver of the study `a`, which does the next step of a list at each turn of the watch."""

    def __init__(self, store: Store) -> None:
        self.study = store.add("a", budget=6)
        self.asked: list[optuna.Trial] = []
        self.held = hold(lock(store, "a"), "a")
        self.turns = 0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.turns += 1
        if self.turns == 1:
            self.asked.append(self.study.ask())
        elif self.turns == 3:
            self.study.tell(self.asked.pop(), (0.95, 0.2))
        elif self.turns == 4:
            self.held.__exit__(None, None, None)


@contextmanager
def driven(store: Store) -> Iterator[Driver]:
    driver = Driver(store)
    driver.held.__enter__()
    yield driver


def test_watching_prints_a_line_a_change_until_the_study_ends(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    with driven(store) as driver:
        watch_status(Reader(store.url, "a", store.project), 7.0, as_json=False, sleep=driver.sleep)
    assert driver.slept == [7.0] * 4
    best = "best val_accuracy 0.9 (trial 0), compute_saved 0.5 (trial 1)"
    better = best.replace("0.9 (trial 0)", "0.95 (trial 4)")
    assert capsys.readouterr().out.splitlines() == [
        f"a running 4/6: 3 complete, 1 failed; {best}",
        f"a running 4/6: 3 complete, 1 failed, 1 running; {best}",
        f"a running 5/6: 4 complete, 1 failed; {better}",
        f"a interrupted 5/6: 4 complete, 1 failed; {better}",
    ]


def test_watching_as_json_is_a_document_a_line(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    with driven(store) as driver:
        watch_status(Reader(store.url, None, store.project), 2.0, as_json=True, sleep=driver.sleep)
    documents = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    assert [each["state"] for each in documents] == ["running", "running", "running", "interrupted"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_it_redraws_in_place_and_leaves_the_last_picture(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Terminal()
    monkeypatch.setattr("sys.stdout", file)
    monkeypatch.setenv("TERM", "xterm")
    with driven(store) as driver:
        watch_status(Reader(store.url, "a", store.project), 2.0, as_json=False, sleep=driver.sleep)
    drawn = file.getvalue()
    assert drawn.count("3 complete, 1 failed") == 3
    assert "\x1b[1A" in drawn
    assert "interrupted" in drawn[drawn.rindex("\x1b[1A") :]
    assert "\x1b[?25h" in drawn[drawn.rindex("\x1b[1A") :]


def test_ctrl_c_ends_watching_well(store: Store) -> None:
    def press(seconds: float) -> None:
        raise KeyboardInterrupt

    with driven(store):
        watch_status(Reader(store.url, "a", store.project), 2.0, as_json=False, sleep=press)


def test_files_are_counted_once_a_minute(store: Store) -> None:
    now = [1000.0]
    store.add("a")
    reader = Reader(store.url, "a", store.project, lambda: now[0])
    reader()
    (store.project.runs / "mlflow.db").write_bytes(b"x" * 3000)
    now[0] += SIZES_EVERY / 2
    assert "mlflow" not in reader()[0].on_disk
    now[0] += SIZES_EVERY / 2
    assert reader()[0].on_disk["mlflow"] == 3000


def test_the_command_loads_nothing_heavy(store: Store) -> None:
    store.add("a")
    code = f"""
import sys
from sparsetune.cli import main
sys.argv = ["sparsetune", "status", "--root", {str(store.project.root)!r}]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print([name for name in ("torch", "ray", "mlflow", "optuna", "pandas", "numpy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"

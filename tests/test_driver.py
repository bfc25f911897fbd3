"""The driver's decisions, on a book and observers that only write down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sparsetune.config.messages import Key, Metrics, Outcome, Report, Row, Trial
from sparsetune.driver import Driver

ROWS = tuple(Row(epoch, 1000 + epoch, {"val_accuracy": epoch / 10, "time_min": 0.1}) for epoch in range(1, 7))
DONE = Outcome("COMPLETE", {"val_accuracy": 0.6, "time_min": 0.1})


class Book:
    """Remembers trials in a list; prunes at the epoch it is told."""

    def __init__(self, prune_at: int | None = None) -> None:
        self.kept: list[Trial] = []
        self.reported: list[int] = []
        self.prune_at = prune_at

    def __len__(self) -> int:
        return len(self.kept)

    def trials(self) -> list[Trial]:
        return list(self.kept)

    def ask(self) -> Trial:
        self.kept.append(Trial(len(self.kept), "RUNNING", {}, {"seed": 5}))
        return self.kept[-1]

    def report(self, number: int, row: Row) -> bool:
        self.reported.append(row.epoch)
        return row.epoch == self.prune_at

    def tell(
        self, number: int, state: Any, metrics: Metrics, reason: str = "", notes: Mapping[str, str] | None = None
    ) -> Trial:
        said = dict(notes or {})
        self.kept[number] = replace(self.kept[number], state=state, metrics=metrics, reason=reason, notes=said)
        return self.kept[number]


class Watcher:
    def __init__(self) -> None:
        self.rows: list[int] = []
        self.ended: list[tuple[Trial, int, set[str]]] = []
        self.started: list[tuple[int, bool]] = []

    def trial_started(self, trial: Trial, *, resumed: bool) -> None:
        self.started.append((trial.number, resumed))

    def trial_reported(self, trial: Trial, rows: tuple[Row, ...]) -> None:
        self.rows += [row.epoch for row in rows]

    def trial_ended(self, trial: Trial, rows: tuple[Row, ...], files: Mapping[str, Path]) -> None:
        self.ended.append((trial, len(rows), set(files)))

    def close(self) -> None: ...


def driver(folder: Path, book: Book, watcher: Watcher, *, budget: int = 1, kept: bool = True) -> Driver:
    return Driver(
        book,
        (watcher,),
        folder=folder,
        budget=budget,
        objectives=("val_accuracy",),
        job_options={},
        localise=lambda config: config,
        kept=lambda number: kept,
    )


@given(cuts=st.sets(st.integers(1, 5)), prune_at=st.sampled_from([None, 2, 4, 6]), again=st.integers(0, 5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_decision_does_not_depend_on_how_rows_were_bundled(
    cuts: set[int], prune_at: int | None, again: int, tmp_path: Path
) -> None:
    """Also when a restarted worker sends the first rows again. At the last row it is too late to prune."""
    book, watcher = Book(prune_at), Watcher()
    run = driver(tmp_path, book, watcher)
    job = run.next_job()
    assert job is not None
    ends = [*sorted(cuts), 6]
    starts = [0, *ends[:-1]]
    for start, end in zip(starts, ends, strict=True):
        bundle = ROWS[0 if start <= again else start : end]
        if run.receive(job.key, Report(bundle, DONE if end == 6 else None)):
            break
    pruned = prune_at in (2, 4)
    assert book.kept[0].state == ("PRUNED" if pruned else "COMPLETE")
    assert watcher.rows == book.reported == list(range(1, (prune_at if pruned and prune_at else 6) + 1))
    assert watcher.ended[0][1] == len(watcher.rows)


def test_a_pruned_trial_has_the_metrics_of_its_last_report(tmp_path: Path) -> None:
    book = Book(prune_at=3)
    run = driver(tmp_path, book, Watcher())
    job = run.next_job()
    assert job is not None
    assert run.receive(job.key, Report(ROWS[:5]))
    assert book.kept[0].metrics == ROWS[2].metrics
    assert run.receive(job.key, Report(ROWS[5:], DONE)), "a report after the end asks to stop again"
    assert book.kept[0].state == "PRUNED"


def test_trials_that_were_cut_short_come_first_and_count_in_the_budget(tmp_path: Path) -> None:
    book, watcher = Book(), Watcher()
    book.ask()
    book.tell(0, "COMPLETE", {})
    book.ask()
    run = driver(tmp_path, book, watcher, budget=3)
    first, second, third = run.next_job(), run.next_job(), run.next_job()
    assert first is not None
    assert second is not None
    assert (first.key, second.key, third) == (Key(1, 5), Key(2, 5), None)
    assert watcher.started == [(1, True), (2, False)]


@pytest.mark.parametrize("kept", [True, False])
def test_a_folder_goes_only_when_the_tracker_has_everything(kept: bool, tmp_path: Path) -> None:
    book, watcher = Book(), Watcher()
    run = driver(tmp_path, book, watcher, kept=kept)
    job = run.next_job()
    assert job is not None
    run.receive(job.key, Report(ROWS, DONE))
    assert Path(job.folder).exists() != kept
    assert watcher.ended[0][2] == {"config.yaml", "final_results.json", "history.jsonl"}
    later = Watcher()
    driver(tmp_path, book, later, kept=kept).make_good(later)
    assert [(trial.number, rows) for trial, rows, _ in later.ended] == ([] if kept else [(0, 6)])


def test_an_objective_that_is_missing_is_a_fail(tmp_path: Path) -> None:
    book = Book()
    run = driver(tmp_path, book, Watcher())
    job = run.next_job()
    assert job is not None
    run.receive(job.key, Report(ROWS, Outcome("COMPLETE", {"val_loss": 1.0})))
    assert (book.kept[0].state, book.kept[0].reason) == ("FAIL", "the trial gave no val_accuracy")


def test_a_lost_job_is_a_fail_with_what_it_had_reported(tmp_path: Path) -> None:
    book, watcher = Book(), Watcher()
    run = driver(tmp_path, book, watcher)
    job = run.next_job()
    assert job is not None
    run.receive(job.key, Report(ROWS[:2]))
    run.lost(job.key, "worker died twice")
    assert (book.kept[0].state, book.kept[0].reason, watcher.ended[0][1]) == ("FAIL", "worker died twice", 2)

"""The driver's decisions, on a book and observers that only write down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sparsetune.base.messages import Branch, Files, Job, Key, Metrics, Outcome, Report, Row, Run, State, Trial
from sparsetune.drive.driver import Driver
from sparsetune.execution.worker import perform

ROWS = tuple(Row(epoch, 1000 + epoch, {"val_accuracy": epoch / 10, "time_min": 0.1}) for epoch in range(1, 7))
DONE = Outcome("COMPLETE", {"val_accuracy": 0.6, "time_min": 0.1})


class Book:
    """Remembers trials in a list; prunes at the epoch and after the replicate that it is told."""

    def __init__(self, prune_at: int | None = None, *, trials: int = 1, seeds: int = 1, branches: int = 1) -> None:
        self.kept: list[Trial] = []
        self.reported: list[int] = []
        self.replicates: list[tuple[int, Metrics]] = []
        self.prune_at, self.prune_after = prune_at, -1
        self.budget = trials
        self.seeds = range(5, 5 + seeds)
        self.branches = tuple(Branch(f"m={n}" if n else "", {"method.m": n} if n else {}) for n in range(branches))

    @property
    def spent(self) -> bool:
        return len(self.kept) >= self.budget

    def __len__(self) -> int:
        return len(self.kept)

    def trials(self) -> list[Trial]:
        return list(self.kept)

    def ask(self) -> Trial:
        number = len(self.kept)
        runs = tuple(Run(Key(number, seed, branch.name)) for seed in self.seeds for branch in self.branches)
        self.kept.append(Trial(number, "RUNNING", {}, {"seed": 5}, runs=runs, branches=self.branches))
        return self.kept[-1]

    def report(self, number: int, row: Row) -> bool:
        self.reported.append(row.epoch)
        return row.epoch == self.prune_at

    def replicate(self, number: int, index: int, metrics: Metrics) -> bool:
        self.replicates.append((index, metrics))
        return index == self.prune_after

    def tell(self, number: int, state: State, runs: Sequence[Run], reason: str = "") -> Trial:
        told = replace(self.kept[number], state=state, metrics=runs[0].metrics, reason=reason, runs=tuple(runs))
        self.kept[number] = told
        return told


class Watcher:
    def __init__(self) -> None:
        self.rows: list[int] = []
        self.ended: list[tuple[Trial, int, set[str]]] = []
        self.started: list[tuple[int, bool]] = []

    def trial_started(self, trial: Trial, *, resumed: bool) -> None:
        self.started.append((trial.number, resumed))

    def trial_reported(self, trial: Trial, key: Key, rows: tuple[Row, ...]) -> None:
        self.rows += [row.epoch for row in rows]

    def trial_ended(self, trial: Trial, rows: Mapping[Key, tuple[Row, ...]], files: Mapping[Key, Files]) -> None:
        assert set(rows) == {run.key for run in trial.runs}
        self.ended.append((trial, sum(map(len, rows.values())), {name for each in files.values() for name in each}))

    def close(self) -> None: ...


def driver(
    folder: Path, book: Book, watcher: Watcher, *, kept: bool = True, stays: bool = False, **more: Any
) -> Driver:
    return Driver(
        book,
        (watcher,),
        folder=folder,
        objectives=("val_accuracy",),
        job_options={},
        localise=lambda config: config,
        kept=lambda number: kept,
        stays=lambda number: stays,
        **more,
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


@pytest.mark.parametrize(("method", "state"), [("ast", "FAIL"), ("dense", "COMPLETE")])
def test_some_methods_must_give_more(method: str, state: str, tmp_path: Path) -> None:
    book = Book()
    run = driver(tmp_path, book, Watcher(), further={"ast": ["tracking_error"], "dense": []})
    job = run.next_job()
    assert job is not None
    book.kept[0].config["method"] = {"name": method}
    run.receive(job.key, Report(ROWS, DONE))
    assert book.kept[0].state == state
    assert book.kept[0].reason == ("the trial gave no tracking_error" if state == "FAIL" else "")


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
    book, watcher = Book(trials=3), Watcher()
    book.ask()
    book.tell(0, "COMPLETE", [Run(Key(0, 5))])
    book.ask()
    run = driver(tmp_path, book, watcher)
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


def started(run: Driver) -> Job:
    job = run.next_job()
    assert job is not None
    return job


def test_all_runs_of_a_trial_end_it(tmp_path: Path) -> None:
    """Two seeds, two branches: each with rows, an outcome and a folder of its own."""
    book, watcher = Book(seeds=2, branches=2), Watcher()
    run = driver(tmp_path, book, watcher)
    job = started(run)
    assert (job.key, job.seeds, [branch.name for branch in job.branches]) == (Key(0, 5), (5, 6), ["", "m=1"])
    keys = [Key(0, seed, branch) for seed in (5, 6) for branch in ("", "m=1")]
    for index, key in enumerate(keys):
        outcome = Outcome("COMPLETE", {"val_accuracy": index / 10})
        assert not run.receive(job.key, Report(ROWS, outcome, key, more=key != keys[-1]))
        assert not run.receive(job.key, Report(ROWS, outcome, key, more=True)) or key == keys[-1], "twice is once"
    [trial] = book.kept
    assert (trial.state, [each.metrics["val_accuracy"] for each in trial.runs]) == ("COMPLETE", [0, 0.1, 0.2, 0.3])
    assert book.reported == [1, 2, 3, 4, 5, 6], "pruners look at the first run"
    assert book.replicates == [(0, {"val_accuracy": 0.0})], "and at the first branch of each replicate but the last"
    assert watcher.ended[0][1] == 24


def test_a_branch_may_fail_and_a_replicate_may_not(tmp_path: Path) -> None:
    book = Book(branches=2)
    run = driver(tmp_path / "branches", book, Watcher())
    job = started(run)
    assert not run.receive(job.key, Report(ROWS, Outcome("FAIL", reason="nan"), Key(0, 5), more=True))
    assert not run.receive(job.key, Report(ROWS, DONE, Key(0, 5, "m=1")))
    assert (book.kept[0].state, [each.state for each in book.kept[0].runs]) == ("COMPLETE", ["FAIL", "COMPLETE"])
    book = Book(seeds=3)
    run = driver(tmp_path / "seeds", book, Watcher())
    job = started(run)
    assert not run.receive(job.key, Report(ROWS, DONE, Key(0, 5), more=True))
    assert run.receive(job.key, Report(ROWS, Outcome("FAIL", reason="nan"), Key(0, 6), more=True)), "no need to go on"
    assert (book.kept[0].state, book.kept[0].reason) == ("FAIL", "seed 6: nan")
    book = Book(branches=2)
    run = driver(tmp_path / "all", book, Watcher())
    job = started(run)
    run.receive(job.key, Report((), Outcome("FAIL", reason="nan"), Key(0, 5), more=True))
    run.receive(job.key, Report((), Outcome("FAIL", reason="nan"), Key(0, 5, "m=1")))
    assert book.kept[0].state == "FAIL"


def test_replicates_that_are_not_worth_training(tmp_path: Path) -> None:
    book = Book(seeds=3)
    book.prune_after = 1
    run = driver(tmp_path, book, Watcher())
    job = started(run)
    assert not run.receive(job.key, Report(ROWS, DONE, Key(0, 5), more=True))
    assert run.receive(job.key, Report(ROWS, DONE, Key(0, 6), more=True))
    [trial] = book.kept
    assert (trial.state, trial.reason) == ("PRUNED", "pruned after replicate 2 of 3")
    assert [each.state for each in trial.runs] == ["COMPLETE", "COMPLETE", "PRUNED"]


@pytest.mark.parametrize("branches", [1, 2])
def test_after_the_last_epoch_of_the_first_replicate_there_is_still_something_to_prune(
    branches: int, tmp_path: Path
) -> None:
    book = Book(prune_at=6, seeds=2, branches=branches)
    run = driver(tmp_path / "several", book, Watcher())
    job = started(run)
    assert run.receive(job.key, Report(ROWS, DONE, Key(0, 5), more=True)), "the other seed is not worth its time"
    [trial] = book.kept
    assert (trial.state, trial.reason) == ("PRUNED", "pruned after epoch 6")
    assert [each.state for each in trial.runs] == ["PRUNED"] * 2 * branches
    assert book.replicates == []
    book = Book(prune_at=6, branches=branches)
    run = driver(tmp_path / "single", book, Watcher())
    job = started(run)
    for number, branch in enumerate(job.branches, start=1):
        more = number < branches
        assert not run.receive(job.key, Report(ROWS, DONE, Key(0, 5, branch.name), more=more))
    assert book.kept[0].state == "COMPLETE", "with one seed all is trained by then"


def break_off(run: Driver, job: Job, reports: Sequence[Report], how: str) -> None:
    """After these reports the job raises, or its worker dies for good."""

    def work(job: Job) -> Iterator[Report]:
        yield from reports
        raise ArithmeticError("so")

    heard = [run.receive(job.key, report) for report in (perform(job, work) if how == "raises" else reports)]
    assert not any(heard)
    if how == "dies":
        run.lost(job.key, "ArithmeticError: so")
    assert run.receive(job.key, Report(ROWS, DONE)), "its trial has ended"


@pytest.mark.parametrize("how", ["raises", "dies"])
@pytest.mark.parametrize("branches", [1, 2])
def test_a_job_of_several_seeds_that_breaks_off_fails_its_trial(branches: int, how: str, tmp_path: Path) -> None:
    book, watcher = Book(seeds=3, branches=branches), Watcher()
    run = driver(tmp_path, book, watcher)
    job = started(run)
    ends = [Report(ROWS, DONE, Key(0, 5, branch.name), more=True) for branch in job.branches]
    break_off(run, job, [*ends, Report(ROWS[:2], key=Key(0, 6))], how)
    [trial] = book.kept
    assert (trial.state, trial.reason) == ("FAIL", "ArithmeticError: so")
    assert [each.state for each in trial.runs] == ["COMPLETE"] * branches + ["FAIL"] * 2 * branches
    second = trial.runs[branches]
    assert (second.key, second.metrics, second.reason) == (Key(0, 6), ROWS[1].metrics, trial.reason)
    assert trial.runs[-1].metrics == {}
    assert [(rows, ended.state) for ended, rows, _ in watcher.ended] == [(6 * branches + 2, "FAIL")]


@pytest.mark.parametrize("how", ["raises", "dies"])
@pytest.mark.parametrize("first", ["COMPLETE", "FAIL"])
def test_a_fork_that_breaks_off_keeps_the_branches_that_had_ended(first: State, how: str, tmp_path: Path) -> None:
    book, watcher = Book(branches=3), Watcher()
    run = driver(tmp_path, book, watcher)
    job = started(run)
    outcome = DONE if first == "COMPLETE" else Outcome("FAIL", reason="nan")
    break_off(run, job, [Report(ROWS, outcome, Key(0, 5), more=True), Report(ROWS[:2], key=Key(0, 5, "m=1"))], how)
    [trial] = book.kept
    reason = "ArithmeticError: so"
    assert (trial.state, trial.reason) == ((first, "") if first == "COMPLETE" else (first, reason))
    assert [each.state for each in trial.runs] == [first, "FAIL", "FAIL"]
    assert [each.reason for each in trial.runs] == [outcome.reason, reason, reason]
    assert [each.metrics for each in trial.runs] == [outcome.metrics, ROWS[1].metrics, {}]
    assert [(rows, ended.state) for ended, rows, _ in watcher.ended] == [(8, first)]


@pytest.mark.parametrize(("seeds", "branches"), [(1, 1), (3, 1), (1, 3), (2, 2)])
@pytest.mark.parametrize("ended", [0, 1])
def test_the_traceback_of_a_job_is_kept_with_the_runs_that_it_ended(
    ended: int, seeds: int, branches: int, tmp_path: Path
) -> None:
    """Not with one that had its end before, of whatever kind; with a single run there is no job left by then."""
    book = Book(seeds=seeds, branches=branches)
    run = driver(tmp_path, book, Watcher(), kept=False)
    job = started(run)
    keys = [Key(0, seed, branch.name) for seed in job.seeds for branch in job.branches]
    before = keys[:ended] if len(keys) > 1 else []
    outcome = Outcome("FAIL", reason="nan") if branches == 3 else DONE
    break_off(run, job, [Report(ROWS, outcome, key, more=True) for key in before], "raises")
    [trial] = book.kept
    files = run.folders.files(trial)
    assert [key for key in files if "error.txt" in files[key]] == keys[len(before) :]
    for key in keys[len(before) :]:
        assert files[key]["error.txt"].read_text().endswith("ArithmeticError: so\n")


def test_a_job_that_is_stopped_between_two_runs_goes_on_at_the_next_start(tmp_path: Path) -> None:
    book, watcher = Book(seeds=2), Watcher()
    run = driver(tmp_path, book, watcher)
    job = started(run)
    assert not run.receive(job.key, Report(ROWS, DONE, Key(0, 5), more=True))
    run.stop()
    assert Path(job.stop_file).exists()
    run.receive(job.key, Report(outcome=Outcome("STOPPED")))
    assert (book.kept[0].state, watcher.ended, run.next_job()) == ("RUNNING", [], None)
    assert Path(job.folder).exists()
    later = Watcher()
    again = driver(tmp_path, book, later)
    taken_up = started(again)
    assert (taken_up, later.started) == (job, [(0, True)])
    assert not Path(job.stop_file).exists()
    again.receive(job.key, Report(ROWS, DONE, Key(0, 5), more=True))  # known to the worker
    again.receive(job.key, Report(ROWS, DONE, Key(0, 6)))
    assert [(trial.state, rows) for trial, rows, _ in later.ended] == [("COMPLETE", 12)]


def test_a_trial_that_is_known_needs_no_job(tmp_path: Path) -> None:
    class Knowing(Book):
        def ask(self) -> Trial:
            trial = super().ask()
            return (
                self.tell(0, "COMPLETE", [Run(Key(0, 5), "COMPLETE", DONE.metrics)]) if len(self.kept) == 1 else trial
            )

    book, watcher = Knowing(trials=2), Watcher()
    assert started(driver(tmp_path, book, watcher)).key == Key(1, 5)
    assert [(trial.number, trial.state) for trial, *_ in watcher.ended] == [(0, "COMPLETE")]


@pytest.mark.parametrize("stays", [True, False])
def test_a_folder_that_nobody_takes_stays_and_is_asked_about_once(tmp_path: Path, stays: bool) -> None:
    answers = iter([False, True])
    run = driver(tmp_path, Book(), Watcher(), stays=stays)
    run.kept = lambda number: next(answers)
    job = run.next_job()
    assert job is not None
    run.receive(job.key, Report(ROWS, DONE))
    run.sweep()
    assert run.folders.of_trial(0).exists() == stays

"""The whole answer at the end of a study."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from search.toys import TWO, make, opened, work

from sparsetune.app.study import summarise
from sparsetune.config.study.study import Study
from sparsetune.show.summary import show_summary


def finished(root: Path, *, failing: bool = False, **changes: Any) -> Study:
    study = make(root, budget={"trials": 8}, **changes)
    ledger = opened(study)
    for _ in range(study.budget.trials):
        trial = ledger.ask()
        if failing:
            ledger.tell(trial.number, "FAIL", {}, "no [memory] left")
        else:
            work(ledger, trial)
    return study


def shown(study: Study, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(study.project.root)
    ledger = opened(study)
    show_summary(study, summarise(study, ledger.trials()))
    return capsys.readouterr().out


def test_of_several_objectives(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = shown(finished(tmp_path, objectives=TWO), capsys, monkeypatch)
    assert "toys: 7 complete, 1 fail\n" in said
    assert "Pareto front: the best trade-offs" in said
    assert "trial 5 failed: every seventh" in said
    assert "\n\n\n" not in said
    number = next(line for line in said.splitlines() if line.lstrip()[:1].isdigit()).split()[0]
    proposed = [shlex.split(line.partition(":")[2]) for line in said.splitlines()[-4:]]
    assert all(program.endswith("sparsetune") for program, *_ in proposed)
    assert [words[1:] for words in proposed] == [
        ["best", "toys", "--trial", number, ">", f"trial_{number}.yaml"],
        ["run", f"trial_{number}.yaml"],
        ["methods", "toy"],
        ["ui", "toys"],
    ]


def test_of_one_objective_in_a_storage_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    study = finished(tmp_path, storage=url, study="a [red]", pruner={"name": "median", "n_startup_trials": 1})
    said = shown(study, capsys, monkeypatch)
    assert "a [red]: " in said
    assert "Best trial" in said
    assert "pruned: stopped early for falling behind (median pruner)" in said
    assert f"best 'a [red]' --storage {url} > trial_" in said


def test_away_from_the_project_the_commands_say_where_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In no project, and in another one; all but `methods` look for one."""
    study = finished(tmp_path / "there", objectives=TWO)
    (tmp_path / "another" / "search_spaces").mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "another"):
        monkeypatch.chdir(folder)
        ledger = opened(study)
        show_summary(study, summarise(study, ledger.trials()))
        *_, keep, run, methods, ui = capsys.readouterr().out.splitlines()
        root = "--root there" if folder == tmp_path else "--root ../there"
        assert [root in line for line in (keep, run, methods, ui)] == [True, True, False, True]


def test_of_failures_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    said = shown(finished(tmp_path, failing=True), capsys, monkeypatch)
    assert "toys: 8 fail\n" in said
    assert "8 trials failed: no [memory] left (trials 0, 1, 2, 3, 4, 5, 6, 7)" in said
    assert "No trial completed" in said
    assert "best toys" not in said

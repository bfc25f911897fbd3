"""What the end of a study says of its methods, beside one another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from search.toys import SPACE, TWO, make, opened, work

from sparsetune.app.study import summarise
from sparsetune.config.study.study import Study
from sparsetune.show.summary import show_summary

X = {"method.x": SPACE["method.x"]}
METHOD = {"factor": {"toy": X, "plain": X}}


def shown(study: Study, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.chdir(study.project.root)
    ledger = opened(study)
    while not ledger.spent:
        work(ledger, ledger.ask())
    show_summary(study, summarise(study, ledger.trials()))
    return capsys.readouterr().out.splitlines()


def made(root: Path, **changes: Any) -> Study:
    return make(root, **{"method": METHOD, "space": {}, "budget": {"trials": 6}, "objectives": TWO, **changes})


def test_a_line_a_method_and_who_leads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = shown(made(tmp_path, replicates=2), capsys, monkeypatch)
    start = next(number for number, line in enumerate(lines) if line.startswith("By method"))
    head, *methods = (line.split()[0] for line in lines[start + 1 : start + 4])
    assert (head, {*methods}) == ("method", {"toy", "plain"})
    said = "\n".join(lines)
    assert "By val accuracy, from the best down: " in said
    assert "\n\n\n" not in said
    assert "Here ± is the half of a 95 % interval over 2 seeds, by Student's t." in said


def test_one_method_is_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "\n".join(shown(made(tmp_path, method="toy", space=X), capsys, monkeypatch))
    assert "By method" not in said


def test_of_one_seed_and_one_objective_there_are_no_intervals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "\n".join(shown(made(tmp_path, objectives=TWO[:1]), capsys, monkeypatch))
    assert "By method" in said
    assert "95 %" not in said
    assert "from the best down" not in said

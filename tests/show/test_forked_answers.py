"""What a person sees of branches, replicates and constraints: summary, best, export, Python."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from forked import TRIALS, store
from typer.testing import CliRunner

import sparsetune
from sparsetune.app.parts import registries
from sparsetune.cli import app
from sparsetune.config.study.constraints import Constraint, bound, distance
from sparsetune.config.study.file import Objective
from sparsetune.show.summary import show_summary

BEST = "1 mc_samples=50"


def summary_of(root: Path, at_least: float, objectives: int) -> tuple[Any, Any]:
    stored = sparsetune.load("forked", storage=store(root, bound=at_least, objectives=objectives)).stored
    gates = (Constraint(metric="val_accuracy", at_least=at_least),)
    goals = tuple(Objective(metric=name, goal="maximize") for name in stored.metrics)
    project = SimpleNamespace(storage_url="here", root=root)
    base = SimpleNamespace(method=SimpleNamespace(name="dense"))
    study = SimpleNamespace(
        imports=(),
        name="forked", objectives=goals, constraints=gates, storage="here", project=project, trial=base,
        pruner=SimpleNamespace(name="none"), registries=registries(),
    )  # fmt: skip
    counted = {"COMPLETE": 2, "PRUNED": 0, "FAIL": 1, "RUNNING": 0}
    return study, SimpleNamespace(
        name="forked", metrics=stored.metrics, counts=counted, won=SimpleNamespace(front=stored.front),
        trials=stored.trials, rows=stored.rows,
    )  # fmt: skip


def said(
    root: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    at_least: float = 0.8,
    objectives: int = 2,
) -> str:
    monkeypatch.setenv("COLUMNS", "80")
    study, summary = summary_of(root, at_least, objectives)
    (root / "search_spaces").mkdir(exist_ok=True)
    monkeypatch.chdir(root)
    show_summary(study, summary)
    return capsys.readouterr().out


def test_the_summary_has_a_row_for_each_branch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = said(tmp_path, capsys, monkeypatch)
    assert "forked: 2 complete, 1 fail\n" in text
    rows = [line.split() for line in text.splitlines() if re.match(r" +\d+ +mc", line)]
    assert [row[:2] for row in rows] == [["1", "mc_samples=50"], ["0", "mc_samples=50"], ["1", "mc_samples=5"],
                                         ["0", "mc_samples=5"]]  # fmt: skip
    assert rows[0][2:5] == ["0.96", "±", "0.01"]
    assert "no other row is better in both" in text
    assert re.search(r"^± +standard error of the mean of 2 replicates *$", text, re.MULTILINE)
    flat = " ".join(text.split())
    assert f"Which one? Trial {BEST} if val accuracy comes first" in flat
    assert "2 of 6 complete rows break val accuracy at least 0.8" in text
    assert "trial 2 failed: no [memory] left" in text
    assert "--trial 1 --branch mc_samples=50 > trial_1_mc_samples_50.yaml" in text
    assert "24 s of training, about 12 s a trial" in text, "0.1 min each seed, branches share it"
    assert all(len(line.rstrip()) <= 80 for line in text.splitlines() if "sparsetune" not in line)


def test_with_one_objective_the_best_row_and_those_behind_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = said(tmp_path, capsys, monkeypatch, objectives=1)
    flat = " ".join(text.split())
    assert f"trial {BEST} val_accuracy 0.96 ± 0.01" in flat
    behind = "trial 0 mc_samples=50 (0.91 ± 0.01), trial 1 mc_samples=5 (0.86 ± 0.01), trial 0 mc_samples=5"
    assert f"Next by val accuracy: {behind}" in flat
    few = " ".join(said(tmp_path / "few", capsys, monkeypatch, at_least=0.9, objectives=1).split())
    assert "Next by val accuracy: trial 0 mc_samples=50 (0.91 ± 0.01); median" in few, "the others break a constraint"


def test_where_nothing_is_feasible_it_names_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = said(tmp_path, capsys, monkeypatch, at_least=0.99)
    assert "6 of 6 complete rows break val accuracy at least 0.99" in text
    flat = " ".join(text.split())
    assert f"None meets all constraints, so there is no best. The nearest is trial {BEST}: val accuracy 0.96" in flat
    assert "Pareto front" not in text
    assert "No trial completed" not in text
    assert "best forked" not in text


def test_a_violation_counts_as_a_share_of_its_bound() -> None:
    """0.1 of 1.0 and 5 of 100: 0.1 + 0.05; a bound of 0 has no share."""
    gates = [Constraint(metric="a", at_least=1.0), Constraint(metric="b", at_most=100.0)]
    row = SimpleNamespace(metrics={"a": 0.9, "b": 105.0})
    assert distance(gates, row) == pytest.approx(0.15)  # type: ignore[arg-type]
    assert distance([Constraint(metric="a", at_most=0.0)], row) == pytest.approx(0.9)  # type: ignore[arg-type]
    assert bound(Constraint(metric="val_loss", at_least=0.1, at_most=2)) == "val loss at least 0.1 and at most 2"


class Command:
    """`sparsetune` on the stored study."""

    def __init__(self, root: Path) -> None:
        store(root)
        self.root = root
        self.runner = CliRunner(env={"COLUMNS": "100"})

    def __call__(self, *words: str, code: int = 0) -> str:
        done = self.runner.invoke(app, [words[0], "forked", *words[1:], "--root", str(self.root)])
        assert done.exit_code == code, done.output
        return done.stdout if code == 0 else " ".join(done.stderr.split())


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_best_prints_the_config_of_a_branch(command: Command) -> None:
    text = command("best", "--trial", "0", "--branch", "mc_samples=5")
    first = "# study forked, trial 0 mc_samples=5: val_accuracy 0.81 ± 0.01, compute_saved 0.33 ± 0 "
    assert text.splitlines()[0] == f"{first}(± is the standard error of the mean of 2 replicates)"
    assert "mc_samples: 5" in text
    assert command("best").count("mc_samples=") == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--trial", "0"), "--branch: trial 0 has several; allowed: mc_samples=1, mc_samples=5, mc_samples=50"),
        (("--trial", "0", "--branch", "mc_samples=6"), "--branch: unknown branch 'mc_samples=6'; did you mean"),
        (("--branch", "mc_samples=5"), "--branch: found 'mc_samples=5': without --trial"),
        (("--trial", "9"), "--trial: found 9, allowed: 0 to 2"),
        (("--trial", "1", "--where", "number > 1"), "best: found --trial and --where, allowed: one of them"),
        (("--where", "val_acuracy > 1"), "--where: unknown name 'val_acuracy'; did you mean 'val_accuracy'?"),
        (("--where", "number > 7"), "study 'forked' has no complete trial of which 'number > 7' holds"),
        (("--where", "val_accuracy < 0.8"), "'val_accuracy < 0.8' holds meets all its constraints (2 complete)"),
    ],
)
def test_best_refuses_what_it_cannot_find(command: Command, words: tuple[str, ...], message: str) -> None:
    assert message in command("best", *words, code=2)


def test_best_of_those_of_which_an_expression_holds(command: Command) -> None:
    rows = json.loads(command("best", "--where", "compute_saved > 0.2 and method.mc_samples > 1", "--json"))
    assert [(row["number"], row["branch"]) for row in rows] == [(1, "mc_samples=5"), (0, "mc_samples=5")]
    assert rows[0]["errors"]["val_accuracy"] == pytest.approx(0.01)


def test_export_has_rows_and_replicates(command: Command) -> None:
    table = pd.read_csv(io.StringIO(command("export", "--csv")))
    assert len(table) == 2 * 3 * 3 + 3
    rows = table[table["seed"].isna() & (table["state"] == "COMPLETE")]
    assert rows["feasible"].tolist() == [False, True, True] * 2
    filtered = pd.read_csv(io.StringIO(command("export", "--where", "method.mc_samples == 5 and number == 1")))
    assert filtered["branch"].tolist() == ["mc_samples=5"] * 3
    found = json.loads(command("export", "--json"))
    assert [each["seed"] for each in found[:3]] == [None, 0, 1]
    assert found[1]["config"]["method"]["mc_samples"] == 1


def test_from_python(tmp_path: Path) -> None:
    result = sparsetune.load("forked", storage=store(tmp_path))
    assert result.counts == {"COMPLETE": 2, "PRUNED": 0, "FAIL": 1, "RUNNING": 0}
    assert result.trials.index.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert result.replicates["seed"].tolist() == [0, 1] * 6
    assert result.front["branch"].tolist() == ["mc_samples=50", "mc_samples=50", "mc_samples=5", "mc_samples=5"]
    assert result.front.index.tolist() == [1, 0, 1, 0]
    assert result.front["errors.val_accuracy"].tolist() == pytest.approx([0.01] * 4)
    assert len(result.trial(1).runs) == len(TRIALS[1].runs) == 6
    assert result.trial(1, "mc_samples=5").values == pytest.approx((0.86, 0.325))
    assert result.config(1, "mc_samples=5")["method"]["mc_samples"] == 5
    assert "0.96 ± 0.01" in result._repr_html_()
    with pytest.raises(sparsetune.BadInput, match="branch: trial 1 has several"):
        result.config(1)
    few = result.where("method.mc_samples == 5").where("number < 1")
    assert repr(few) == "<StudyResult forked: 1 complete; front of 1 by val_accuracy, compute_saved>"
    assert few.condition == "(method.mc_samples == 5) and (number < 1)"
    with pytest.raises(sparsetune.BadInput, match="found 1, allowed: 0"):
        few.trial(1)
    with pytest.raises(sparsetune.BadInput, match="where: unknown name"):
        result.where("kp > 1")


def test_the_best_of_one_objective_says_its_error(tmp_path: Path) -> None:
    result = sparsetune.load("forked", storage=store(tmp_path, objectives=1))
    assert repr(result).endswith(f"best val_accuracy 0.96 ± 0.01 in trial {BEST}>")
    assert result.best.label == BEST
    none = sparsetune.load("other", storage=store(tmp_path, objectives=1, bound=0.99, name="other"))
    with pytest.raises(sparsetune.BadInput, match=r"of study 'other' meets all its constraints \(6 complete\)"):
        none.best  # noqa: B018

"""`sparsetune.load`: what a study has found, for notebooks."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
from typer.testing import CliRunner

import sparsetune
from sparsetune.base.paths import Project
from sparsetune.base.yaml_io import parse
from sparsetune.cli import app
from sparsetune.config.trial import resolve_trial
from sparsetune.training.registries import REGISTRIES


def test_trials_are_those_of_export_types_included(root: Path, mixed: sparsetune.StudyResult) -> None:
    exported = CliRunner().invoke(app, ["export", "mixed <b>", "--csv", "--root", str(root)])
    csv = pd.read_csv(io.StringIO(exported.stdout), engine="python")  # reads each float exactly
    csv["reason"] = csv["reason"].fillna("")
    pd.testing.assert_frame_equal(mixed.trials, csv, check_exact=True)
    drawn = {"training.batch_size": "i", "model.batch_norm": "b", "training.lr": "f", "training.momentum": "f"}
    assert {name: mixed.trials[f"params.{name}"].dtype.kind for name in drawn} == drawn
    assert mixed.trials["params.training.momentum"].isna().tolist() == [
        optimizer == "adam" for optimizer in mixed.trials["params.training.optimizer"]
    ]


def test_trials_are_those_of_optuna(mixed: sparsetune.StudyResult) -> None:
    theirs = mixed.study.trials_dataframe()
    ours = mixed.trials
    assert ours["number"].tolist() == ours.index.tolist() == theirs["number"].tolist()
    assert ours["state"].tolist() == theirs["state"].tolist()
    drawn = [name.removeprefix("params_") for name in theirs if name.startswith("params_")]
    assert len(drawn) == 5
    for name in drawn:
        assert ours[f"params.{name}"].equals(theirs[f"params_{name}"])
    complete = ours["state"] == "COMPLETE"
    assert set(ours["state"]) == {"COMPLETE", "FAIL"}
    assert ours.loc[complete, "metrics.val_loss"].tolist() == theirs.loc[complete, "value_val_loss"].tolist()


def test_best_front_and_failures(root: Path, mixed: sparsetune.StudyResult) -> None:
    assert mixed.objectives == ("val_loss",)
    assert mixed.best.number == mixed.study.best_trial.number == mixed.trials["metrics.val_loss"].idxmin()
    assert mixed.front["number"].tolist() == [mixed.best.number]
    assert len(mixed.failures) == mixed.counts["FAIL"] > 0
    assert mixed.failures["reason"].str.contains("loss became").all()
    two = sparsetune.load("small", root=root)
    assert set(two.front["number"]) == {trial.number for trial in two.study.best_trials}
    assert two.front["metrics.val_accuracy"].is_monotonic_decreasing
    with pytest.raises(sparsetune.BadInput, match=r"2 objectives \(val_accuracy, compute_saved\).*see \.front"):
        two.best  # noqa: B018
    with pytest.raises(sparsetune.BadInput, match="2 objectives"):
        two.config()


def test_a_config_is_the_trial_s_own(mixed: sparsetune.StudyResult) -> None:
    config = mixed.config(3)
    assert config == parse(mixed.yaml(3), source="yaml") == mixed.trial(3).config
    assert resolve_trial(config, REGISTRIES, source="3").plain() == config
    assert mixed.config() == mixed.best.config
    config["training"]["lr"] = 7
    assert mixed.config(3)["training"]["lr"] != 7
    with pytest.raises(sparsetune.BadInput, match="found 99, allowed: 0 to 7"):
        mixed.config(99)


def test_a_result_shows_its_answer(root: Path, mixed: sparsetune.StudyResult) -> None:
    best = mixed.best
    answer = f"best val_loss {best.values[0]:.4g} in trial {best.number}"
    assert repr(mixed).startswith("<StudyResult mixed <b>: ")
    assert answer in repr(mixed)
    page = mixed._repr_html_()
    assert "mixed &lt;b&gt;: " in page
    assert "<b>" not in page
    assert page.count("<tr") == 2
    assert "metrics.val_loss" in page
    two = sparsetune.load("small", root=root)
    assert f"front of {len(two.front)} by val_accuracy, compute_saved" in repr(two)
    assert two._repr_html_().count("<tr") == 1 + len(two.front)


def test_load_by_name_by_file_and_by_storage(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = sparsetune.load("small", root=root).stored
    file = root / "studies" / "small.yaml"
    monkeypatch.chdir(file.parent)
    monkeypatch.setenv("PLACE", "")
    monkeypatch.delenv("PLACE")  # what .env sets goes with the test
    (root / ".env").write_text(f"PLACE={Project(root).storage_url}\n")
    elsewhere = root / "elsewhere" / "same.yaml"
    (elsewhere.parent / "search_spaces").mkdir(parents=True)
    elsewhere.write_text(file.read_text() + "storage: ${PLACE}\n")
    for found in (
        sparsetune.load("small"),
        sparsetune.load("small.yaml"),
        sparsetune.load(file),
        sparsetune.load(elsewhere),
        sparsetune.load("small", storage=Project(root).storage_url),
    ):
        assert found.stored == wanted


def test_a_study_without_complete_trials(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/by_hand.db"
    optuna.create_study(study_name="by hand", storage=url)
    empty = sparsetune.load("by hand", storage=url)
    assert list(empty.trials) == ["number", "state", "reason"]
    assert (len(empty.front), len(empty.failures)) == (0, 0)
    empty.study.ask()
    running = sparsetune.load("by hand", storage=url)
    assert (running.counts["RUNNING"], running.trials["state"].tolist()) == (1, ["RUNNING"])
    for result, answer in ((empty, "by hand: no trials"), (running, "by hand: 1 running")):
        assert repr(result) == f"<StudyResult {answer}>"
        assert result._repr_html_() == f"<p>{answer}</p>"
        with pytest.raises(sparsetune.BadInput, match="no complete trial yet"):
            result.best  # noqa: B018


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "smal"}, "unknown study 'smal'; did you mean 'small'"),
        ({"name": "small", "root": "/"}, "/: no folder upward from here has search_spaces/"),
        ({"name": "small", "storage": "bogus"}, "bogus: cannot be opened"),
        ({"name": "none.yaml", "root": None}, "none.yaml: no such file"),
        ({"name": Path("small.yaml")}, "small.yaml: a study file says where its storage is"),
    ],
)
def test_what_load_refuses(arguments: dict[str, Any], message: str, root: Path) -> None:
    with pytest.raises(sparsetune.BadInput) as caught:
        sparsetune.load(**{"root": root, **arguments})
    assert message in str(caught.value)

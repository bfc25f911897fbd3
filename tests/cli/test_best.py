"""`best` says what the objectives of a study are made of, where the study computes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sparsetune.app.study import load
from sparsetune.cli import app
from sparsetune.testing.studies import write_study

SCORE = "val_accuracy - 0.1 * val_loss"
BOTH = [
    {"metric": "gain", "score": SCORE, "goal": "maximize"},
    {"metric": "compute_saved", "goal": "maximize"},
]


def printed(*words: Any) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_formula_on_several_lines_is_one(tmp_path: Path) -> None:
    """Else the config that `best` prints would not be YAML."""
    file = write_study(tmp_path, objectives=[{**BOTH[0], "score": SCORE.replace(" - ", "\n  - ")}])
    assert load(file).objectives[0].score == SCORE


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("objectives", [BOTH[:1], BOTH])
def test_best_shows_the_formula_of_a_score(tmp_path: Path, objectives: list[dict[str, str]]) -> None:
    """Beside its value: in a table under it, before a config as YAML's comment."""
    file = write_study(tmp_path, objectives=objectives, budget={"trials": 1}, training={"epochs": 1, "batch_size": 128})
    printed("study", file, "--in-process")
    of_one = printed("best", "small", "--trial", 0, "--root", tmp_path).splitlines()
    assert of_one[0].startswith("# study small, trial 0: gain ")
    assert of_one[1] == f"# gain = {SCORE}"
    assert not of_one[2].startswith("#")
    lines = printed("best", "small", "--root", tmp_path).splitlines()
    assert (f"gain = {SCORE}" if len(objectives) > 1 else f"# gain = {SCORE}") in lines


@pytest.mark.usefixtures("alone")
def test_the_front_is_drawn_into_a_file(tmp_path: Path) -> None:
    """And is refused in one line where there is none, or no place for it; nothing is written then."""
    changes: dict[str, Any] = {"budget": {"trials": 1}, "training": {"epochs": 1, "batch_size": 128}}
    printed("study", write_study(tmp_path, **changes), "--in-process")
    drawn = tmp_path / "front.png"
    assert "Pareto front" in printed("best", "small", "--figure", drawn, "--root", tmp_path)
    assert drawn.read_bytes().startswith(b"\x89PNG")
    one = tmp_path / "one"
    printed("study", write_study(one, objectives=BOTH[1:], **changes), "--in-process")
    for words, line in (
        (("--figure", tmp_path / "x.gif", "--root", tmp_path), "allowed: a PNG (x.png) in a folder that is there"),
        (("--figure", tmp_path / "no" / "x.png", "--root", tmp_path), "allowed: a PNG (x.png) in a folder"),
        (
            ("--figure", one / "x.png", "--root", one),
            "--figure: nothing to draw: a front wants two objectives and a row that may win, arms two of a config",
        ),
        (("--figure", one / "x.png", "--trial", 0, "--root", one), "best: found --trial and --figure, allowed: one"),
    ):
        result = CliRunner().invoke(app, ["best", "small", *map(str, words)])
        assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
        assert line in result.stderr
    assert not [*tmp_path.rglob("x.*")]

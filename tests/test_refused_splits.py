"""Splits that cannot be made are refused before the first trial, whatever the data; nothing is written then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.pictures import write_pictures
from typer.testing import CliRunner, Result

import sparsetune.tracking.mlflow  # noqa: F401  # else a thread imports it, while the test that is refused ends
from sparsetune.base.yaml_io import dump
from sparsetune.cli import app
from sparsetune.testing.studies import write_study

GOAL = [{"metric": "val_loss", "goal": "minimize"}]
LR = {"training.lr": {"float": [0.01, 0.1]}}
TABLE = {"name": "tabular", "path": "table.csv", "target": "y"}
FOLDER = {"name": "folder", "train_dir": "pets"}
TESTED = {**FOLDER, "test_dir": "test"}
FEW = "too few samples of class 'rare' to be in every split"
HOW = "cannot hold a share of each of"


def study(root: Path, data: Any, space: Any = LR, **changes: Any) -> Path:
    """A study beside a table and folders of images in which the class 'rare' has one sample."""
    rows = [f"{number % 7},{number % 5},{'ab'[number % 2]}" for number in range(40)]
    (root / "table.csv").write_text("\n".join(["u,v,y", *rows, "1,2,rare"]) + "\n")
    write_pictures(root / "pets", {"a": 20, "b": 20, "rare": 1}, 4, 4)
    write_pictures(root / "test", {"a": 2, "b": 2, "rare": 2}, 4, 4)
    return write_study(
        root,
        method="dense",
        data=data,
        space=space,
        objectives=GOAL,
        training={"epochs": 1},
        **{"sampler": "random", **changes},
    )


def call(*words: Any) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def digits(**settings: Any) -> dict[str, Any]:
    return {"name": "digits", **settings}


REFUSED: dict[str, tuple[Any, Any, str]] = {
    "fewer than classes": (digits(val_size=3), LR, f"data.val_size: 3 of 1,438 samples {HOW} 10 classes"),
    "a test too small": (digits(test_size=9), LR, f"data.test_size: 9 of 1,797 samples {HOW} 10 classes"),
    "a fraction": (digits(val_size=0.001), LR, f"data.val_size: 2 of 1,438 samples {HOW} 10 classes"),
    "few to train on": (
        digits(num_train=12, stratified=False), LR, "data.num_train: no training sample is left of class"
    ),
    "a row": (TABLE, LR, f"data.stratified: {FEW}"),
    "an image": (FOLDER, LR, f"data.stratified: {FEW}"),
    "an image, own test": (TESTED, LR, f"data.stratified: {FEW}"),
    "own test, no shares": (
        {**TESTED, "stratified": False, "num_train": 3}, LR, "data.num_train: no training sample is left of class"
    ),
    "a choice": (
        digits(), {"data.val_size": {"choice": [359, 3]}}, f"data.val_size: 3 of 1,438 samples {HOW} 10 classes"
    ),
    "a factor": (
        digits(), {"data.val_size": {"factor": [359, 3]}}, f"data.val_size: 3 of 1,438 samples {HOW} 10 classes"
    ),
    "an end": (digits(), {"data.test_size": {"int": [5, 400]}}, f"data.test_size: 5 of 1,797 samples {HOW} 10"),
    "a condition": (
        digits(),
        {
            "training.optimizer": {"choice": ["adam", "sgd"]},
            "data.val_size": {"value": 3, "when": {"training.optimizer": "sgd"}},
        },
        "data.val_size: 3 of 1,438 samples",
    ),
    "computed": (
        digits(),
        {"training.batch_size": {"choice": [4, 64]}, "data.val_size": {"derived": "training.batch_size"}},
        "data.val_size: 4 of 1,438 samples",
    ),
    "a seed within a range": (
        digits(num_train=40, stratified=False), {"data.seed": {"int": [0, 9]}}, "data.num_train: no training sample"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_study_is_refused_and_its_name_stays_free(case: str, tmp_path: Path) -> None:
    data, space, problem = REFUSED[case]
    file = study(tmp_path, data, space)
    before = sorted(tmp_path.rglob("*"))
    for words in (("--in-process",), ("--dry-run", "--no-probe")):
        result = call("study", file, *words)
        line = result.stderr.strip().splitlines()[-1]  # on a slow machine before it: decoding 41 samples
        assert line.startswith(f"error: {file}: {problem}"), result.stderr
        assert result.exit_code == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_a_forecast_is_refused_alike(tmp_path: Path) -> None:
    file = study(tmp_path, TABLE)
    result = call("study", file, "--in-process", "--dry-run")
    assert result.exit_code == 2
    assert result.stderr.strip().splitlines()[-1].startswith(f"error: {file}: data.stratified: {FEW}")


def test_the_seed_within_the_range_is_the_only_one(tmp_path: Path) -> None:
    """Of the range above: or its test would show nothing."""
    ends = {"data.seed": {"choice": [0, 9]}}
    file = study(tmp_path, digits(num_train=40, stratified=False), ends)
    assert call("study", file, "--dry-run", "--no-probe").exit_code == 0


@pytest.mark.parametrize(
    ("data", "space"),
    [
        (digits(val_size=3, stratified=False), LR),
        (digits(val_size=10), LR),
        (digits(num_train=10), LR),
        ({**TABLE, "stratified": False}, LR),
        ({**FOLDER, "stratified": False}, LR),
        ({**TABLE, "task": "regression", "target": "u", "ignore": ["y"], "val_size": 1, "test_size": 1}, LR),
        ({"name": "teacher_student"}, LR),
        (digits(val_size=359), {"data.num_train": {"int": [10, 400]}}),
        # 3 is the value of a condition that never comes with shares
        (
            digits(),
            {
                "data.stratified": {"choice": [True, False]},
                "data.val_size": {"value": 3, "when": {"data.stratified": False}},
            },
        ),
    ],
)
def test_what_can_be_divided_is_not_refused(data: Any, space: Any, tmp_path: Path) -> None:
    result = call("study", study(tmp_path, data, space), "--dry-run", "--no-probe")
    assert (result.exit_code, result.stderr) == (0, "")


def test_branches_of_a_choice_of_methods(tmp_path: Path) -> None:
    branch = {"dense": None, "ast": {"data.val_size": {"value": 3}}}
    file = write_study(tmp_path, method={"choose": branch}, space=LR, objectives=GOAL)
    result = call("study", file, "--in-process")
    assert result.exit_code == 2
    assert f"error: {file}: data.val_size: 3 of 1,438 samples" in result.stderr
    assert not (tmp_path / "mlruns").exists()


@pytest.mark.parametrize("data", [digits(val_size=3), TABLE, FOLDER])
def test_a_config_is_refused(data: Any, tmp_path: Path) -> None:
    study(tmp_path, data)
    file = tmp_path / "config.yaml"
    file.write_text(dump({"method": "dense", "data": data, "model": "mlp"}))
    result = call("run", file, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {file}: data.")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "mlruns").exists()


def test_data_that_are_here_and_cannot_be_divided(tmp_path: Path) -> None:
    study(tmp_path, TABLE)
    result = call("data", "check", "tabular", "--root", tmp_path, "--set", "path=table.csv", "--set", "target=y")
    assert result.exit_code == 1
    assert f"tabular: broken: data.stratified: {FEW}" in result.stdout

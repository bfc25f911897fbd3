"""A first training that cannot be: one line with its key, exit code 2, and nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sparsetune.base.yaml_io import dump
from sparsetune.cli import app
from sparsetune.testing.tickets import BRIEF, LOTTERY, MLP

pytestmark = pytest.mark.usefixtures("alone")
NONE = "its trainings leave no tickets of weights"
FIRST = {"method": LOTTERY}


def refused(root: Path, method: dict[str, Any], **changes: Any) -> str:
    (root / "search_spaces").mkdir()
    raw = {"method": {"name": "ticket_retrain", **method}, "data": "digits", "model": MLP, "training": BRIEF, **changes}
    file = root / "re.yaml"
    file.write_text(dump(raw))
    result = CliRunner().invoke(app, ["run", str(file)])
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1), result.output
    assert {path.name for path in root.iterdir()} == {"search_spaces", "re.yaml"}
    return result.stderr.removeprefix(f"error: {file}: ").rstrip("\n")


@pytest.mark.parametrize(
    ("method", "line"),
    [
        ({"first": FIRST, "source": "x"}, "method.source: written beside method.first; remove one"),
        ({}, "method.source: missing: which tickets"),
        ({"first": "lottery"}, "method.first: found 'lottery', allowed: a mapping with method, data, training"),
        ({"first": {}}, "method.first.method: missing"),
        ({"first": {**FIRST, "dataa": 1}}, "method.first.dataa: unknown key 'dataa'; did you mean 'data'?"),
        ({"first": FIRST, "level": 3}, "method.level: found 3, allowed: 1, 2, of which method.first leaves tickets"),
        (
            {"first": {"method": {**LOTTERY, "arm": "random_mask", "arms_at": [2]}}, "level": 1},
            "method.level: found 1, allowed: 2, of which method.first leaves tickets",
        ),
    ],
)
def test_the_method_s_settings(tmp_path: Path, method: dict[str, Any], line: str) -> None:
    assert refused(tmp_path, method).startswith(line)


@pytest.mark.parametrize(
    ("first", "line"),
    [
        ({"method": "dense"}, f"method.name: found dense: {NONE}; allowed: lottery"),
        ({"method": "slt"}, f"method.name: found slt: {NONE}; allowed: lottery"),
        ({"method": {"name": "ticket_retrain", "source": "x"}}, f"method.name: found ticket_retrain: {NONE}; allowed"),
        ({"method": "lotery"}, "method.name: unknown method 'lotery'; did you mean 'lottery'?"),
        ({"method": {**LOTTERY, "level": 3}}, "method.level: unknown key 'level'; did you mean 'levels'?"),
        ({"method": {**LOTTERY, "arm": "reinit_same_mask"}}, f"method.arm: found 'reinit_same_mask': {NONE}"),
        ({"method": {**LOTTERY, "arm": "reinit_own_chain"}}, f"method.arm: found 'reinit_own_chain': {NONE}"),
        ({"method": {**LOTTERY, "rewind": "9ep"}}, "method.rewind: found 9ep, allowed: less than a level, 3ep"),
        ({"data": "digitss"}, "data.name: unknown data set 'digitss'; did you mean 'digits'?"),
        ({"data": {"name": "digits", "num": 3}}, "data.num: unknown key 'num'; did you mean "),
        ({"data": {"name": "digits", "num_train": 5000}}, "data.num_train: found 5,000, allowed: at most 1,079, "),
        ({"data": "mnist"}, "data.root: no train-images-idx3-ubyte, "),
        ({"training": {"lrr": 3}}, "training.lrr: unknown key 'lrr'; did you mean 'lr'?"),
        ({"training": {"lr": -3}}, "training.lr: found -3, allowed: above 0"),
        ({"training": "adam"}, "training: found 'adam', allowed: a mapping with epochs, "),
    ],
)
def test_what_stands_in_it(tmp_path: Path, first: dict[str, Any], line: str) -> None:
    assert refused(tmp_path, {"first": {**FIRST, **first}}).startswith(f"method.first.{line}")


def test_data_of_another_shape(tmp_path: Path) -> None:
    line = "method.first: the ticket does not fit: its tensor 'linear1.weight' is 16x256, the network's 16x64"
    assert refused(tmp_path, {"first": {**FIRST, "data": {"name": "digits", "resize": 16}}}) == line


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ({"data": {"name": "digits", "num_train": 5000}}, "data.num_train: found 5,000, allowed: at most 1,079, "),
        ({"training": {**BRIEF, "loss": "gauss"}}, "training.loss: "),
    ],
)
def test_what_it_shares_with_the_trial_has_the_trial_s_key(tmp_path: Path, section: dict[str, Any], line: str) -> None:
    assert refused(tmp_path, {"first": FIRST}, **section).startswith(line)


def test_a_trained_sigma_leaves_no_tickets(tmp_path: Path) -> None:
    data = {"name": "teacher_student"}
    first = {**FIRST, "training": {**BRIEF, "loss": "gauss"}}
    line = f"method.first.training.loss: found gauss: {NONE}"
    assert refused(tmp_path, {"first": first}, data=data).startswith(line)

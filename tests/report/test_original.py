"""Runs in the columns of their original."""

from __future__ import annotations

import csv
import io

from sparsetune.base.messages import Branch, Key, Run, Trial
from sparsetune.config.trial import Training
from sparsetune.report.original import original_csv
from sparsetune.sparsity.formats import EFFICIENT_COMPRESSION
from sparsetune.sparsity.methods import METHODS, METRICS
from sparsetune.training.registries import REGISTRIES

DATA = ("mnist", "teacher_student")
CONFIG = {"method": {"name": "drr", "alpha": 0.1, "beta": 5.0, "delta": 0.2}, "training": {"lr": 0.01}}


def run(branch: str, seed: int, state: str = "COMPLETE") -> Run:
    metrics = {"test_accuracy": 0.9 + seed / 100, "nonzeros": 25.0, "time_min": 0.5}
    return Run(Key(3, seed, branch), state, metrics)  # type: ignore[arg-type]


def test_a_line_for_each_run_that_is_complete() -> None:
    row = Trial(
        3, "COMPLETE", {}, CONFIG, branches=(Branch("delta=0.2"),), branch="delta=0.2", started_ms=1_000,
        runs=(run("delta=0.2", 0), run("delta=0.2", 1), run("delta=0.2", 2, "FAIL")),
    )  # fmt: skip
    lines = list(csv.DictReader(io.StringIO(original_csv("s", [row], EFFICIENT_COMPRESSION))))
    assert [(line["run_id"], line["seed"], line["final_accuracy_testset"]) for line in lines] == [
        ("3 delta=0.2", "0", "0.9"), ("3 delta=0.2", "1", "0.91"),
    ]  # fmt: skip
    assert {name: lines[0][name] for name in ("α", "β", "tolerated_relative_loss_increase", "lr", "run_time")} == {
        "α": "0.1", "β": "5.0", "tolerated_relative_loss_increase": "0.2", "lr": "0.01", "run_time": "30.0",
    }  # fmt: skip
    assert (lines[0]["timestamp"], lines[0]["l0_norm"]) == ("1970-01-01T00:00:01+00:00", "25.0")
    assert lines[0]["dev"] == "", "what is not there is empty"


def test_what_teacher_student_runs_have_beside_others() -> None:
    config = {"data": {"teacher": [2, 5, 1], "noise": 0.08}, "model": {"hidden": [25]}, "training": {"loss": "gauss"}}
    of_run = Run(Key(0, 0, ""), "COMPLETE", {"sigma": 0.07})
    row = Trial(0, "COMPLETE", {}, config, branches=(Branch(),), branch="", started_ms=0, runs=(of_run,))
    [line] = csv.DictReader(io.StringIO(original_csv("s", [row], EFFICIENT_COMPRESSION)))
    names = ("architecture_teacher", "architecture_student", "noise", "gauss_loss", "final_sigma")
    assert [line[name] for name in names] == ["[2, 5, 1]", "[25]", "0.08", "gauss", "0.07"]


def test_each_column_is_a_setting_or_a_number() -> None:
    of_methods = {field for name in ("drr", "pmmp") for field in METHODS.get(name).Config.model_fields}
    fields = {"number", "study", "started", "seconds", "seed", "data.num_train"}
    for name in EFFICIENT_COMPRESSION.values():
        section, _, field = name.partition(".")
        settings = {
            "method": of_methods,
            "model": REGISTRIES.model.get("mlp").Config.model_fields,
            "data": {each for data in DATA for each in REGISTRIES.data.get(data).Config.model_fields},
        }
        if section == "training":
            assert field in Training.model_fields
        elif field:
            assert field in settings[section], name
        else:
            assert name in METRICS or name in fields, name

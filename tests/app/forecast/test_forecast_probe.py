"""Probes of real trials: what they say of a trial is what the trial itself says."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import fields, replace
from math import ceil
from pathlib import Path
from typing import Any

import pytest
import torch

from sparsetune.app.forecast.estimate import Probed, trial_cost
from sparsetune.app.forecast.probe import Order, Process, probe
from sparsetune.app.forecast.prober import measure
from sparsetune.app.forecast.watch import Watch
from sparsetune.base.failpoints import VARIABLE
from sparsetune.base.messages import Branch, Key, OwnFile, Row, Run, Trial
from sparsetune.base.paths import ENDS, RECORD
from sparsetune.config.overrides import assign
from sparsetune.config.trial import resolve_trial
from sparsetune.training.checkpoint import read_checkpoint
from sparsetune.training.registries import REGISTRIES

TINY = {
    "method": {"name": "ast", "target_activation": 0.5},
    "data": "digits",
    "model": {"name": "mlp", "hidden": [16]},
    "training": {"epochs": 60, "batch_size": 64},
}
PLACES = len(fields(Row)) - 1  # what a row has beside its metrics


@pytest.fixture(autouse=True)
def restored_threads() -> Any:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def config(**changes: Any) -> dict[str, Any]:
    return assign(resolve_trial(TINY, REGISTRIES).plain(), {name.replace("__", "."): v for name, v in changes.items()})


def order(*configs: dict[str, Any], objectives: tuple[str, ...] = ("val_accuracy",), seconds: float = 1.0) -> Order:
    options = {"cpus": 1, "figures": "all", "scores": {}, "imports": ()}
    return Order(configs, objectives, options, seconds=seconds)


def measured(tmp_path: Path, seconds: float, *, objective: str = "val_accuracy", **changes: Any) -> Probed:
    wanted = config(**changes)
    return measure(order(wanted, objectives=(objective,)), wanted, seconds, tmp_path, lambda text: None)


def rows(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "00000" / "history.jsonl").read_text().splitlines()]


def test_a_trial_that_comes_to_its_end_is_measured_as_it_was(tmp_path: Path) -> None:
    found = measured(tmp_path, 600.0)
    record, folder = rows(tmp_path), tmp_path / "00000"
    assert (found.reason, found.ended, found.epochs, found.rows, found.planned) == ("", True, 60.0, 60, 60)
    assert found.epochs * found.epoch_seconds == pytest.approx(60 * record[-1]["time_min"])
    assert found.metrics == len(record[-1]) - PLACES
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    kept_while_it_runs = sizes.pop("checkpoint.pt") + sizes.pop("record.jsonl")
    assert found.files == sizes
    assert {"weights.safetensors", "trace.npz", "controller.png", "config.yaml"} <= set(found.files)
    assert trial_cost(found, "10s").left_bytes == sum(found.files.values())
    assert found.checkpoint_bytes == kept_while_it_runs
    assert found.checkpoint_growth > 0  # a row and the steps of its trace
    assert found.fixed_seconds > 0
    assert found.save_seconds > 0


DROPPING = {"method": {"name": "dense", "n_dropout_layers": 1}, "training__epochs": 6}


def test_of_a_fork_the_epochs_of_one_training_count(tmp_path: Path) -> None:
    """They are heard of for each branch, and files lie there for each."""
    wanted = config(**DROPPING)
    branches = tuple(Branch(f"mc_samples={count}", {"method.mc_samples": count}) for count in (1, 2, 3))
    of_fork = replace(order(wanted), branches=branches)
    found = measure(of_fork, wanted, 600.0, tmp_path, lambda text: None)
    assert (found.reason, found.ended, found.epochs, found.rows, found.planned) == ("", True, 6.0, 6, 6)
    first = next((tmp_path / "00000").rglob("history.jsonl")).read_text().splitlines()
    assert found.metrics == len(json.loads(first[-1])) - PLACES
    sizes = [path.stat().st_size for path in (tmp_path / "00000").rglob("weights.safetensors")]
    assert len(sizes) == 3
    assert found.files["weights.safetensors"] == sum(sizes)


def test_a_watch_hears_the_first_run_only(tmp_path: Path) -> None:
    """What others report says nothing of how long a checkpoint took, either."""
    keys = [Key(0, seed, branch) for seed in (3, 4) for branch in ("a", "b")]
    trial = Trial(0, "RUNNING", {}, {"training": {"epochs": 2}}, runs=tuple(map(Run, keys)))
    saved = tmp_path / "checkpoint.pt"
    watch = Watch(saved, lambda text: None)
    of_run = {key: (Row(1, 0, {"val_loss": 1.0}), Row(2, 0, {"val_loss": 0.5})) for key in keys}
    for epoch in range(2):
        saved.write_bytes(b"x" * (100 + 10 * epoch))
        os.utime(saved, ns=(epoch + 1, epoch + 1))
        for key in (keys[1], keys[0], *keys[2:]):
            watch.trial_reported(trial, key, of_run[key][epoch : epoch + 1])
    assert watch.rows == list(of_run[keys[0]])
    assert (watch.checkpoint_bytes, watch.saves, len(watch.saving)) == (110, 2, 2)
    watch.trial_ended(trial, {}, {})
    assert len(watch.saving) == 1  # what the last one took is not known


def test_a_watch_takes_the_sizes_of_each_new_checkpoint(tmp_path: Path) -> None:
    trial = Trial(0, "RUNNING", {}, {"training": {"epochs": 9}}, runs=(Run(Key(0)),))
    saved, record, ends = tmp_path / "checkpoint.pt", tmp_path / RECORD, tmp_path / ENDS
    watch = Watch(saved, lambda text: None)

    def seen() -> tuple[int, ...]:
        watch.trial_reported(trial, Key(0), (Row(1, 0, {"val_loss": 1.0}),))
        return watch.saves, watch.checkpoint_bytes, watch.record_bytes, watch.ends_bytes

    def save(moment: int, size: int, of_record: int, of_ends: dict[str, int]) -> None:
        saved.write_bytes(b"x" * size)
        os.utime(saved, ns=(moment, moment))
        record.write_bytes(b"x" * of_record)
        shutil.rmtree(ends, ignore_errors=True)
        ends.mkdir()
        for name, of_end in of_ends.items():
            (ends / name).write_bytes(b"x" * of_end)

    assert seen() == (0, 0, 0, 0)
    save(1, 100, 10, {"a.pt": 30, "b.pt": 50, "c.part": 900})
    assert seen() == (1, 110, 10, 80)
    save(1, 200, 20, {})
    assert seen() == (1, 110, 10, 80), "it is the one before"
    save(2, 90, 30, {"b.pt": 50})
    assert seen() == (2, 120, 30, 80)
    saved.unlink()
    assert seen() == (2, 120, 30, 80), "one that has gone is no new one"
    watch.trial_ended(trial, {}, {Key(0, 0, branch): {"weights": record} for branch in "ab"})
    assert len(watch.saving) == 2, "none came after the last row"
    assert watch.sizes == {"weights": 60}


def test_a_trial_that_is_cut_short_within_its_first_epoch(tmp_path: Path) -> None:
    found = measured(tmp_path, 0.06, training__batch_size=4, training__epochs=7)
    assert (found.ended, found.rows, found.planned) == (False, 1, 7)
    saved = read_checkpoint(tmp_path / "00000" / "checkpoint.pt")
    assert saved is not None
    cost = saved["training"]["live"]["cost"]
    assert 0 < found.epochs == cost["steps"] / ceil(1079 / 4) < 1
    evaluation = cost["seconds"] - cost["step_seconds"]
    whole = cost["step_seconds"] / found.epochs + evaluation
    assert found.epoch_seconds == pytest.approx(whole)
    kept = [tmp_path / "00000" / name for name in ("checkpoint.pt", "record.jsonl")]
    assert found.checkpoint_bytes == sum(path.stat().st_size for path in kept)


def test_a_trial_that_is_cut_short_later_has_epochs_like_those_before(tmp_path: Path) -> None:
    found = measured(tmp_path, 0.3, training__epochs=100_000)
    record = rows(tmp_path)
    assert (found.ended, found.rows, found.planned) == (False, len(record), 100_000)
    assert len(record) - 1 <= found.epochs <= len(record)
    before = 60 * record[-2]["time_min"] / (len(record) - 1)
    assert found.epoch_seconds == pytest.approx(before, rel=0.5)
    assert trial_cost(found, "10s").seconds > 100_000 * found.epoch_seconds


def test_a_trial_with_a_shorter_limit_of_its_own_ends_by_it(tmp_path: Path) -> None:
    found = measured(tmp_path, 600.0, training__max_minutes=0.001, training__epochs=100_000)
    assert (found.ended, found.limit_seconds) == (True, 0.06)
    longer = measured(tmp_path / "longer", 0.1, training__max_minutes=5.0, training__epochs=100_000)
    assert (longer.ended, longer.limit_seconds) == (False, 300.0)
    assert trial_cost(longer, "10s").seconds < 310


def test_a_trial_that_fails_gives_its_reason(tmp_path: Path) -> None:
    assert "loss became" in measured(tmp_path / "a", 9.0, training__lr=1e30).reason
    without = measured(tmp_path / "b", 9.0, objective="activation_std", method__target_activation=1.0)
    assert without == Probed(reason="the trial gave no activation_std")
    assert (without.lacks, without.fault) == (["activation_std"], False)


NUMBERS = """
from sparsetune.config.metrics import Metric

def broken(outputs, targets):
    return float("nan")

def raising(outputs, targets):
    raise IndexError("no such class")

METRICS = {Metric(each.__name__, "", "maximize", "end", "none"): each for each in (broken, raising)}
"""


def with_own(wanted: dict[str, Any], objective: str, text: str = NUMBERS) -> Order:
    of_all = order(wanted, objectives=("val_accuracy", objective))
    return replace(of_all, job_options={**of_all.job_options, "imports": (OwnFile("own.py", text),)})


def test_a_metric_that_is_never_a_number_is_lacking(tmp_path: Path) -> None:
    wanted = config(training__epochs=2)
    text = NUMBERS.replace("(broken, raising)", "(broken,)")
    found = measure(with_own(wanted, "broken", text), wanted, 600.0, tmp_path, lambda text: None)
    assert (found.reason, found.ended, found.lacks, found.fault, found.rows) == ("", True, ["broken"], False, 2)


def test_an_error_in_own_code_is_a_fault_unless_the_time_was_up(tmp_path: Path) -> None:
    wanted = config(training__epochs=2)
    whole = measure(with_own(wanted, "raising"), wanted, 600.0, tmp_path / "whole", lambda text: None)
    assert (whole.reason, whole.fault) == ("IndexError: no such class", True)
    longer = config(training__epochs=100_000)
    cut = measure(with_own(longer, "raising"), longer, 0.05, tmp_path / "cut", lambda text: None)
    assert (cut.reason, cut.fault) == ("IndexError: no such class", False)


def test_what_a_short_training_lacks_a_whole_one_may_have(tmp_path: Path) -> None:
    """It is measured all the same."""
    changes = {"method__target_activation": 1.0, "training__epochs": 100_000}
    found = measured(tmp_path, 0.05, objective="activation_std", **changes)
    assert (found.reason, found.ended, found.lacks) == ("", False, ["activation_std"])
    assert found.epoch_seconds > 0


def test_probes_come_from_a_process_of_their_own_and_leave_nothing(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path_factory.mktemp("beside"))
    for name in ("json", "shutil", "threading"):
        Path(f"{name}.py").write_text("raise RuntimeError('a file in the current folder was taken for a module')")
    said: list[str] = []
    wild, unknown = config(training__lr=1e30), config(model__name="nothing")
    process, found = probe(order(config(), wild, unknown, seconds=30.0), {}, said.append)
    assert [each.ended for each in found] == [True, False, False]
    assert "loss became" in found[1].reason
    assert "unknown model 'nothing'" in found[2].reason
    assert found[0].files["weights.safetensors"] > 0
    assert process.start_seconds > 0
    assert process.peak_bytes is not None
    assert process.peak_bytes > 100 << 20  # torch alone
    assert process.device
    assert "config 1 of 3" in said
    assert not list(tmp_path.iterdir())


def test_a_process_that_dies_is_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dying = {VARIABLE: f"after-checkpoint:1:{tmp_path / 'died'}"}
    process, found = probe(order(config(training__epochs=100_000)), dying, lambda text: None)
    assert process == Process()
    (only,) = found
    assert "killed by signal 9" in only.reason
    assert [path.name for path in tmp_path.iterdir()] == ["died"]

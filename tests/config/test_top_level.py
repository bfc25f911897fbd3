"""A file given to the wrong command, and a key written one level too high: the message says what was meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sparsetune.base.errors import BadInput
from sparsetune.base.yaml_io import dump
from sparsetune.config.study.file import TRIAL_KEYS, kind_of, refuse_other_kind, refuse_unknown
from sparsetune.training.registries import REGISTRIES

from .files import GONE, GOOD, accepted, refused, space, write

TRIAL = {key: GOOD[key] for key in ("method", "data", "model", "training")}


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (GOOD, "study"),
        (TRIAL, "trial"),
        ({**TRIAL, "seed": 1}, "trial"),
        (GOOD["space"], "space"),
        ({"include": "optimizer"}, "space"),
        ({}, None),
        ({**TRIAL, "epochs": 3}, None),
        ({"study": "s", **TRIAL}, None),
        ({"include": "optimizer", "study": "s"}, None),
    ],
)
def test_kinds_of_files(raw: dict[str, Any], kind: str | None) -> None:
    assert kind_of(raw) == kind


def test_a_study_is_wanted(tmp_path: Path) -> None:
    file = write(tmp_path, dump(TRIAL))
    hint = f"train it with `sparsetune run {file}`"
    assert refused(file) == f"this seems to be the config of a single trial: {hint}"
    assert refused(file, {"budget.trials": 3}).endswith(hint)  # what --set adds makes no study of it
    gains = space(tmp_path, "gains", GOOD["space"])
    line = refused(gains)
    assert line.startswith("this seems to be a search space: ")
    assert "`space: gains`" in line
    assert "`sparsetune spaces gains`" in line


def test_a_trials_config_is_wanted() -> None:
    with pytest.raises(BadInput) as caught:
        refuse_other_kind(GOOD, "trial", Path("a b.yaml"))
    assert str(caught.value) == "a b.yaml: this seems to be a study: start it with `sparsetune study 'a b.yaml'`"
    refuse_other_kind(TRIAL, "trial", Path("a.yaml"))
    refuse_other_kind({}, "trial", Path("a.yaml"))


@pytest.mark.parametrize(
    ("sets", "meant"),
    [
        ({"epochs": 5}, "'training.epochs'"),
        ({"trials": 5}, "'budget.trials'"),
        ({"kp": 5}, "'method.kp'"),
        ({"hidden": [5]}, "'model.hidden'"),
        ({"report_every": "5s"}, "'tracking.report_every'"),
        ({"name": "x"}, "'method.name' or 'data.name' or 'model.name'"),
    ],
)
def test_a_key_of_a_section(sets: dict[str, Any], meant: str, tmp_path: Path) -> None:
    (key,) = sets
    assert refused(write(tmp_path), sets) == f"--set: {key}: unknown key {key!r}; did you mean {meant}?"
    assert refused(write(tmp_path, **sets)) == f"{key}: unknown key {key!r}; did you mean {meant}?"


def test_a_key_of_another_method_is_none_of_this_one(tmp_path: Path) -> None:
    assert "(allowed: budget, " in refused(write(tmp_path, method="dense", space=None, kp=1))
    assert "(allowed: budget, " in refused(write(tmp_path, method=GONE, kp=1))


def test_a_trial_has_no_budget() -> None:
    with pytest.raises(BadInput, match=r"^x: trials: unknown key 'trials'; did you mean 'metrics'\? \(allowed: data, "):
        refuse_unknown({**TRIAL, "trials": 3}, TRIAL_KEYS, REGISTRIES, "x")
    with pytest.raises(BadInput, match=r"did you mean 'training\.lr'"):
        refuse_unknown({**TRIAL, "lr": 3}, TRIAL_KEYS, REGISTRIES, "x")


@pytest.mark.parametrize("spec", ["gains", "gains.yaml", "search_spaces/gains.yaml", "./search_spaces/gains.yaml"])
def test_a_space_may_be_named_by_its_file(spec: str, tmp_path: Path) -> None:
    space(tmp_path, "gains", GOOD["space"])
    assert list(accepted(tmp_path, space=spec).space.parameters) == ["method.kp"]
    assert list(accepted(tmp_path, space=[spec]).space.parameters) == ["method.kp"]


def test_a_space_elsewhere_is_unknown(tmp_path: Path) -> None:
    space(tmp_path, "gains", GOOD["space"])
    assert refused(write(tmp_path, space="spaces/gains.yaml")).startswith("space: unknown search space 'spaces/gains'")

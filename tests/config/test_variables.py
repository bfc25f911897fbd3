"""Passwords come from the environment and are shown nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparsetune.base.yaml_io import dump

from .files import accepted, refused, write

URL = "postgresql+psycopg2://me:${TEST_PASSWORD}@db/optuna"


def test_a_variable_stands_for_a_password_that_is_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_PASSWORD", "sesame")
    study = accepted(tmp_path, storage=URL, tracking={"uri": "https://me:${TEST_PASSWORD}@host"})
    assert study.storage == "postgresql+psycopg2://me:sesame@db/optuna"
    assert study.tracking.uri == "https://me:sesame@host"
    assert "sesame" not in dump(study.resolved())


def test_a_variable_that_is_not_set_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_PASSWORD", raising=False)
    said = "the variable TEST_PASSWORD is not set, neither in the environment nor in .env"
    assert refused(write(tmp_path, storage=URL)) == f"storage: {said}"
    assert refused(write(tmp_path, tracking={"uri": "https://${TEST_PASSWORD}"})) == f"tracking.uri: {said}"


def test_an_estimate_wants_what_it_is_based_on(tmp_path: Path) -> None:
    goal = [{"metric": "est_energy_kj", "goal": "minimize"}]
    said = refused(write(tmp_path, objectives=goal))
    assert said == "objectives.0.metric: 'est_energy_kj' wants metrics.gpu_tdp_watts to be set"
    assert accepted(tmp_path, objectives=goal, metrics={"gpu_tdp_watts": 65})


def test_where_files_lie_is_no_part_of_the_meaning(tmp_path: Path) -> None:
    images = {"data": "mnist", "model": "lenet5"}
    here = accepted(tmp_path, **images)
    there = accepted(tmp_path, **{**images, "data": {"name": "mnist", "root": "/elsewhere"}})
    assert here.definition == there.definition
    assert there.resolved()["data"]["root"] == "/elsewhere"

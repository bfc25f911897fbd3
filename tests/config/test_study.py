"""Good study files: those of this repository, and what a checked study says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparsetune.app.parts import registries
from sparsetune.app.study import load
from sparsetune.base.yaml_io import dump, parse
from sparsetune.config.metrics import named
from sparsetune.config.overrides import assign
from sparsetune.config.space import corners
from sparsetune.config.space.points import branch_of, flat_base
from sparsetune.config.trial import resolve_trial

from .files import GONE, accepted, write

ROOT = Path(__file__).parents[2]
STUDIES = sorted((ROOT / "studies").glob("*.yaml"))


def test_there_are_studies() -> None:
    assert {"ast_pi", "ast_pi_pruned", "dense_baseline", "smoke"} <= {file.stem for file in STUDIES}


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.stem)
def test_studies_of_the_repository(file: Path) -> None:
    study = load(file)
    assert study.name == file.stem
    assert study.project.root == ROOT
    for point in corners(study.space, flat_base(study.space, study.plain_bases)):
        assert resolve_trial(assign(study.plain_bases[branch_of(study.space, point)], point), registries()).plain()


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.stem)
def test_a_controller_that_does_not_track_never_wins(file: Path) -> None:
    study = load(file)
    tracked = any(
        "tracking_error" in named(registries().method.get(base.method.name).metrics) for base in study.bases.values()
    )
    said = [each.at_most for each in study.constraints if each.metric == "tracking_error"]
    assert said == ([0.05] if tracked else [])


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.stem)
def test_a_resolved_study_is_a_study_file_with_the_same_meaning(file: Path, tmp_path: Path) -> None:
    study = load(file)
    copy = write(tmp_path, dump(study.resolved()))
    again = load(copy)
    assert again.definition == study.definition
    assert again.resolved() == study.resolved()


def test_defaults(tmp_path: Path) -> None:
    study = accepted(tmp_path, space=GONE, training=GONE)
    assert study.space.plain() == {}
    assert (study.sampler.name, study.pruner.name, study.resources.gpus) == ("tpe", "none", "auto")
    assert study.storage == f"sqlite:///{tmp_path}/mlruns/studies.db"
    assert study.trial.seed == 0


def test_a_stored_config_reads_back_as_itself(tmp_path: Path) -> None:
    changes = {"training": {"schedule": {"name": "step", "every": 3}}, "metrics": {"gpu_tdp_watts": 65}}
    config = accepted(tmp_path, **changes).trial
    assert resolve_trial(parse(dump(config.plain()), source=""), registries()) == config


def test_numbers_with_exponents(tmp_path: Path) -> None:
    text = dump(parse(write(tmp_path).read_text(), source="")) + "metrics: {base_flop_per_sample: 7.8e9}\n"
    study = load(write(tmp_path, text))
    assert study.trial.metrics.base_flop_per_sample == 7.8e9


@pytest.mark.parametrize(
    ("space", "points"),
    [
        ({"method.kp": {"choice": [0.1, 0.2, 0.3]}, "training.epochs": {"int": [2, 10], "step": 4}}, 9),
        ({"method.kp": {"choice": [0.1, 0.2, 0.3]}, "training.epochs": {"factor": [2, 4]}}, 6),
        ({"method.kp": {"float": [0.1, 0.3], "step": 0.1}}, 3),
        (GONE, 1),
    ],
)
def test_a_grid_has_as_many_trials_as_points(space: object, points: int, tmp_path: Path) -> None:
    """Unless its budget is smaller."""
    varied = {"space": space, "training": GONE}
    for trials, total in ((99, points), (points, points), (1, 1)):
        grid = accepted(tmp_path, sampler="grid", **varied, budget={"trials": trials})
        assert grid.extent().total() == total
        assert grid.extent(begin_with=2).total() == min(trials, points + 2)
        assert grid.extent(begin_with=2).total(taken=1) == min(trials + 1, points + 2)
        drawn = accepted(tmp_path, sampler="random", **varied, budget={"trials": trials})
        assert (drawn.extent(begin_with=2).total(), drawn.extent(begin_with=2).total(taken=1)) == (trials, trials + 1)


@pytest.mark.parametrize("gpus", ["auto", 0, 0.25, 1, 2])
def test_gpus(gpus: str | float, tmp_path: Path) -> None:
    assert accepted(tmp_path, resources={"gpus": gpus}).resources.gpus == gpus


def test_passwords_are_not_shown(tmp_path: Path) -> None:
    tracking = {"uri": "https://me:tops3cret@host/mlflow"}
    study = accepted(tmp_path, storage="postgresql://me:tops3cret@host/db?sslpassword=tops3cret", tracking=tracking)
    shown = dump(study.resolved())
    assert "tops3cret" not in shown
    assert "postgresql://me:***@host/db" in shown
    assert "tops3cret" in study.storage


def test_other_meaning_is_what_the_definition_says(tmp_path: Path) -> None:
    one = accepted(tmp_path)
    same = accepted(tmp_path, budget={"trials": 9}, sampler="random", resources={"cpus": 2})
    assert same.definition == one.definition
    others = (
        {"seed": 1},
        {"training": {"epochs": 3}},
        {"space": GONE},
        {"objectives": [{"metric": "val_loss", "goal": "minimize"}]},
    )
    for change in others:
        assert accepted(tmp_path, **change).definition != one.definition

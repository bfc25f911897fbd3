"""Tickets of lottery levels by command: listed, shown, trained again in another project, and refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner, Result

from sparsetune.base.paths import TICKET, Project
from sparsetune.base.yaml_io import dump
from sparsetune.cli import app
from sparsetune.testing.studies import write_study

TRAINED = {
    "data": {"name": "digits"},
    "model": {"name": "mlp", "hidden": [24]},
    "training": {"epochs": 4, "batch_size": 64, "lr": 0.1, "schedule": "cosine"},
}
LOTTERY = {
    **TRAINED,
    "method": {"name": "lottery", "levels": 2, "prune_fraction": 0.4},
    "fork": {"method.arm": ["ticket", "random_mask", "reinit_same_mask"]},
    "space": {},
    "objectives": [{"metric": "matching_density", "goal": "minimize"}],
    "sampler": "random",
    "budget": {"trials": 1},
    "tracking": {"figures": "none"},
}
OF = ("--trial", 0, "--branch", "arm=ticket")

pytestmark = pytest.mark.usefixtures("alone")


def call(*words: Any) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with three arms and two replicates of one trial."""
    root = tmp_path_factory.mktemp("levels")
    result = call("study", write_study(root, **LOTTERY, replicates=2, seed=3), "--in-process")
    assert result.exit_code == 0, result.output
    return root


def config(folder: Path, **changes: Any) -> Path:
    """A file without a method, in a project of its own."""
    (folder / "search_spaces").mkdir(exist_ok=True)
    file = folder / "train.yaml"
    file.write_text(dump({**TRAINED, "seed": 4, **changes}))
    return file


def levels(root: Path) -> dict[tuple[str, int], dict[str, float]]:
    """What the study says of the levels of seed 4 as they are kept, by arm and number."""
    said = json.loads(call("export", "small", "--results", "--json", "--root", root).stdout)
    rows = [row for row in said if row["seed"] == 4 and row["which"] == "last" and row["stage"] != "level 0"]
    return {(row["branch"], int(row["stage"].split("level ")[-1].split()[0])): row["metrics"] for row in rows}


def listed(root: Path, *options: Any) -> list[dict[str, Any]]:
    result = call("ticket", "list", "small", "--root", root, "--json", *options)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)  # type: ignore[no-any-return]


def test_all_are_listed(root: Path) -> None:
    rows = listed(root)
    assert rows == listed(root, "--trial", 0)
    where = [(row["seed"], row["arm"], row["level"]) for row in rows]
    assert sorted(where) == [(s, arm, level) for s in (3, 4) for arm in ("random_mask", "ticket") for level in (1, 2)]
    recorded = levels(root)
    for row in (row for row in rows if row["seed"] == 4):
        of = recorded[f"arm={row['arm']}", row["level"]]
        assert (row["test_accuracy"], row["density"]) == (of["test_accuracy"], of["density"])
    table = call("ticket", "list", "small", "--root", root).stdout.splitlines()
    assert table[0].split()[:6] == ["trial", "branch", "seed", "level", "arm", "density"]
    assert len(table) == 1 + len(rows)


def test_one_is_shown(root: Path) -> None:
    for level in (1, 2):
        result = call("ticket", "show", "small", *OF, "--seed", 4, "--level", level, "--root", root)
        assert result.exit_code == 0, result.output
        lines = [line.split(maxsplit=1) for line in result.stdout.splitlines()]
        said = {line[0]: line[1].strip() for line in lines if len(line) == 2}
        assert said["study"] == "small trial 0"
        assert said["level"] == f"{level}, arm ticket"
    last = call("ticket", "show", "small", *OF, "--seed", 4, "--root", root)
    assert last.stdout == result.stdout


def run_id(root: Path) -> str:
    """What MLflow calls the ticket's run of seed 4."""
    client = MlflowClient(Project(root).tracking_uri)
    experiment = client.get_experiment_by_name("small")
    assert experiment is not None
    condition = "tags.`sparsetune.seed` = '4' and tags.`sparsetune.branch` = 'arm=ticket'"
    (run,) = client.search_runs([experiment.experiment_id], condition)
    return str(run.info.run_id)


def test_one_of_a_run_of_mlflow(root: Path) -> None:
    shown = call("ticket", "show", "--run", run_id(root), "--level", 1, "--root", root, "--json")
    assert shown.exit_code == 0, shown.output
    wanted = call("ticket", "show", "small", *OF, "--seed", 4, "--level", 1, "--root", root, "--json")
    assert json.loads(shown.stdout) == json.loads(wanted.stdout)
    nothing = call("ticket", "show", "--run", "0" * 32, "--root", root)
    line = f"error: --run: MLflow at {Project(root).tracking_uri} has no run '{'0' * 32}'\n"
    assert (nothing.exit_code, nothing.stderr) == (2, line)


def test_a_run_of_mlflow_is_trained_again(root: Path) -> None:
    metrics = transferred(config(root), "--run", run_id(root), "--level", 1, "--root", root)
    assert len(same(metrics, levels(root)["arm=ticket", 1])) > 8


def test_a_run_that_is_not_there_leaves_nothing(root: Path) -> None:
    before = sorted((root / "mlruns").glob("tickets/*"))
    result = call("ticket", "transfer", config(root), "--run", "0" * 32, "--root", root)
    assert result.exit_code == 2
    assert sorted((root / "mlruns").glob("tickets/*")) == before


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("x", "train.yaml", "--run", "abc"), "ticket transfer: found x train.yaml, allowed: CONFIG alone, with --run"),
        (("train.yaml",), "ticket transfer: found train.yaml, allowed: PATH or STUDY, and CONFIG"),
        (("train.yaml", "--run", "abc", "--trial", "0"), "--trial: written beside --run; remove one"),
        (("train.yaml", "--run", "abc", "--seed", "4"), "--seed: found 4: without --trial, which it belongs to"),
    ],
)
def test_words_that_do_not_go_together(words: tuple[str, ...], line: str) -> None:
    result = call("ticket", "transfer", *words)
    assert (result.exit_code, result.stderr) == (2, f"error: {line}\n")


def transferred(*words: Any) -> dict[str, float]:
    result = call("ticket", "transfer", *words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)[0]["metrics"]  # type: ignore[no-any-return]


def same(one: dict[str, float], other: dict[str, float]) -> list[str]:
    """The names of those numbers of predictions, density and size that both have; they must be equal."""
    names = [name for name in one if name in other and name.startswith(("val_", "test_", "train_", "density", "nonz"))]
    assert {name: one[name] for name in names} == {name: other[name] for name in names}
    return names


def test_it_is_trained_again_in_a_fresh_project(root: Path, tmp_path: Path) -> None:
    """Levels of both arms give the numbers of the study's own, bit for bit."""
    recorded = levels(root)
    for row in (row for row in listed(root) if row["seed"] == 4 and (row["level"] == 2 or row["arm"] == "ticket")):
        branch = f"arm={row['arm']}"
        of = ("--trial", 0, "--branch", branch, "--seed", 4, "--level", row["level"], "--root", root)
        file = Path(json.loads(call("ticket", "show", "small", *of, "--json").stdout)["ticket"])
        there = tmp_path / f"{branch} {row['level']}"
        there.mkdir()
        metrics = transferred(shutil.copy(file, there / "x.safetensors"), config(there))
        assert len(same(metrics, recorded[branch, row["level"]])) > 8


def test_one_of_the_project_s_studies(root: Path) -> None:
    """Of the replicates each seed takes its own; --seed names another."""
    file = config(root)
    recorded = levels(root)
    out = root / "again"
    assert same(transferred("small", file, *OF, "--level", 1, "--out", out), recorded["arm=ticket", 1])
    assert {"config.yaml", "weights.safetensors", "masks.safetensors", "history.jsonl"} <= {
        p.name for p in out.iterdir()
    }
    other = transferred("small", file, *OF, "--level", 1, "--seed", 3)
    assert other["val_loss"] != recorded["arm=ticket", 1]["val_loss"]
    assert other["density"] == recorded["arm=ticket", 1]["density"]


def test_controls(root: Path) -> None:
    file = config(root)
    losses = {
        control: transferred("small", file, *OF, "--level", 2, "--arm", control)["val_loss"]
        for control in ("ticket", "new_weights", "shuffled", "random_mask")
    }
    assert len({*losses.values()}) == 4
    assert losses["ticket"] < losses["shuffled"]


def test_a_study_takes_up_each_seed_s_own(root: Path) -> None:
    """A fork over controls: its first branch is the study's level."""
    method = {"name": "ticket_retrain", "source": {"study": "small", "trial": 0, "branch": "arm=ticket"}, "level": 2}
    fork = {"method.arm": ["ticket", "shuffled"]}
    again = {**LOTTERY, "study": "again", "method": method, "fork": fork, "replicates": 2, "seed": 3}
    file = root / "studies" / "again.yaml"
    file.write_text(dump({**again, "objectives": [{"metric": "val_accuracy", "goal": "maximize"}]}))
    result = call("study", file, "--in-process")
    assert result.exit_code == 0, result.output
    rows = json.loads(call("export", "again", "--json", "--root", root).stdout)
    row = next(each for each in rows if each["branch"] == "arm=ticket" and each.get("seed") is None)
    seeds = [each["test_loss"] for each in listed(root) if (each["level"], each["arm"]) == (2, "ticket")]
    assert row["metrics"]["test_loss"] == pytest.approx(sum(seeds) / 2, rel=1e-12)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("small", *OF, "--level", 9), "method.level: found 9, allowed: 1, 2, of which "),
        (("small", *OF), "method.level: missing: which of the levels of "),
        (("small", "--trial", 0), "method.source.branch: trial 0 has several; allowed: arm=ticket, arm=random_mask"),
        (("small", "--trial", 4), "method.source.trial: found 4, allowed: 0 to "),
        (("smal", "--trial", 0), "unknown study 'smal'; did you mean 'small'?"),
        (("small", *OF, "--seed", 9, "--level", 1), "method.source.seed: found 9, allowed: 3, 4"),
        (
            ("small", "--trial", 0, "--branch", "arm=reinit_same_mask"),
            "trial 0 of study 'small' has no tickets of wei",
        ),
        (("small",), "method.source: there is no file or folder "),
        (("small", "--seed", 3), "--seed: found 3: without --trial, which it belongs to"),
        (("small", *OF, "--level", 1, "--arm", "x"), "method.arm: found 'x', allowed: 'ticket', 'new_weights', "),
        (("small", *OF, "--level", 1, "--set", "model.hidden=[20]"), "the ticket does not fit: its tensor"),
        (("small", *OF, "--level", 1, "--set", "seed=7"), "seed: found 7, allowed: 3, 4, of which "),
    ],
)
def test_what_cannot_be_transferred(root: Path, words: tuple[Any, ...], line: str) -> None:
    study, *options = words
    result = call("ticket", "transfer", study, config(root), *options)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1), result.output
    assert line in result.stderr


def test_what_is_not_evaluated_and_what_is_not_there(root: Path) -> None:
    evaluated = call("ticket", "eval", "small", *OF, "--seed", 4, "--root", root)
    assert evaluated.exit_code == 2
    assert "sparsetune ticket transfer" in evaluated.stderr
    level = call("ticket", "show", "small", *OF, "--seed", 4, "--level", 3, "--root", root)
    assert level.stderr.startswith("error: --level: found 3, allowed: 1, 2, of which ")
    none = call(
        "ticket", "show", "small", "--trial", 0, "--branch", "arm=reinit_same_mask", "--seed", 4, "--root", root
    )
    assert (none.exit_code, none.stderr.count("\n")) == (2, 1)
    assert call("ticket", "show").stderr == "error: TICKET: missing: a path, a study with --trial, or --run\n"
    folder = next((root / "mlruns" / "artifacts").rglob(TICKET)).parent
    assert call("ticket", "show", folder, "--level", 9).exit_code == 2

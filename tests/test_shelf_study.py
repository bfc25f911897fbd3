"""Trials of a project train once what they have in common: over studies and runs, and the commands around that."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from sparsetune.app.study import Summary, load, run_study
from sparsetune.base.messages import TAKEN, Trial
from sparsetune.base.paths import Project
from sparsetune.base.shelf import Shelf
from sparsetune.base.yaml_io import dump
from sparsetune.cli import app
from sparsetune.doctor.project import shelf as looked_at
from sparsetune.search.storage import read_study
from sparsetune.testing.trained import untimed

CONFIG: dict[str, Any] = {
    "method": {"name": "lottery"},
    "data": "digits",
    "model": {"name": "mlp", "hidden": [12]},
    "training": {"epochs": 1, "batch_size": 128, "lr": 0.1},
}
STUDY: dict[str, Any] = {
    "study": "chains",
    **CONFIG,
    "objectives": [{"metric": "matching_density", "goal": "minimize"}],
    "sampler": "grid",
    "tracking": {"figures": "none"},
}


def written(root: Path, levels: Sequence[int], **changes: Any) -> Path:
    """A study file in a project of its own."""
    (root / "search_spaces").mkdir(parents=True, exist_ok=True)
    file = root / "chains.yaml"
    varied = {"space": {"method.levels": {"choice": list(levels)}}, "budget": {"trials": len(levels)}}
    file.write_text(dump({**STUDY, **varied, **changes}))
    return file


def run(root: Path, levels: Sequence[int], **changes: Any) -> Summary:
    console = Console(file=io.StringIO())
    return run_study(load(written(root, levels, **changes)), workers=None, in_process=True, console=console)


def numbers(trial: Trial) -> dict[str, Any]:
    results = [(each.name, untimed(each.metrics)) for each in trial.runs[0].results]
    return {"config": trial.config, "values": trial.values, "metrics": untimed(trial.metrics), "results": results}


def in_project(root: Path, *words: object) -> str:
    done = CliRunner().invoke(app, [*map(str, words), "--root", str(root)])
    assert done.exit_code == 0, done.output
    return done.stdout


def shelf(root: Path) -> Shelf:
    return Shelf(Project(root).shelf)


def test_a_study_of_chains_trains_the_longest(tmp_path: Path, trained: list[int]) -> None:
    """Of 1 to 4 levels after the dense one: five trainings of an epoch. Without a shelf 2 + 3 + 4 + 5."""
    shared = run(tmp_path / "shared", (1, 2, 3, 4))
    assert len(trained) == 5
    alone = run(tmp_path / "alone", (1, 2, 3, 4), resources={"shelf_gb": 0})
    assert len(trained) == 5 + (2 + 3 + 4 + 5)
    assert not shelf(tmp_path / "alone").folder.exists()
    assert [numbers(trial) for trial in shared.trials] == [numbers(trial) for trial in alone.trials]
    assert len({trial.values for trial in shared.trials}) > 1
    stages = 0  # that one before has trained
    for trial in shared.trials:
        own = trial.config["method"]["levels"] + 1
        taken = min(stages, own)
        assert trial.notes.get(TAKEN) == (f"{taken} of {own} stages from the shelf" if taken else None)
        stages = max(stages, own)


def test_other_studies_and_runs_of_the_project_share(tmp_path: Path, trained: list[int]) -> None:
    run(tmp_path, (2,))
    assert len(trained) == 3
    run(tmp_path, (1,), study="another")
    assert len(trained) == 3
    config = tmp_path / "one.yaml"
    config.write_text(dump({**CONFIG, "method": {"name": "lottery", "levels": 3}}))
    in_project(tmp_path, "run", config)
    assert len(trained) == 3 + 1
    in_project(tmp_path, "run", config, "--no-shelf")
    assert len(trained) == 3 + 1 + 4


def test_a_folder_that_is_none_is_told_of(tmp_path: Path, trained: list[int]) -> None:
    root = tmp_path / "p"
    written(root, (1, 2))
    (root / "mlruns").mkdir()
    (root / "mlruns" / "shelf").write_text("in the way")
    console = Console(file=io.StringIO(), width=300)
    summary = run_study(load(root / "chains.yaml"), workers=None, in_process=True, console=console)
    assert summary.counts["COMPLETE"] == 2
    assert len(trained) == 2 + 3
    told = console.file.getvalue()
    assert told.count(f"nothing can be written in {root / 'mlruns' / 'shelf'}: Not a directory") == 1
    (finding,) = looked_at(Project(root))
    assert finding.state == "problem"
    done = CliRunner().invoke(app, ["clean", "--root", str(root)])
    assert done.exit_code == 2
    assert "nothing can be removed there: Not a directory" in done.stderr


def test_what_it_holds_is_shown_and_removed(tmp_path: Path) -> None:
    assert list(looked_at(Project(tmp_path))) == []
    run(tmp_path, (1, 2))
    held = sum(item.nbytes for item in shelf(tmp_path).items())
    (finding,) = looked_at(Project(tmp_path))
    assert finding.state == "ok"
    assert finding.found.startswith("stages that trials have in common: 3, ")
    assert json.loads(in_project(tmp_path, "status", "chains", "--json"))["bytes_on_disk"]["shelf"] == held
    assert "shelf (all studies)" in " ".join(in_project(tmp_path, "status", "chains").split())
    assert in_project(tmp_path, "clean", "--dry-run").startswith("would remove 3 stages, ")
    assert "nothing to remove" in in_project(tmp_path, "clean", "--unused-for", "1h")
    assert len(shelf(tmp_path).items()) == 3
    said = json.loads(in_project(tmp_path, "clean", "--json"))
    assert said == {"folder": str(shelf(tmp_path).folder), "files": 3, "bytes": held, "removed": True}
    assert shelf(tmp_path).items() == []
    assert "nothing to remove" in in_project(tmp_path, "clean")
    run(tmp_path, (1, 2), budget={"trials": 2}, study="after")
    assert len(shelf(tmp_path).items()) == 3


def test_a_span_of_time_is_one(tmp_path: Path) -> None:
    (tmp_path / "search_spaces").mkdir()
    done = CliRunner().invoke(app, ["clean", "--unused-for", "soon", "--root", str(tmp_path)])
    assert done.exit_code == 2
    assert "--unused-for: found 'soon', allowed: a number with s, min, h, d or w, such as 30d" in done.stderr


@pytest.mark.parametrize("wrong", [-1, "much", float("inf")])
def test_a_limit_is_a_number(wrong: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"resources\.shelf_gb: found"):
        load(written(tmp_path, (1,), resources={"shelf_gb": wrong}))


@pytest.mark.slow
def test_four_chains_with_one_worker_train_twelve_levels(tmp_path: Path) -> None:
    """Of 3, 6, 9 and 12 levels after the dense one, on Ray: what each has taken is all that one before has trained."""

    def done(root: Path, levels: Sequence[int], **changes: Any) -> list[Trial]:
        file = written(root, levels, **changes)
        command = [sys.executable, "-m", "sparsetune", "study", str(file), "--workers", "1"]
        subprocess.run(command, check=True, capture_output=True)
        study = load(file)
        return list(read_study(study.storage, study.name).trials)

    shared = done(tmp_path / "shared", (3, 6, 9, 12))
    taken = [int(trial.notes.get(TAKEN, "0").split()[0]) for trial in shared]
    levels = [trial.config["method"]["levels"] for trial in shared]
    assert sum(level + 1 - count for level, count in zip(levels, taken, strict=True)) == 12 + 1
    for trial in shared:
        level = trial.config["method"]["levels"]
        (alone,) = done(tmp_path / str(level), (level,), resources={"shelf_gb": 0})
        assert numbers(trial) == numbers(alone)

"""A single run with levels, by command: what it prints, and what it leaves in a folder."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from safetensors.torch import load_file
from typer.testing import CliRunner

from sparsetune.base.yaml_io import dump
from sparsetune.cli import app

CONFIG = {
    "method": {"name": "lottery", "levels": 2, "prune_fraction": 0.6, "arm": "one_shot"},
    "data": "digits",
    "model": {"name": "mlp", "hidden": [16]},
    "training": {"epochs": 3, "batch_size": 128, "lr": 0.5},
}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a project in which it has run, and what that has printed."""
    root = tmp_path_factory.mktemp("lottery")
    (root / "search_spaces").mkdir()
    (root / "shot.yaml").write_text(dump(CONFIG))
    with contextlib.chdir(root):
        ended = CliRunner().invoke(app, ["run", "shot.yaml", "--out", "out"])
    assert ended.exit_code == 0, ended.output
    return root, ended.stdout


def test_each_level_keeps_its_files_and_the_last_is_the_run_s(done: tuple[Path, str]) -> None:
    out = done[0] / "out"
    results = json.loads((out / "results.json").read_text())
    column = {name: results["columns"].index(name) for name in ("stage", "which", "density")}
    folders = sorted(each.name for each in (out / "results").iterdir())
    assert len(results["data"]) == len(folders) + 1 == 6
    for row, folder in zip(results["data"], [*(out / "results" / name for name in folders), out], strict=True):
        weights = load_file(folder / "weights.safetensors")
        kept = [weight for name, weight in weights.items() if name.endswith("weight")]
        density = sum(int(each.count_nonzero()) for each in kept) / sum(each.numel() for each in kept)
        assert density == pytest.approx(row[column["density"]])
    assert results["data"][-1][column["which"]] == "last"
    assert results["data"][-1][column["stage"]] == "level 0/level 2 one_shot"


def test_it_prints_its_levels_and_draws_them(done: tuple[Path, str]) -> None:
    """Of 1,024 and 160 weights 410 and 112 are left, then 164 and 78."""
    root, said = done
    lines = said.splitlines()
    for title in ("validation accuracy (fraction)", "test accuracy (fraction)", "early-stopping iteration"):
        head = lines.index(next(line for line in lines if line.startswith(title)))
        assert [line.split()[0] for line in lines[head + 2 : head + 5]] == ["100", "44.1", "20.4"]
    assert (root / "out" / "levels.png").stat().st_size > 1000

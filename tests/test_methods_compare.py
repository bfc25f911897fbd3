"""The studies that compare methods: all are taken in turn, and none costs more than the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sparsetune.app.study import load
from sparsetune.cli import app

STUDIES = Path(__file__).parents[1] / "studies"
METHODS = ["dense", "rl1", "drr", "pmmp", "layerwise", "lottery", "slt", "magnitude"]


@pytest.mark.parametrize("name", ["methods_compare", "methods_compare_mnist"])
def test_each_method_has_a_cell_and_its_part_of_the_budget(name: str) -> None:
    study = load(STUDIES / f"{name}.yaml")
    assert study.cells == [{"method.name": method} for method in METHODS]
    assert study.budget.trials % len(METHODS) == 0
    assert study.seeds == (0, 1, 2)
    assert [each.metric for each in study.objectives] == ["val_accuracy", "model_bits"]
    assert study.constraints[0].metric == "est_flops_g"


@pytest.mark.slow
def test_all_spend_about_the_same_and_at_most_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    text = (STUDIES / "methods_compare.yaml").read_text()
    (tmp_path / "search_spaces").mkdir()
    file = tmp_path / "study.yaml"
    file.write_text(text.replace("replicates: 3", "replicates: 1"))
    ran = CliRunner().invoke(app, ["study", str(file), "--in-process", "--trials", str(len(METHODS))])
    assert ran.exit_code == 0, ran.output
    rows = json.loads(CliRunner().invoke(app, ["export", "methods_compare", "--json", "--root", str(tmp_path)]).stdout)
    assert [row["config"]["method"]["name"] for row in rows] == METHODS
    limit = load(file).constraints[0].at_most
    assert limit is not None
    assert all(0.95 * limit < row["metrics"]["est_flops_g"] <= limit for row in rows)

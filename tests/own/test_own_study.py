"""Studies whose files lie outside the repository and name a file of one's own."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from sparsetune.app.study import load
from sparsetune.base.paths import Project
from sparsetune.base.yaml_io import parse
from sparsetune.cli import app

from .files import METHOD, TOY, project


@pytest.fixture(autouse=True)
def own_tracking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def call(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def exported(root: Path) -> list[dict[str, str]]:
    result = call("export", "small", "--root", root)
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


def study(file: Path, *options: object) -> Result:
    return call("study", file, "--in-process", *options)


def test_a_study_of_a_method_and_a_metric_of_ones_own(tmp_path: Path) -> None:
    file = project(tmp_path, TOY, budget={"trials": 2})
    result = study(file)
    assert result.exit_code == 0, result.output
    rows = sorted(exported(tmp_path), key=lambda row: float(row["params.method.density"]))
    for row in rows:
        assert row["state"] == "COMPLETE"
        assert float(row["metrics.density"]) == pytest.approx(float(row["params.method.density"]), abs=1e-3)
        assert float(row["metrics.margin"]) != float(row["metrics.test_margin"])
    sparse, dense = (float(row["metrics.norm"]) for row in rows)
    assert 0 < sparse < dense


def test_the_summary_says_what_ones_own_metrics_are(tmp_path: Path) -> None:
    said = " ".join(study(project(tmp_path, TOY, budget={"trials": 1})).stdout.split())
    assert "margin higher is better: mean logit of the right class less the best other" in said


def test_a_changed_file_goes_on_with_a_warning(tmp_path: Path) -> None:
    file = project(tmp_path, TOY, budget={"trials": 1})
    assert study(file).exit_code == 0
    assert "changed since" not in study(file, "--trials", 2).output
    own = file.with_name("my_method.py")
    own.write_text(TOY + "\n# a word more\n")
    said = study(file, "--trials", 3)
    assert said.exit_code == 0, said.output
    assert re.search(r"environment changed since the last run \(code: \w+ -> \w+\)", " ".join(said.output.split()))
    assert [row["state"] for row in exported(tmp_path)] == ["COMPLETE"] * 3


def test_all_files_are_kept_with_the_study_each_under_a_name_of_its_own(tmp_path: Path) -> None:
    """Two with one name, and one that lies above the study's folder."""
    from mlflow import MlflowClient

    more = {
        "my_method.py": TOY,
        "deep/my_method.py": METHOD + "# größer\n",
        "../shared/further.py": METHOD.replace('"mine"', '"further"'),
    }
    file = project(tmp_path, TOY, budget={"trials": 1}, **{"import": [*more]})
    for name, text in more.items():
        path = file.parent / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    result = study(file)
    assert result.exit_code == 0, result.output
    client = MlflowClient(Project(tmp_path).tracking_uri)
    experiment = client.get_experiment_by_name("small")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = [run.info.run_id for run in runs if "sparsetune.trial" not in run.data.tags]
    assert {found.path for found in client.list_artifacts(parent)} == {
        "front.json",
        "front.png",
        "import",
        "study.yaml",
        "trials.csv",
    }
    names = ["import/0-my_method.py", "import/1-my_method.py", "import/2-further.py"]
    assert [found.path for found in client.list_artifacts(parent, "import")] == names
    folder = Path(client.download_artifacts(parent, ""))
    assert [(folder / name).read_text(encoding="utf-8") for name in names] == [*more.values()]
    assert len(list(Project(tmp_path).runs.rglob("*.py"))) == 3, "and nowhere else"
    assert parse((folder / "study.yaml").read_text(), source="")["import"] == [*more]


def content(folder: Path) -> Sequence[Path]:
    return sorted(folder.rglob("*"))


@pytest.mark.parametrize(
    ("changes", "text", "said"),
    [
        ({"import": ["none.py"]}, TOY, r"small.yaml: import.0: found 'none.py': no such file in .*studies"),
        ({}, "x = (", r"my_method.py: line 1: SyntaxError: '\(' was never closed"),
        (
            {},
            TOY.replace('METHODS = {"toy"', 'METHODS = {"my"'),
            r"my_method.py: METHODS.my: its Config has the name 'to",
        ),
        ({"import": []}, TOY, r"small.yaml: method.name: unknown method 'toy'"),
        (
            {"method": {"name": "toy", "densty": 1}},
            TOY,
            r"small.yaml: method.densty: unknown key 'densty'; did you mea",
        ),
        (
            {"objectives": [{"metric": "margn", "goal": "maximize"}]},
            TOY,
            r"unknown metric 'margn'; did you mean 'margi",
        ),
        *(
            (
                {"fork": {"method.finetune_epochs": [1, 3]}, "training": {"epochs": 2, "schedule": schedule}},
                TOY,
                rf"small.yaml: fork: trainings of 2ep \+ 1ep, 2ep \+ 3ep, and schedule {schedule} spans all",
            )
            for schedule in ("cosine", "onecycle")
        ),
        *(
            (
                {"fork": {"method.mc_samples": [1, 3]}, **patient},
                TOY,
                r"small.yaml: fork.method.mc_samples: patience may end a phase of 'toy' in another epoch for each ",
            )
            for patient in (
                {"training": {"early_stop_patience": 1}},
                {"space": {"training.early_stop_patience": {"int": [1, 3]}}},
            )
        ),
        ({"objectives": [{"metric": "test_margin", "goal": "maximize"}]}, TOY, r"'test_margin' is of test data, which"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path: Path, changes: dict[str, Any], text: str, said: str) -> None:
    file = project(tmp_path, text, **changes)
    before = content(tmp_path)
    result = study(file)
    assert result.exit_code == 2, result.output
    assert len(result.stderr.splitlines()) == 1
    assert re.search(said, result.stderr)
    assert content(tmp_path) == before


@pytest.mark.parametrize(
    ("fork", "training"),
    [
        ({"method.finetune_epochs": [1, 3]}, {"schedule": "step"}),
        ({"method.density": [0.1, 0.3]}, {"schedule": "cosine", "early_stop_patience": 1}),
        ({"method.density": [0.1, 0.3], "method.mc_samples": [3]}, {"early_stop_patience": 1}),
        ({"method.mc_samples": [1, 3]}, {"schedule": "onecycle"}),
    ],
    ids=str,
)
def test_forks_whose_branches_share_all_that_they_must(
    tmp_path: Path, fork: dict[str, Any], training: dict[str, Any]
) -> None:
    method = {"name": "toy", "n_dropout_layers": 1}
    space = {"training.lr": {"float": [0.1, 1.0]}}
    file = project(tmp_path, TOY, method=method, fork=fork, training=training, space=space)
    assert load(file).branches[0].values == {name: values[0] for name, values in fork.items()}


@pytest.mark.slow
def test_a_dry_run_probes_it(tmp_path: Path) -> None:
    file = project(tmp_path, TOY, budget={"trials": 1})
    before = content(tmp_path)
    result = study(file, "--dry-run")
    assert result.exit_code == 0, result.output
    assert re.search(r"import:\s+(- |\[)my_method\.py", result.stdout)
    assert re.search(r"# +1 +4 of 4 ", result.stdout)
    assert content(tmp_path) == before

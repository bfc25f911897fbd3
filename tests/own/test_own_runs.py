"""Commands outside a study that name files of one's own: run, methods, models, samplers, pruners, ticket eval."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from sparsetune.base.yaml_io import dump
from sparsetune.cli import app

from .files import METHOD, SAMPLER, TOY, project

MODEL = '''
"""Two layers."""

from typing import Literal
from torch import nn
from sparsetune.config.base import param
from sparsetune.models.contract import Model, ModelConfig

class Pair(Model):
    """A hidden layer of few units."""

    class Config(ModelConfig):
        name: Literal["pair"] = "pair"
        units: int = param(20, "of the hidden layer", ge=1)

    @classmethod
    def dropout_sites(cls, config):
        return ()

    @classmethod
    def network(cls, config, input_shape, outputs):
        return nn.Sequential(nn.Flatten(), nn.Linear(64, config.units), nn.ReLU(), nn.Linear(config.units, outputs))

MODELS = {"pair": Pair}
'''
BRIEF = {"epochs": 2, "batch_size": 128}


@pytest.fixture(autouse=True)
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a project with files of one's own, without a word of the environment."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "search_spaces").mkdir()
    for name, text in {"toy": TOY, "mine": METHOD, "sampler": SAMPLER, "pruner": PRUNER, "pair": MODEL}.items():
        Path(f"{name}.py").write_text(text)


PRUNER = '''
from typing import Literal
from sparsetune.config.base import Part
from sparsetune.search.pruners.contract import Pruner

class Mine(Pruner):
    """Nothing is stopped."""

    class Config(Part):
        name: Literal["mine"] = "mine"

PRUNERS = {"mine": Mine}
'''


def call(*words: Any) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def config(name: str, **sections: Any) -> Path:
    path = Path(f"{name}.yaml")
    path.write_text(dump({"method": "toy", "data": "digits", "model": "mlp", "training": BRIEF, **sections}))
    return path


def numbers(result: Result) -> dict[str, float]:
    """What does not depend on the clock."""
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)
    assert row["state"] == "COMPLETE", row["reason"]
    return {name: value for name, value in row["metrics"].items() if not re.search("time|memory|joules", name)}


def test_what_a_study_says_at_its_end_trains_its_trial_again(tmp_path: Path) -> None:
    file = project(tmp_path, TOY, budget={"trials": 2}, objectives=[{"metric": "margin", "goal": "maximize"}])
    said = call("study", file, "--in-process").stdout
    keep, again, means = (
        shlex.split(line.partition(": ")[2].strip())
        for line in said.splitlines()
        if line.startswith(("Keep its config", "Train it again", "What settings mean"))
    )
    (best,) = json.loads(call("best", "small", "--json").stdout)
    *words, arrow, name = keep
    assert arrow == ">"
    Path(name).write_text(call(*words[1:]).stdout)
    assert again[-2:] == means[-2:] == ["--import", "studies/my_method.py"]
    found = numbers(call(*again[1:], "--json"))
    assert found == {each: best["metrics"][each] for each in found}
    assert "density" in call(*means[1:]).stdout


def test_a_config_names_its_files_itself(tmp_path: Path) -> None:
    """Relative to where it lies, and the same as by the option."""
    by_option = numbers(call("run", config("plain"), "--import", "toy.py", "--json"))
    (tmp_path / "deep").mkdir()
    inner = config("plain").rename("deep/named.yaml")
    inner.write_text(inner.read_text() + "import: [../toy.py]\n")
    assert numbers(call("run", inner, "--json")) == by_option
    assert numbers(call("run", config("set"), "--set", "import=[toy.py]", "--json")) == by_option


def test_a_file_that_is_named_twice_is_one(tmp_path: Path) -> None:
    """By the config and by the option: with several configs one of them may need the option."""
    named = config("named", **{"import": ["toy.py"]})
    result = call("run", named, config("plain"), "--import", "toy.py", "--json")
    assert result.exit_code == 0, result.output
    one, other = ({"val_loss": row["metrics"]["val_loss"]} for row in json.loads(result.stdout))
    assert one == other


def test_a_config_with_files_is_told_from_a_study(tmp_path: Path) -> None:
    result = call("study", config("named", **{"import": ["toy.py"]}))
    assert (result.exit_code, "this seems to be the config of a single trial" in result.stderr) == (2, True)


def test_mlflow_knows_which_code_it_was(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    from sparsetune.base.paths import Project

    codes = []
    for text in (TOY, TOY + "\n# a word more\n"):
        Path("toy.py").write_text(text)
        assert call("run", config("plain"), "--import", "toy.py").exit_code == 0
        client = MlflowClient(Project(tmp_path).tracking_uri)
        experiment = client.get_experiment_by_name("runs")
        assert experiment is not None
        codes = [run.data.tags["code"] for run in client.search_runs([experiment.experiment_id])]
    assert len({*codes}) == 2


def test_a_changed_file_is_another_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was cut short does not go on with other code."""
    from sparsetune.app import runs

    folders = []
    monkeypatch.setattr(runs, "_run_one", lambda order, folder, *others: folders.append(folder) or 1 / 0)
    for text in (TOY, TOY, TOY + "\n# a word more\n"):
        Path("toy.py").write_text(text)
        call("run", config("plain"), "--import", "toy.py")
    assert folders[0] == folders[1] != folders[2]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ((), "plain.yaml: method.name: unknown method 'toy'"),
        (("--import", "away.py"), "--import: found 'away.py': no such file in "),
        (("--import", "plain.yaml"), "--import: found 'plain.yaml', allowed: Python files (.py)"),
        (("--import", "toy.py", "--import", "toy.py"), "--import: 'toy.py' stands twice"),
        (("--import", "broken.py"), "broken.py: line 2: ZeroDivisionError: division by zero"),
        (("--import", "toy.py", "--import", "./toy.py"), "--import: './toy.py' stands twice"),
        (
            ("--set", "imports=[toy.py]"),
            "plain.yaml: imports: unknown key 'imports'; did you mean 'import'? (allowed: ",
        ),
        (("--set", "import=toy.py"), "plain.yaml: import: found 'toy.py', allowed: a list"),
        (("--set", "import=[away.py]"), "plain.yaml: import.0: found 'away.py': no such file in "),
    ],
)
def test_one_line_for_what_is_wrong(tmp_path: Path, options: tuple[str, ...], line: str) -> None:
    Path("broken.py").write_text("x = 1\nx / 0\n")
    result = call("run", config("plain"), *options)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1), result.output
    assert result.stderr.startswith(f"error: {line}")
    assert not (tmp_path / "mlruns").exists()


@pytest.mark.parametrize(
    ("command", "file", "name", "words"),
    [
        ("methods", "mine.py", "mine", "strength"),
        ("models", "pair.py", "pair", "of the hidden layer"),
        ("samplers", "sampler.py", "mine", "Draws at random"),
        ("pruners", "pruner.py", "mine", "Nothing is stopped"),
    ],
)
def test_lists_know_them(command: str, file: str, name: str, words: str) -> None:
    assert words in call(command, name, "--import", file).stdout
    listed = {line.split()[0] for line in call(command, "--import", file).stdout.splitlines()}
    built_in = {line.split()[0] for line in call(command).stdout.splitlines()}
    assert listed - built_in == {name}


@pytest.mark.parametrize(
    ("command", "name", "setting"), [("samplers", "tpe", "n_startup"), ("pruners", "asha", "min_")]
)
def test_of_one_all_settings(command: str, name: str, setting: str) -> None:
    assert setting in call(command, name).stdout
    unknown = call(command, "nothing")
    assert (unknown.exit_code, unknown.stderr.count("\n")) == (2, 1)
    assert unknown.stderr.startswith(f"error: unknown {command[:-1]} 'nothing'")


def test_without_a_word_of_its_own_it_has_none_of_its_base_class() -> None:
    Path("silent.py").write_text(PRUNER.replace('    """Nothing is stopped."""\n', ""))
    said = call("pruners", "mine", "--import", "silent.py").stdout.splitlines()
    assert next(line for line in said if line.strip()).split() == ["setting", "default", "unit", "what", "it", "is"]
    (line,) = [line for line in call("pruners", "--import", "silent.py").stdout.splitlines() if line.startswith("mine")]
    assert line.split() == ["mine"]


def test_metrics_know_them() -> None:
    said = " ".join(call("metrics", "margin", "--import", "toy.py").stdout.split())
    assert "higher is better" in said
    assert "mean logit of the right class less the best other" in said
    assert "mean logit" in " ".join(call("metrics", "--import", "toy.py").stdout.split())
    assert "unknown metric 'margin'" in call("metrics", "margin").stderr


def test_a_ticket_of_a_model_of_ones_own() -> None:
    file = config("pair", method="slt", model="pair")
    assert call("run", file, "--import", "pair.py", "-o", "out").exit_code == 0
    refused = call("ticket", "eval", "out")
    assert (refused.exit_code, "unknown model 'pair'" in refused.stderr) == (2, True)
    result = call("ticket", "eval", "out", "--import", "pair.py", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["found"] == said["recorded"]

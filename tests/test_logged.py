"""Networks as models in MLflow: at a study's end, by `sparsetune register`, and as its own client loads them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import mlflow.pytorch
import pytest
import torch
from helpers.servers import mlflow_server
from mlflow import MlflowClient
from mlflow.entities import LoggedModel
from torch.nn.functional import cross_entropy
from typer.testing import CliRunner, Result

from sparsetune.base.errors import BadInput, shown
from sparsetune.base.paths import Project
from sparsetune.cli import app
from sparsetune.config.registry import Registries
from sparsetune.config.trial import resolve_trial
from sparsetune.data import load_dataset
from sparsetune.testing.studies import finish, start, write_study
from sparsetune.tracking.models import refuse_name
from sparsetune.training.registries import REGISTRIES

SMALL = {
    "method": "dense",
    "training": {"epochs": 2, "batch_size": 128},
    "space": {"training.lr": {"float": [1e-3, 0.1], "log": True}},
    "objectives": [{"metric": "val_loss", "goal": "minimize"}],
    "budget": {"trials": 3},
}
SLT = {
    "method": {"name": "slt", "n_dropout_layers": 1, "p_dropout": 0.3},
    "space": {"method.sparsity": {"float": [0.2, 0.8]}},
    "budget": {"trials": 2},
}


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def call(*words: Any) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def study(root: Path, models: str, *options: Any, uri: str | None = None, code: int = 0, **changes: Any) -> str:
    """What a study has said."""
    file = write_study(root, **{**SMALL, **changes}, tracking={"models": models, "uri": uri})
    result = call("study", file, "--in-process", *options)
    assert result.exit_code == code, result.output
    return result.output


def logged(uri: str) -> dict[str, LoggedModel]:
    """By name."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("small")
    assert experiment is not None
    found = client.search_logged_models([experiment.experiment_id])
    names = [model.name for model in found]
    assert len(set(names)) == len(names)
    for model in found:
        assert model.source_run_id is not None
        outputs = client.get_run(model.source_run_id).outputs
        assert [each.model_id for each in outputs.model_outputs] == [model.model_id]
        assert (str(model.status), model.tags["sparsetune.study"]) == ("READY", "small")
    return {model.name: model for model in sorted(found, key=lambda model: model.name)}


def folder(model: LoggedModel) -> str:
    return unquote(urlparse(model.artifact_location).path)


def loss(model: LoggedModel, config: Any, batch: int, known: Registries = REGISTRIES) -> float:
    """On validation data as the data set has them, so many at a time."""
    val = load_dataset(resolve_trial(config, known).data).val
    loaded = mlflow.pytorch.load_model(folder(model))
    outputs = torch.cat([loaded(each) for each in val.store[val.rows].split(batch)])
    return cross_entropy(outputs, val.targets).item()


@pytest.mark.slow
def test_a_study_logs_its_front_and_any_trial_can_be_registered(tmp_path: Path) -> None:
    """Told again it has nothing new to log; the models give what their trials have measured, whatever the batch."""
    uri = Project(tmp_path).tracking_uri
    assert "logging 1 model in MLflow" in study(tmp_path, "front")
    assert "logging" not in study(tmp_path, "front")
    best = json.loads(call("best", "small", "--json", "--root", tmp_path).stdout)[0]
    number = best["number"]
    (model,) = logged(uri).values()
    assert model.name == f"trial {number}"
    for batch in (1, 5):
        assert loss(model, best["config"], batch) == pytest.approx(best["metrics"]["val_loss"], rel=1e-5)
    assert {each.key: each.value for each in model.metrics}["val_loss"] == best["metrics"]["val_loss"]
    assert model.params["training.lr"] == str(best["params"]["training.lr"])

    other = (number + 1) % 3
    for which, version in ((number, 1), (other, 2)):
        result = call("register", "small", "--trial", which, "digits", "--root", tmp_path)
        line = f"trial {which} is digits version {version}; in Python: import mlflow; "
        line += f'mlflow.set_tracking_uri("{uri}"); network = mlflow.pytorch.load_model("models:/digits/{version}")\n'
        assert (result.exit_code, result.stdout) == (0, line), result.output
    models = logged(uri)
    assert list(models) == sorted([f"trial {number}", f"trial {other}"])
    versions = {str(each.version): each for each in MlflowClient(uri).search_model_versions("name = 'digits'")}
    assert [versions[each].source for each in ("1", "2")] == [
        models[f"trial {which}"].artifact_location for which in (number, other)
    ]
    assert versions["2"].run_id == models[f"trial {other}"].source_run_id
    spec = mlflow.models.Model.load(folder(model)).signature.inputs.inputs[0]
    assert (spec.shape, spec.type.name) == ((-1, 1, 8, 8), "uint8")


@pytest.mark.parametrize("name", ["", " a", "a/b", "a:b", "a@b", "..", "a\nb", "a" * 251])
def test_names_that_no_address_can_have(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        refuse_name(name)
    assert (refused.value.key, refused.value.found, refused.value.code) == ("NAME", shown(name), "not_allowed")
    assert refused.value.allowed.startswith("1 to 250 printable characters, none of them / : @")


@pytest.mark.parametrize("name", ["digits", "my digits, 8x8", "größe_2.1"])
def test_names_that_are_taken(name: str) -> None:
    refuse_name(name)


def test_an_unknown_choice_is_one_line(tmp_path: Path) -> None:
    file = write_study(tmp_path, **SMALL, tracking={"models": "some"})
    result = call("study", file)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "tracking.models: found 'some', allowed: 'none', 'front', 'best' or 'all'" in result.stderr
    assert not (tmp_path / "mlruns").exists()


ELSEWHERE = """
import sys, mlflow, numpy as np, torch
mlflow.set_tracking_uri(sys.argv[1])
network = mlflow.pytorch.load_model(sys.argv[2])
samples = np.random.default_rng(0).integers(0, 17, (5, 1, 8, 8)).astype(np.uint8)
together, alone = network(torch.from_numpy(samples)), network(torch.from_numpy(samples[:1]))
served = mlflow.pyfunc.load_model(sys.argv[2]).predict(samples)
print(sorted(name for name in sys.modules if name.startswith("sparsetune")))
print(torch.allclose(together[:1], alone, atol=1e-5), np.allclose(together, served, atol=1e-5), tuple(together.shape))
"""


def elsewhere(uri: str, address: str) -> str:
    """What another process finds, which imports nothing of ours."""
    command = [sys.executable, "-W", "ignore", "-c", ELSEWHERE, uri, address]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_another_process_loads_what_was_printed(tmp_path: Path) -> None:
    study(tmp_path, "none", fork={"method.mc_samples": [1, 5]}, replicates=2, **SLT)
    of = ("--trial", 1, "--branch", "mc_samples=5", "--root", tmp_path)
    refused = call("register", "small", *of, "digits")
    assert (refused.exit_code, refused.stderr) == (2, "error: --seed: trial 1 has several runs; allowed: 0, 1\n")
    result = call("register", "small", *of, "--seed", 1, "digits", "--json")
    said = json.loads(result.stdout)
    assert (said["run"], said["address"]) == ("trial 1 mc_samples=5 seed 1", "models:/digits/1")
    assert elsewhere(said["uri"], said["address"]) == "[]\nTrue True (5, 10)\n"
    model = logged(said["uri"])["trial 1 mc_samples=5 seed 1"]
    assert (model.tags["sparsetune.seed"], model.tags["sparsetune.branch"]) == ("1", "mc_samples=5")
    assert "of 5 networks that drop other units" in model.tags["mlflow.note.content"]


@pytest.mark.slow
def test_all_rows_each_by_its_first_seed(tmp_path: Path) -> None:
    """A run whose results are another's has no network of its own."""
    study(tmp_path, "none", fork={"method.mc_samples": [1, 5]}, replicates=2, **SLT)
    said = study(tmp_path, "all", fork={"method.mc_samples": [1, 5]}, replicates=2, **SLT)
    assert "logging 4 models in MLflow" in said
    names = [f"trial {number} mc_samples={count} seed 0" for number in (0, 1) for count in (1, 5)]
    assert list(logged(Project(tmp_path).tracking_uri)) == names


@pytest.mark.slow
@pytest.mark.parametrize("point", ["before-model-files:2", "before-model-ready:2"])
def test_a_kill_leaves_no_model_twice(tmp_path: Path, point: str) -> None:
    file = write_study(tmp_path, **SMALL, tracking={"models": "all"})
    killed = start(file, "--in-process", failpoint=point)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert "logging 2 models in MLflow" in finish(file, "--in-process")
    models = logged(Project(tmp_path).tracking_uri)
    assert list(models) == ["trial 0", "trial 1", "trial 2"]
    for row in json.loads(call("export", "small", "--json", "--root", tmp_path).stdout):
        found = loss(models[f"trial {row['number']}"], row["config"], 100)
        assert found == pytest.approx(row["metrics"]["val_loss"], rel=1e-5)


UNFIT = """
from typing import Literal
from torch import nn
from sparsetune.models.contract import Model, ModelConfig

class OddConfig(ModelConfig):
    name: Literal["odd"] = "odd"

class Looks(nn.Sequential):
    def forward(self, values):
        return super().forward(values) if values.sum().item() > 1e9 else super().forward(-values)

class Odd(Model):
    Config = OddConfig

    @classmethod
    def network(cls, config, input_shape, outputs):
        return Looks(nn.Flatten(), nn.Linear(64, outputs))

    @classmethod
    def dropout_sites(cls, config):
        return ()

MODELS = {"odd": Odd}
"""


@pytest.mark.slow
def test_a_network_that_cannot_be_exported_is_one_line(tmp_path: Path) -> None:
    """Whatever it is: the study ends as it would, and its code says so."""
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "odd.py").write_text(UNFIT)
    said = study(tmp_path, "all", model="odd", **{"import": ["odd.py"]})
    warned = [line for line in said.splitlines() if "warning" in line]
    assert [line.partition(": GuardOnData")[0] for line in warned] == [
        "warning: no model of trial 0, trial 1, trial 2: its network cannot be exported"
    ]
    file = tmp_path / "studies" / "odd.py"
    result = call("register", "small", "--trial", 0, "digits", "--root", tmp_path, "--import", file)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
    assert result.stderr.startswith("error: trial 0 of study 'small': its network cannot be exported: GuardOnData")
    assert logged(Project(tmp_path).tracking_uri) == {}


@pytest.mark.slow
def test_a_server_gets_models_too(tmp_path: Path) -> None:
    with mlflow_server(tmp_path / "server") as uri:
        assert "logging 1 model in MLflow" in study(tmp_path, "best", uri=uri)
        assert "logging" not in study(tmp_path, "best", uri=uri)
        (name,) = logged(uri)
        said = call("register", "small", "--trial", name.split()[1], "digits", "--root", tmp_path, "--uri", uri)
        assert said.stdout.startswith(f"{name} is digits version 1; in Python: "), said.output
        assert elsewhere(uri, "models:/digits/1") == "[]\nTrue True (5, 10)\n"
    said = study(tmp_path, "all", "--trials", 4, uri=uri)
    assert f"warning: MLflow at {uri}: models are not logged now, and will be at the next start: no answer" in said
    result = call("register", "small", "--trial", 0, "digits", "--root", tmp_path, "--uri", uri)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith(f"error: MLflow at {uri}: cannot be read: no answer")

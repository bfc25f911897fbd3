"""`sparsetune network export`: of a study's trial or of a run's folder, and what it refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner, Result

import sparsetune
from sparsetune.base.errors import BadInput
from sparsetune.base.paths import CONFIG, WEIGHTS
from sparsetune.cli import app
from sparsetune.testing.studies import write_study

STUDY = {
    "method": {"name": "dense", "n_dropout_layers": 1, "p_dropout": 0.3},
    "model": {"name": "mlp", "hidden": [8]},
    "space": {"training.lr": {"float": [0.01, 0.1]}},
    "fork": {"method.mc_samples": [0, 3]},
    "training": {"epochs": 1, "batch_size": 128},
    "objectives": [{"metric": "val_accuracy", "goal": "maximize"}],
    "budget": {"trials": 1},
    "metrics": {"deployed": True},
    "constraints": [{"metric": "latency_ms", "at_most": 1000}, {"metric": "speedup_1000", "at_least": 0.001}],
}
PLAIN = ("--trial", 0, "--branch", "mc_samples=0")
SAMPLES = torch.arange(2 * 64, dtype=torch.uint8).reshape(2, 1, 8, 8) % 17

pytestmark = pytest.mark.usefixtures("alone")


def call(*words: Any) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a study of one trial in two branches."""
    folder = tmp_path_factory.mktemp("project")
    done = call("study", write_study(folder, **STUDY), "--in-process")
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def run(root: Path, tmp_path: Path) -> Path:
    """What one of its runs has left, copied to a folder."""
    weights = next((root / "mlruns" / "artifacts").rglob(WEIGHTS))
    return Path(shutil.copytree(weights.parent, tmp_path / "run 1"))


def refused(*words: Any) -> str:
    """The one line."""
    done = call("network", "export", *words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.output
    return done.stderr.removeprefix("error: ").rstrip("\n")


def test_what_it_prints_loads_the_file(root: Path, tmp_path: Path) -> None:
    """Pasted into a file of Python that knows nothing of us."""
    path = tmp_path / 'a "b" ü.pt2'
    done = call("network", "export", "small", *PLAIN, "--root", root, "--out", path)
    assert done.exit_code == 0, done.stderr
    said, *loading = done.stdout.splitlines()
    assert said.startswith(f"{path}: ")
    assert said.endswith(" kB, trial 0 mc_samples=0 of study small: method dense, model mlp, data digits")
    assert len(loading) == 3
    code = [*loading, "import sys", "print(tuple(outputs.shape), 'sparsetune' in sys.modules)"]
    command = [sys.executable, "-I", "-c", "\n".join(code)]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert ran.stdout == "(1, 10) False\n", ran.stderr


def test_in_the_current_folder_by_the_run_s_name(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = ("--trial", 0, "--branch", "mc_samples=3", "--root", root, "--format", "safetensors", "--json")
    said = json.loads(call("network", "export", "small", *options).stdout)
    (file,) = tmp_path.iterdir()
    assert (said["path"], said["bytes"], said["format"]) == (file.name, file.stat().st_size, "safetensors")
    assert file.name.startswith("small_trial_0_mc_samples_3")
    assert said["words"]["outputs"].startswith("logarithms of probabilities, of 3 networks that drop other units")
    assert said["words"]["config"]["method"]["mc_samples"] == 3
    assert "root" not in said["words"]["config"]["data"], "no paths of this machine"


def test_a_file_that_is_there_stays(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_text("mine")
    asked = ("small", *PLAIN, "--root", root, "--out", path)
    assert refused(*asked) == f"{path}: --out: is there already; --force (in Python force=True) writes over it"
    assert path.read_text() == "mine"
    assert call("network", "export", *asked, "--force").exit_code == 0
    assert path.stat().st_size > 1000
    assert [each.name for each in tmp_path.iterdir()] == [path.name], "nothing beside it"


def test_a_run_s_folder_and_its_weights(run: Path, root: Path, tmp_path: Path) -> None:
    files = [tmp_path / "one.pt2", tmp_path / "two.pt2"]
    for named, out in zip((run, run / WEIGHTS), files, strict=True):
        done = call("network", "export", named, "--out", out, "--root", root)
        assert done.exit_code == 0, done.stderr
        assert "run run 1: method dense" in done.stdout
    outputs = [torch.export.load(file).module()(SAMPLES) for file in files]
    assert torch.equal(*outputs)


def test_runs_that_are_damaged_or_not_whole(run: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "x.pt2")
    weights, config = run / WEIGHTS, run / CONFIG
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-8])
    assert refused(run, *out).startswith(f"{weights}: its weights are damaged or cut off: ")
    weights.write_bytes(whole)
    config.write_text(config.read_text().replace("[8]", "[7]"))
    assert "its weights do not fit 'mlp' as it is here: " in refused(run, *out)
    config.unlink()
    assert refused(run, *out) == f"{config}: no such file"
    weights.unlink()
    assert refused(run, *out) == f"{run}: there is no {WEIGHTS} in it"
    assert not (tmp_path / "x.pt2").exists()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ((), "--trial: missing: which trial of study 'small'"),
        (("--trial", 9), "--trial: found 9, allowed: 0"),
        (("--trial", 0), "--branch: trial 0 has several; allowed: mc_samples=0, mc_samples=3"),
        (("--seed", 0), "--seed: found 0: without --trial, which it belongs to"),
        ((*PLAIN, "--seed", 7), "--seed: found 7, allowed: 0"),
        ((*PLAIN, "--format", "onx"), "--format: unknown format 'onx'; did you mean 'onnx'? (allowed: onnx, "),
        ((*PLAIN, "--out", "x.bin"), "--out: found 'x.bin', allowed: one that ends in .onnx, .safetensors, .pt2, or a"),
        ((*PLAIN, "--out", f"{'x' * 300}.safetensors"), f"{'x' * 300}.safetensors: --out: File name too long"),
        ((*PLAIN, "--out", "/dev/null/x.pt2"), "/dev/null/x.pt2: --out: /dev/null is no folder"),
        ((*PLAIN, "--out", "/tmp", "--format", "torch"), "/tmp: --out: is a folder"),
    ],
)
def test_what_cannot_be(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[Any, ...], line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert refused("small", *options, "--root", root).startswith(line)
    assert list(tmp_path.iterdir()) == []


def test_a_study_is_judged_by_how_fast_its_networks_are(root: Path) -> None:
    rows = json.loads(call("export", "small", "--json", "--root", root).stdout)
    assert len(rows) == 2
    for row in rows:
        assert 0 < row["metrics"]["latency_ms"] < row["metrics"]["latency_ms_1000"] < 1000
        assert row.get("feasible", True)


def test_from_python(root: Path, tmp_path: Path) -> None:
    network = sparsetune.load("small", root=root).network(0, "mc_samples=0")
    written = network.export(tmp_path / "x.pt2", root=root)
    outputs = torch.export.load(written.path).module()(SAMPLES)
    assert (outputs.shape, written.format) == ((2, 10), "torch")
    with pytest.raises(BadInput) as again:
        network.export(tmp_path / "x.pt2", root=root)
    assert (again.value.key, again.value.code) == ("out", "exists")
    best = sparsetune.load("small", root=root).network()
    assert (best.number, best.branch) in [(0, "mc_samples=0"), (0, "mc_samples=3")]

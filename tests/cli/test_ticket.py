"""`sparsetune ticket`: what runs and studies leave is shown, and rebuilt in another process with the same numbers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from helpers.pictures import write_pictures
from typer.testing import CliRunner, Result

from sparsetune.base.paths import TICKET
from sparsetune.base.yaml_io import dump
from sparsetune.cli import app
from sparsetune.testing.studies import write_study
from sparsetune.training.left.ticket import Ticket, read_ticket

IMAGES = {"data": {"name": "digits", "resize": 28}, "model": "lenet5"}
AVERAGED = {
    "method": {"name": "slt", "n_dropout_layers": 1, "p_dropout": 0.3, "mc_samples": 3},
    "model": {"name": "mlp", "hidden": [24]},
}
NORMED = {"data": {"name": "digits", "resize": 16}, "model": {"name": "resnet20", "width_scale": 0.25}}
PREDICTED = {**AVERAGED, "data": {"name": "teacher_student", "seed": 3}}
RUNS = {"images": IMAGES, "averaged": AVERAGED, "normed": NORMED, "predicted": PREDICTED}

pytestmark = pytest.mark.usefixtures("alone")


def call(*words: Any) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def process(*words: Any) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with two threads unless something says otherwise."""
    command = [sys.executable, "-m", "sparsetune", *map(str, words)]
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def config(folder: Path, name: str, **sections: Any) -> Path:
    (folder / "search_spaces").mkdir(exist_ok=True)
    raw = {"method": "slt", "data": "digits", "training": {"epochs": 2, "batch_size": 128}, **sections}
    file = folder / f"{name}.yaml"
    file.write_text(dump(raw))
    return file


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each run, with what it left."""
    root = tmp_path_factory.mktemp("left")
    files = [config(root, name, **sections) for name, sections in RUNS.items()]
    result = call("run", *files, "-o", root / "out")
    assert result.exit_code == 0
    said = re.findall(r"Ticket of (\w+): .*sparsetune.* ticket show (\S+)\n", result.stdout)
    assert said == [(name, str(root / "out" / name)) for name in RUNS]
    return root / "out"


@pytest.fixture
def images(left: Path) -> Path:
    return left / "images" / TICKET


def changed(file: Path, folder: Path, change: Callable[[Ticket], Ticket]) -> Path:
    """A sound ticket that says something else."""
    other = folder / TICKET
    other.write_bytes(change(read_ticket(file)).to_bytes())
    return other


def saying(**words: Any) -> Callable[[Ticket], Ticket]:
    return lambda ticket: replace(ticket, about=ticket.about.model_copy(update=words))


@pytest.mark.parametrize(
    "name", [name if name == "images" else pytest.param(name, marks=pytest.mark.slow) for name in RUNS]
)
def test_another_process_finds_the_recorded_numbers(left: Path, name: str) -> None:
    done = process("ticket", "eval", left / name / TICKET, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["reproduced"], said["differences"], said["mc_samples"]) == (True, [], None)
    assert said["found"] == said["recorded"], "bit for bit"
    final = json.loads((left / name / "final_results.json").read_text())["metrics"]
    last = ("val_r2", "test_r2") if name == "predicted" else ("val_accuracy", "test_accuracy", "ece", "test_ece")
    for each in ("val_loss", "test_loss", *last):
        assert said["found"][each] == final[each]


@pytest.mark.slow
def test_a_study_keeps_a_ticket_of_each_trial_as_an_artifact(tmp_path: Path) -> None:
    study = write_study(
        tmp_path,
        method={"name": "slt", "n_dropout_layers": 1},
        space={"method.sparsity": {"float": [0.2, 0.8]}, "method.p_dropout": {"float": [0.1, 0.5]}},
        objectives=[{"metric": "val_accuracy", "goal": "maximize"}],
    )
    assert call("study", study, "--in-process", "--trials", 2, "--set", "training.epochs=2").exit_code == 0
    tickets = sorted((tmp_path / "mlruns" / "artifacts").rglob(TICKET))
    assert len(tickets) == 2
    trials = json.loads(call("export", "small", "--json", "--root", tmp_path).stdout)
    recorded = {read_ticket(file).about.sparsity: read_ticket(file).about.metrics["val_loss"] for file in tickets}
    assert recorded == {trial["metrics"]["sparsity"]: trial["metrics"]["val_loss"] for trial in trials}
    done = process("ticket", "eval", tickets[0])
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"^\w+ +\d\S* +\d\S* +same *$", done.stdout, re.MULTILINE)) == 6
    assert "differs" not in done.stdout


def test_it_computes_with_the_threads_of_the_trial(images: Path, tmp_path: Path) -> None:
    """Sums depend on them. What the test's process had is put back."""
    before = torch.get_num_threads()
    try:
        assert call("ticket", "eval", changed(images, tmp_path, saying(threads=before + 2))).exit_code == 0
        assert torch.get_num_threads() == before + 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
def test_a_state_that_is_kept_as_the_best(tmp_path: Path) -> None:
    training = {"epochs": 6, "batch_size": 32, "lr": 1.0, "schedule": "constant", "keep": "best"}
    file = config(tmp_path, "best", model={"name": "mlp", "hidden": [19]}, training=training)
    assert call("run", file, "-o", tmp_path / "out").exit_code == 0
    final = json.loads((tmp_path / "out" / "final_results.json").read_text())["metrics"]
    assert final["best_epoch"] < 6
    assert process("ticket", "eval", tmp_path / "out" / TICKET).returncode == 0


def test_show(images: Path) -> None:
    said = call("ticket", "show", images)
    assert said.exit_code == 0
    lines = {line.partition(" ")[0]: " ".join(line.split()) for line in said.stdout.splitlines()}
    recorded = read_ticket(images).about.metrics
    assert [lines[each] for each in ("method", "model", "data", "seed")] == [
        "method slt", "model lenet5", "data digits", "seed 0",
    ]  # fmt: skip
    assert lines["sparsity"] == "sparsity 0.5 removed, density 0.5"
    assert lines["weights"] == "weights 30,735 of 61,470 kept"
    assert lines["size"].endswith("246 kB with all weights as float32, 23.1 times as much")
    assert lines["val_accuracy"] == f"val_accuracy {recorded['val_accuracy']:.4g}"
    kept = [np.count_nonzero(values) for values in weights(images).values()]
    layers = [line.split() for line in said.stdout.splitlines() if ".weight" in line]
    assert [int(cells[-4].replace(",", "")) for cells in layers] == kept
    assert layers[0][:6] == ["conv1.weight", "6", "x", "1", "x", "5"]
    for cells in layers:
        density = int(cells[-4].replace(",", "")) / int(cells[-3].replace(",", ""))
        assert cells[-2] == f"{density:.3f}"
        assert cells[-1] == "━" * int(20 * density) + "─" * (20 - int(20 * density))


def test_show_says_what_was_chosen(left: Path, tmp_path: Path) -> None:
    """Not what everyone has, nor what the method brings: lr 0.1 and its schedule."""
    assert settings(left / "averaged" / TICKET) == {
        "method.n_dropout_layers": "1",
        "method.p_dropout": "0.3",
        "method.mc_samples": "3",
        "model.hidden": "[24]",
        "training.epochs": "2",
        "training.batch_size": "128",
    }
    file = left / "images" / TICKET
    training = {**read_ticket(file).about.config["training"], "lr": 0.01}  # everyone's default, not this method's
    training["schedule"] = {"name": "cosine", "min_lr": 0.001, "per": "step"}
    own = {"name": "own_net", "depth": 3}
    config = {**read_ticket(file).about.config, "training": training, "model": own}
    assert settings(changed(file, tmp_path, saying(config=config))) == {
        "model.depth": "3",
        "training.epochs": "2",
        "training.batch_size": "128",
        "training.lr": "0.01",
        "training.schedule": "{name: cosine, min_lr: 0.001, per: step}",
    }


def settings(file: Path) -> dict[str, str]:
    found = re.findall(r"^(\w+\.\w+)  +(\S.*?) *$", call("ticket", "show", file).stdout, re.MULTILINE)
    return {name: value for name, value in found if not name.endswith(".weight")}


def test_a_folder_stands_for_the_ticket_in_it(left: Path, tmp_path: Path) -> None:
    for command in ("show", "eval"):
        assert (
            call("ticket", command, left / "images", "--json").stdout
            == call("ticket", command, left / "images" / TICKET, "--json").stdout
        )
        result = call("ticket", command, tmp_path)
        assert (result.exit_code, result.stderr) == (2, f"error: {tmp_path}: there is no {TICKET} in it\n")


def weights(file: Path) -> dict[str, Any]:
    return dict(safetensors.numpy.load_file(file.with_name("weights.safetensors")))


def test_show_for_programs(left: Path) -> None:
    file = left / "averaged" / TICKET
    said = json.loads(call("ticket", "show", file, "--json").stdout)
    assert (said["bytes"], said["config"]["method"]["mc_samples"]) == (file.stat().st_size, 3)
    assert said["dense_bytes"] == sum(values.nbytes for values in weights(file).values())
    assert said["kept"] == sum(layer["kept"] for layer in said["layers"])
    assert said["density"] == said["kept"] / sum(layer["size"] for layer in said["layers"])
    assert [layer["shape"] for layer in said["layers"]] == [[24, 64], [10, 24]]


def test_show_needs_neither_torch_nor_data(images: Path) -> None:
    code = "import sys; sys.modules['torch'] = None; from sparsetune.cli import app; app()"
    command = [sys.executable, "-c", code, "ticket", "show", str(images)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_another_number_of_samples(left: Path) -> None:
    file = left / "averaged" / TICKET
    found = {}
    for count in (0, 3, 40):
        result = call("ticket", "eval", file, "--mc-samples", count, "--json")
        assert result.exit_code == 0
        said = json.loads(result.stdout)
        assert (said["reproduced"], said["mc_samples"]) == (None, count)
        found[count] = said["found"]["val_loss"]
    assert found[3] == read_ticket(file).about.metrics["val_loss"]
    assert len(set(found.values())) == 3
    told = {
        (file, 40): "mc_samples 40 instead of 3: other numbers than recorded are expected.",
        (file, 3): "mc_samples 3, as in its trial: these are the recorded numbers.",
        (left / "images" / TICKET, 40): "mc_samples 40 instead of 1: these are the recorded numbers.",  # drops nothing
    }
    for (each, count), words in told.items():
        assert words in call("ticket", "eval", each, "--mc-samples", count).stdout


def test_other_numbers_than_recorded_are_code_1_with_what_is_different(images: Path, tmp_path: Path) -> None:
    recorded = read_ticket(images).about.metrics
    config = read_ticket(images).about.config
    data = {**config, "data": {**config["data"], "seed": 5}}
    other = changed(images, tmp_path, saying(config=data, torch="1.0.1"))
    result = call("ticket", "eval", other)
    assert result.exit_code == 1
    assert "The recorded numbers are not reproduced.\n  data or their division: " in result.stdout
    assert f"{read_ticket(images).about.split} there\n  torch: " in result.stdout
    assert "1.0.1 there" in result.stdout
    one_more = {**recorded, "test_accuracy": recorded["test_accuracy"] + 1 / 359}
    result = call("ticket", "eval", changed(images, tmp_path, saying(metrics=one_more)))
    assert result.exit_code == 1
    assert re.search(r"^test_accuracy +\S+ +\S+ +differs *$", result.stdout, re.MULTILINE)
    assert re.search(r"^val_accuracy +\S+ +\S+ +same *$", result.stdout, re.MULTILINE)
    assert "another kind of processor" in result.stdout


def test_a_loss_that_another_processor_has_summed_is_no_other_result(images: Path, tmp_path: Path) -> None:
    recorded = read_ticket(images).about.metrics
    rounded = {**recorded, "val_loss": recorded["val_loss"] * (1 + 1e-7), "ece": 9.0}
    result = call("ticket", "eval", changed(images, tmp_path, saying(metrics=rounded)))
    assert result.exit_code == 0
    assert re.search(r"^val_loss +\S+ +\S+ +same *$", result.stdout, re.MULTILINE)
    assert re.search(r"^ece +\S+ +\S+ +differs *$", result.stdout, re.MULTILINE)


def test_a_mask_with_one_other_bit_is_noticed(images: Path, tmp_path: Path) -> None:
    """By the checksum; in a ticket that was made so, its predictions tell."""
    content = bytearray(images.read_bytes())
    content[-1000] ^= 1
    damaged = tmp_path / "damaged"
    damaged.write_bytes(content)
    for command in ("show", "eval"):
        result = call("ticket", command, damaged)
        assert result.exit_code == 2
        problem = "is damaged: its content does not have the checksum that it names"
        assert result.stderr == f"error: {damaged}: {problem}\n"

    def flip(ticket: Ticket) -> Ticket:
        mask = ticket.mask.copy()
        mask[:150] ^= True  # all of the first layer
        return replace(ticket, mask=mask)

    assert call("ticket", "eval", changed(images, tmp_path, flip)).exit_code == 1


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (saying(drawn="0" * 64, torch="1.0.1"), (), ("seed 0 draws other weights here", "1.0.1 there")),
        (saying(), ("--set", "seed=1"), ("--set: found seed, allowed: with a ticket nothing with 'digits'",)),
        (saying(), ("--set", "data.root=/x"), ("data.root: unknown key 'root'",)),
        (saying(), ("--set", "nonsense"), ("--set: ", "name=value")),
        (saying(), ("--mc-samples", "2000"), ("method.mc_samples: found 2000, allowed: at most 1000",)),
        (saying(input_shape=(1, 8, 8)), (), ("its network is for other data: classification of 1 x 8 x 8, 10",)),
        (saying(config={s: {"name": "x"} for s in ("method", "data", "model")}), (), ("unknown method 'x'",)),
    ],
)
def test_bad_input_is_one_line(
    images: Path, tmp_path: Path, change: Callable[[Ticket], Ticket], options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    result = call("ticket", "eval", changed(images, tmp_path, change), *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert all(each in result.stderr for each in words), result.stderr


def table(folder: Path) -> Path:
    """Sixty rows of which one column decides the target."""
    folder.mkdir(parents=True)
    rows = [f"{index % 7},{index % 5},{'yes' if index % 7 > 3 else 'no'}\n" for index in range(60)]
    file = folder / "table.csv"
    file.write_text("".join(["a,b,y\n", *rows]))
    return file


def test_data_are_found_where_the_run_found_them(tmp_path: Path) -> None:
    """Its folder has the config beside the ticket, which says where."""
    file = table(tmp_path / "data")
    data = {"name": "tabular", "path": "data/table.csv", "target": "y"}
    brief = {"epochs": 1, "batch_size": 8}
    run = config(tmp_path, "own", data=data, model={"name": "mlp", "hidden": [8]}, training=brief)
    result = call("run", run, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    for named in (tmp_path / "out", tmp_path / "out" / TICKET):
        assert call("ticket", "eval", named).exit_code == 0
    elsewhere = table(tmp_path / "elsewhere")
    file.unlink()
    missing = call("ticket", "eval", tmp_path / "out")
    assert (missing.exit_code, missing.stderr.count("\n"), str(file) in missing.stderr) == (2, 1, True)
    assert call("ticket", "eval", tmp_path / "out", "--set", f"data.path={elsewhere}").exit_code == 0, (
        "what is said wins"
    )
    for text in ("data: digits\n", "data: {name: idx, path: 3}\n", "- 1\n", "data: [\n", ""):
        (tmp_path / "out" / "config.yaml").write_text(text)
        answer = call("ticket", "eval", tmp_path / "out")
        assert (answer.exit_code, "data.path" in answer.stderr) == (2, True), "a file of that name that is another's"


def test_data_are_found_where_they_are_said_to_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are no part of a ticket: they belong to a machine."""
    here, there = tmp_path / "here", tmp_path / "there"
    write_pictures(here, {"train/a": 12, "train/b": 12, "test/a": 4, "test/b": 4})
    data = {"name": "folder", "train_dir": str(here / "train"), "test_dir": str(here / "test"), "resize": 28}
    file = config(tmp_path, "own", data=data, model="lenet5", training={"epochs": 1, "batch_size": 8})
    result = call("run", file, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    here.rename(there)
    ticket = tmp_path / "out" / TICKET
    assert str(tmp_path) not in ticket.read_bytes().decode("latin-1")
    missing = call("ticket", "eval", ticket)
    assert (missing.exit_code, "data.train_dir" in missing.stderr) == (2, True)
    places = ("--set", "data.train_dir=there/train", "--set", "data.test_dir=there/test")
    assert call("ticket", "eval", ticket, *places).exit_code == 0, "from the root of the ticket's project"
    away = tmp_path.parent / f"{tmp_path.name}_away"
    away.mkdir()
    away = ticket.rename(away / TICKET)
    assert call("ticket", "eval", away, *places).exit_code == 2
    assert call("ticket", "eval", away, *places, "--root", tmp_path).exit_code == 0
    monkeypatch.chdir(tmp_path / "out")
    assert call("ticket", "eval", away, *places).exit_code == 0, "from the root of the project that one is in"

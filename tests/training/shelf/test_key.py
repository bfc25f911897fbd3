"""What decides a training's numbers is in its key, each by itself; what does not is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from sparsetune.base.messages import OwnFile
from sparsetune.config.own import digest_of, module_of
from sparsetune.config.trial import Training, TrialConfig
from sparsetune.testing.trained import trial_config
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.setup import Setup, set_up
from sparsetune.training.shelf import key
from sparsetune.training.shelf.key import OF_NO_NUMBER, OF_STAGES, what_trains

MLP = {"name": "mlp", "hidden": [4]}
OTHER: dict[str, Any] = {
    "batch_size": 65,
    "grad_accum_steps": 2,
    "lr": 0.02,
    "optimizer": "adam",
    "momentum": 0.8,
    "nesterov": True,
    "weight_decay": 0.1,
    "clip_grad_norm": 1.0,
    "label_smoothing": 0.1,
    "loss": "gauss",
    "reduction": "sum",
    "initial_sigma": 0.2,
    "schedule": {"name": "step", "every": 2},
    "warmup_epochs": 1.0,
    "dtype": "float64",
    "mixed_precision": True,
    "channels_last": True,
    "data_share": 0.5,
}
"""Of each key of ``training`` that trains, another value than that by default."""
SAME: dict[str, Any] = {
    "epochs": 3,
    "iterations": 9,
    "evaluate": "2ep",
    "keep_row": 2,
    "early_stop_patience": 3,
    "keep": "best",
    "max_minutes": 1.0,
    "device": "auto",
}


def made(config: TrialConfig) -> Setup:
    return set_up(config, config.method, REGISTRIES)


def of(config: TrialConfig, own: tuple[str, ...] = ()) -> str:
    return what_trains(made(config), own)


def digits(model: dict[str, Any] = MLP, **others: Any) -> TrialConfig:
    return trial_config("dense", model, **others)


@pytest.fixture(scope="module")
def base() -> str:
    return of(digits())


def test_every_key_of_training_is_looked_at() -> None:
    assert {*OTHER} | {*SAME} == {*Training.model_fields}
    assert {*SAME} == {*OF_STAGES, *OF_NO_NUMBER}


@pytest.mark.parametrize("name", OTHER)
def test_what_trains_is_in_it(name: str, base: str) -> None:
    """Put in after the config was checked: of a classification some are refused."""
    setup = made(digits())
    training = Training(**{**digits().training.model_dump(), "device": "cpu", name: OTHER[name]})
    assert what_trains(replace(setup, config=setup.config.model_copy(update={"training": training}))) != base


@pytest.mark.parametrize("name", SAME)
@pytest.mark.skipif(torch.cuda.is_available(), reason="auto is another device there")
def test_what_stages_say_is_not(name: str, base: str) -> None:
    assert of(digits(**{name: SAME[name], **({"epochs": None} if name == "iterations" else {})})) == base


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"model": {**MLP, "hidden": [5]}},
        {"model": {**MLP, "init": "kaiming"}},
        {"data": {"name": "digits", "seed": 1}},
        {"data": {"name": "digits", "label_noise": 0.1}},
        {"data": {"name": "digits", "normalize": "none"}},
        {"metrics": {"each_epoch": True}},
        {"metrics": {"noise_samples": 10}},
    ],
    ids=str,
)
def test_data_model_and_seed_are_in_it(other: dict[str, Any], base: str) -> None:
    assert of(digits(**other)) != base


def test_the_method_is_in_it_with_the_files_that_it_reads(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert of(trial_config("lottery", MLP)) != base
    assert of(trial_config({"name": "lottery", "levels": 2}, MLP)) == of(trial_config("lottery", MLP)), "stages say it"
    monkeypatch.setattr(REGISTRIES.method.get("dense"), "content", lambda config: "another")
    assert of(digits()) != base


def test_weights_are_in_it_by_their_content_and_not_by_their_place(tmp_path: Path, base: str) -> None:
    weights = made(digits()).network.state_dict()
    keys = []
    for name, change in (("one", 0.0), ("other", 0.0), ("changed", 1e-7)):
        file = tmp_path / f"{name}.safetensors"
        save_file({each: value + change for each, value in weights.items()}, file)
        keys.append(of(digits({**MLP, "weights": str(file)})))
    assert keys[0] == keys[1]
    assert len({*keys, base}) == 3


def test_own_files_are_in_it(base: str) -> None:
    one, other = (digest_of(OwnFile("own.py", text)) for text in ("A = 1", "A = 2"))
    assert len({base, of(digits(), (one,)), of(digits(), (other,))}) == 3


def test_modules_that_own_files_import_are_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not those that are installed, and not where there are no own files."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "beside_an_own_file.py").write_text("FACTOR = 1")
    file = OwnFile("own.py", "import beside_an_own_file")
    module_of(file)
    config, own = digits(), (digest_of(file),)
    before, without = of(config, own), of(config)
    (tmp_path / "beside_an_own_file.py").write_text("FACTOR = 2")
    assert of(config, own) != before
    assert of(config) == without


@pytest.mark.parametrize("name", ["source", "versions", "installed_versions", "machine"])
def test_code_versions_and_machine_are_in_it(name: str, monkeypatch: pytest.MonkeyPatch, base: str) -> None:
    monkeypatch.setattr(key, name, lambda *device: ("another",))
    assert of(digits()) != base


def test_threads_and_precision_are_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    before = key.machine(cpu)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    assert key.machine(cpu) != before
    monkeypatch.undo()
    monkeypatch.setattr(torch, "get_float32_matmul_precision", lambda: "medium")
    assert key.machine(cpu) != before


def test_the_source_is_of_all_rooms_with_a_part_in_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A letter in any of their files makes another; one elsewhere does not."""
    digests = []
    for room in ("nowhere", "base", "config", "sparsity", "data", "models", "measures", "training", "cli"):
        package = tmp_path / room
        for each in ("base", "config", "sparsity", "data", "models", "measures", "training", "cli"):
            (package / each / "deep").mkdir(parents=True)
            (package / each / "deep" / "file.py").write_text("x" if each == room else "")
        monkeypatch.setattr(key, "_PACKAGE", package)
        digests.append(key.source.__wrapped__())
    assert digests[-1] == digests[0]
    assert digests[1:-1].count(digests[0]) == 0


def test_versions_say_what_torch_was_built_for() -> None:
    assert torch.__version__ in key.versions()

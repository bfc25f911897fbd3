"""What a trial says of its network in use: asked for, in words of the table, and without a trace in its training."""

from __future__ import annotations

import lzma
import zlib
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save

from sparsetune.config.metrics import SHARED
from sparsetune.data import load_dataset
from sparsetune.testing.trained import untimed
from sparsetune.training.deploy.network import assembled
from sparsetune.training.deploy.serving import serving_numbers
from sparsetune.training.registries import REGISTRIES

from .cases import CASES, trained

NAMES = {name for name, metric in SHARED.items() if metric.needs == "metrics.deployed"}
CPU = torch.device("cpu")


def test_names() -> None:
    assert {"latency_ms", "latency_ms_1000", "speedup", "speedup_1000", "file_bytes", "compressed_bytes"} == NAMES
    assert {name for name in NAMES if SHARED[name].timing} == NAMES - {"file_bytes", "compressed_bytes"}


@pytest.mark.parametrize("name", ["mlp", "regression", "monte_carlo"])
def test_numbers_are_there_where_asked_for_and_change_no_other(name: str, tmp_path: Path) -> None:
    """Also with a training that goes on after a result: the last state is left, two results are measured."""
    changes = {"training": {"epochs": 2, "batch_size": 128, "keep": "best"}, **CASES[name]}
    _, plain, without = trained(tmp_path / "plain", **changes)
    threads = torch.get_num_threads()
    _, weights, outcome = trained(tmp_path / "asked", **changes, metrics={"deployed": True})
    assert torch.get_num_threads() == threads
    assert outcome.metrics.keys() - without.metrics.keys() == NAMES
    assert all(outcome.metrics[each] > 0 for each in NAMES)
    same = {each: value for each, value in untimed(outcome.metrics).items() if each not in NAMES}
    assert same == untimed(without.metrics)
    assert all(torch.equal(load_file(plain)[each], value) for each, value in load_file(weights).items())


def test_a_training_goes_on_as_if_nothing_had_been_measured(tmp_path: Path) -> None:
    """Dropout draws on: levels of a lottery are each measured, and the next begins."""
    lottery: dict[str, Any] = {"name": "lottery", "levels": 2, "prune_fraction": 0.5}
    changes = {"model": {"name": "mlp", "hidden": [16], "dropout": 0.3}, "training": {"epochs": 1, "batch_size": 128}}
    _, plain, _ = trained(tmp_path / "plain", lottery, **changes)
    _, asked, outcome = trained(tmp_path / "asked", lottery, **changes, metrics={"deployed": True})
    assert len(outcome.results) > 1
    assert all(each.metrics.keys() >= NAMES for each in outcome.results)
    assert all(torch.equal(load_file(plain)[each], value) for each, value in load_file(asked).items())


def test_bytes_by_hand(tmp_path: Path) -> None:
    """64 x 5 + 5 + 5 x 10 + 10 = 385 numbers of 4 bytes, and the header; an independent zlib."""
    config, weights, outcome = trained(
        tmp_path, model={"name": "mlp", "hidden": [5]}, metrics={"deployed": True}, training={"epochs": 1}
    )
    content = save(load_file(weights))
    with safe_open(weights, "pt") as file:
        assert sum(file.get_tensor(name).numel() for name in file.keys()) == 385  # noqa: SIM118
    assert outcome.metrics["file_bytes"] == len(content)
    assert 0 < len(content) - 4 * 385 < 500
    assert outcome.metrics["compressed_bytes"] == len(zlib.compress(content, 6))
    assert len(lzma.compress(content)) == pytest.approx(outcome.metrics["compressed_bytes"], rel=0.1)
    data = load_dataset(config.data).to(CPU, torch.float32)
    again = serving_numbers(config, load_file(weights), data, CPU, REGISTRIES)
    for name in ("file_bytes", "compressed_bytes"):
        assert again[name] == outcome.metrics[name], "equal runs have equal bytes"


def test_neurons_without_a_path_are_in_neither_size_nor_time(tmp_path: Path) -> None:
    """Of 2,000 neurons 20 are read: the file is that of 20, and answers come sooner."""
    config, weights, _ = trained(tmp_path, model={"name": "mlp", "hidden": [2000]}, training={"epochs": 1})
    state = load_file(weights)
    state["linear2.weight"][:, 20:] = 0
    data = load_dataset(config.data).to(CPU, torch.float32)
    numbers = serving_numbers(config, state, data, CPU, REGISTRIES)
    slim = assembled(config, state, data, CPU, REGISTRIES).network
    assert sum(each.numel() for each in slim.parameters()) == 64 * 20 + 20 + 20 * 10 + 10
    assert 4 * 1510 < numbers["file_bytes"] < 4 * 1510 + 500
    assert numbers["speedup_1000"] > 2, "a hundredth of the work"

"""A model of one's own whose layers share a weight: it is pruned once, counted once, and read by others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file
from torch import nn
from typer.testing import CliRunner

from sparsetune.base.yaml_io import dump
from sparsetune.cli import app

OWN = """
from typing import Literal

from torch import nn

from sparsetune.models.contract import Model, ModelConfig


class Shared(Model):
    class Config(ModelConfig):
        name: Literal["shared"] = "shared"

    @classmethod
    def network(cls, config, input_shape, outputs):
        first, second = nn.Linear(64, 64), nn.Linear(64, 64)
        second.weight = first.weight
        return nn.Sequential(nn.Flatten(), first, nn.ReLU(), second, nn.ReLU(), nn.Linear(64, outputs))


MODELS = {"shared": Shared}
"""
METHODS = (
    {"name": "dense"},
    {"name": "drr", "alpha": 1e-4, "finetune_epochs": 1},
    {"name": "lottery", "levels": 1},
    {"name": "slt"},
)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("method", METHODS, ids=lambda method: str(method["name"]))
def test_it_is_one_weight(method: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "search_spaces").mkdir()
    (tmp_path / "own.py").write_text(OWN)
    config = {"method": method, "data": "digits", "model": "shared", "training": {"epochs": 10, "lr": 0.1}}
    (tmp_path / "c.yaml").write_text(dump({**config, "import": ["own.py"]}))
    words = ["run", str(tmp_path / "c.yaml"), "-o", str(tmp_path / "out"), "--json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    metrics = json.loads(result.stdout)[0]["metrics"]
    weights = load_file(tmp_path / "out" / "weights.safetensors")
    assert bool((weights["1.weight"] == weights["3.weight"]).all())
    once = {name: int((value != 0).sum()) for name, value in weights.items() if name != "3.weight"}
    assert metrics["nonzeros"] == sum(once.values())
    assert metrics["macs"] == 2 * once["1.weight"] + once["5.weight"]
    assert metrics["dense_macs"] == 2 * 64 * 64 + 640
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    missing, spare = network.load_state_dict(weights, strict=False)
    assert spare == []
    assert all(name.endswith("bias") for name in missing)  # strong tickets have none

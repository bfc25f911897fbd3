"""Every model of the registry can be exported, and takes batches of any size then."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_model_conformance import CASES
from torch import nn

from sparsetune.tracking.models import save
from sparsetune.training.deploy.deployed import Deployed


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_each_model_is_exported(name: str, tmp_path: Path) -> None:
    network = CASES[name].build().eval().requires_grad_(False)
    samples = CASES[name].inputs()
    example = samples[:2]
    found = Deployed(network, example.numpy(), network(example).numpy(), {}, samples)
    saved = save(tmp_path / "model", network, found.example, found.output, run_id="0", words={}, requirements=["torch"])
    assert isinstance(saved.loaded(), nn.Module)
    assert found.equals(saved.loaded())
    assert {path.name for path in (tmp_path / "model" / "data").iterdir()} == {"model.pt2"}

"""Networks for use elsewhere give what their trials have measured, for samples as the data have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, nll_loss

from sparsetune.base.errors import BadInput
from sparsetune.config.trial import TrialConfig
from sparsetune.data import load_dataset
from sparsetune.training.build import build
from sparsetune.training.deploy.deployed import deployed
from sparsetune.training.registries import REGISTRIES

from .cases import DIABETES, DROPPING, trained


def validation(config: TrialConfig) -> tuple[Tensor, Tensor]:
    """Samples as the data set has them, and their targets."""
    val = load_dataset(config.data).val
    return val.store[val.rows], val.targets


@pytest.mark.parametrize("method", ["dense", {"name": "ast", "min_active": 2}, "slt"], ids=str)
def test_it_gives_the_logits_that_the_trial_has_measured(tmp_path: Path, method: Any) -> None:
    config, weights, outcome = trained(tmp_path, method)
    found = deployed(config, weights, REGISTRIES, outcome.notes["split"])
    samples, targets = validation(config)
    assert samples.dtype == torch.uint8
    loss = cross_entropy(found.network(samples), targets).item()
    assert loss == pytest.approx(outcome.metrics["val_loss"], rel=1e-5)
    assert not found.network(samples).requires_grad
    assert (found.example.shape, found.example.dtype, found.output.shape) == ((2, 1, 8, 8), np.uint8, (2, 10))
    assert found.words["outputs"] == "logits: softmax makes probabilities of them"
    shift, scale = found.words["scaling"]["shift"], found.words["scaling"]["scale"]
    inner = found.network.network((samples.float() - shift) / scale)  # whoever takes the network out
    torch.testing.assert_close(inner, found.network(samples), rtol=0, atol=1e-5)


@pytest.mark.parametrize("method", ["dense", "slt"])
def test_averaged_predictions_are_those_of_each_sample_alone(tmp_path: Path, method: str) -> None:
    """As the trial's own method predicts the first sample of an evaluation."""
    config, weights, outcome = trained(tmp_path, {"name": method, **DROPPING, "mc_samples": 5})
    found = deployed(config, weights, REGISTRIES, outcome.notes["split"])
    samples, targets = (each[:7] for each in validation(config))
    built = build(config, (1, 8, 8), 10, "classification", torch.device("cpu"), REGISTRIES)
    built.network.eval()
    built.method.begin_evaluation()
    built.method.before_batch()
    built.network.load_state_dict(safetensors.torch.load_file(weights))
    for sample in samples:
        built.method.begin_evaluation()
        scaled = load_dataset(config.data).val.scaling(sample[None])
        torch.testing.assert_close(
            found.network(samples)[samples.eq(sample).all((1, 2, 3))], built.method.predict(scaled)
        )
    assert nll_loss(found.network(samples), targets).isfinite()
    assert found.network(samples).exp().sum(1).tolist() == pytest.approx([1.0] * 7, abs=1e-5)
    assert found.words["outputs"] == (
        "logarithms of probabilities, of 5 networks that drop other units, averaged: the same units of every sample"
    )


def test_a_regression_has_the_unit_of_its_targets(tmp_path: Path) -> None:
    config, weights, outcome = trained(tmp_path, "dense", data=DIABETES)
    found = deployed(config, weights, REGISTRIES, outcome.notes["split"])
    samples, targets = validation(config)
    error = (found.network(samples) - targets).square().mean().item()
    assert error == pytest.approx(outcome.metrics["val_mse"], rel=1e-4)
    assert found.words["columns"][:3] == ["age", "sex", "bmi"]
    assert len(found.words["scaling"]["shift"]) == 10


def test_it_draws_nothing_from_who_calls(tmp_path: Path) -> None:
    config, weights, _ = trained(tmp_path, "dense")
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    deployed(config, weights, REGISTRIES)
    assert torch.equal(torch.rand(2), expected)


def test_equals_looks_at_batches_of_one_and_of_several(tmp_path: Path) -> None:
    config, weights, _ = trained(tmp_path, "dense")
    found = deployed(config, weights, REGISTRIES)

    class Otherwise(nn.Module):
        def __init__(self, size: int) -> None:
            super().__init__()
            self.size = size

        def forward(self, samples: Tensor) -> Tensor:
            outputs: Tensor = found.network(samples)
            return outputs + 1 if len(samples) == self.size else outputs

    assert [found.equals(Otherwise(size)) for size in (1, 2, 5)] == [False, True, False]


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    config, weights, outcome = trained(tmp_path, "dense")
    with pytest.raises(
        BadInput, match=r"data: its data, or how they are divided, are not those that it was trained on"
    ):
        deployed(config, weights, REGISTRIES, "0123456789abcdef")
    other = config.model_copy(update={"model": config.model.model_copy(update={"hidden": (15,)})})
    with pytest.raises(BadInput, match=r"^its weights do not fit 'mlp' as it is here: .*size mismatch"):
        deployed(other, weights, REGISTRIES, outcome.notes["split"])

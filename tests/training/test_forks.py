"""Views of one training: each has the numbers, the end and the files of a training of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sparsetune.config.base import EVALUATION, Part, param
from sparsetune.config.messages import Branch, Job, Key, Metrics, Report, Row
from sparsetune.config.paths import run_folder
from sparsetune.config.trial import TrialConfig
from sparsetune.sparsity.method import Method, Phase
from sparsetune.testing.methods import same_state, trial_config, untimed
from sparsetune.training import trial
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trial import run_trial

GRID = 16  # weights are multiples of 1 / GRID at the end of a phase


class Rounding(Method):
    """Rounds all weights at the end of its phase, at random, and disturbs its predictions."""

    class Config(Part):
        name: Literal["rounding"] = "rounding"
        noise: float = param(0.0, "spread of what is added to each output", phase=EVALUATION, ge=0)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.ends = 0.0

    def predict(self, inputs: torch.Tensor) -> torch.Tensor:
        outputs = super().predict(inputs)
        if not self.config.noise:
            return outputs
        return outputs + self.config.noise * torch.randn(outputs.shape)  # from torch's global generator

    @torch.no_grad()
    def end_phase(self, phase: Phase) -> None:
        self.ends += 1
        for parameter in self.session.network.parameters():
            parameter.copy_((parameter * GRID + torch.rand(())).floor() / GRID)  # at random, up or down together

    def trace(self) -> dict[str, Any]:
        return {"ends": np.array([self.ends])}

    def state_dict(self) -> dict[str, Any]:
        return {"ends": self.ends}

    def load_state_dict(self, state: Any) -> None:
        self.ends = state["ends"]


KNOWN = replace(REGISTRIES, method=REGISTRIES.method.extended({"rounding": Rounding}))


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "registries_of", lambda imports: KNOWN)


class Left:
    """What a run left: its rows, its numbers and its files."""

    def __init__(self, reports: Sequence[Report], key: Key, folder: Path) -> None:
        mine = [report for report in reports if report.key == key]
        (self.outcome,) = [report.outcome for report in mine if report.outcome is not None]
        self.rows = [row for report in mine for row in report.rows]
        self.weights = load_file(folder / "weights.safetensors")
        with np.load(folder / "trace.npz") as trace:
            self.ends = trace["ends"].item()

    def numbers(self) -> tuple[list[tuple[Metrics, Row]], Metrics]:
        """All that two equal runs agree on."""
        rows = [(untimed(row.metrics), replace(row, metrics={}, timestamp_ms=0)) for row in self.rows]
        return rows, untimed(self.outcome.metrics)


def left(folder: Path, config: TrialConfig, branches: Sequence[Branch] = (Branch(),)) -> list[Left]:
    """Train it, and what each branch left."""
    job = Job(Key(0), config.plain(), str(folder), branches=tuple(branches))
    reports = list(run_trial(job))
    keys = [Key(0, 0, branch.name) for branch in branches]
    return [Left(reports, key, run_folder(folder, key, len(keys))) for key in keys]


def rounding(noise: float = 0.0, **training: Any) -> TrialConfig:
    method, model = {"name": "rounding", "noise": noise}, {"name": "mlp", "hidden": [8]}
    return trial_config(method, model, registries=KNOWN, optimizer="adam", **training)


def over(*values: float) -> list[Branch]:
    return [Branch(f"{place}", {"method.noise": value}) for place, value in enumerate(values)]


@pytest.mark.parametrize("keep", ["last", "best"])
def test_a_view_that_ends_early_ends_as_a_training_of_its_own(keep: str, tmp_path: Path) -> None:
    """Its weights are rounded, once; the others train on as if nothing had happened."""
    values = (0.0, 100.0, 3.0, 10.0)
    training = {"epochs": 12, "early_stop_patience": 1, "keep": keep}
    forked = left(tmp_path / "forked", rounding(**training), over(*values))
    lengths = [len(branch.rows) for branch in forked]
    assert len(set(lengths)) > 2, "they end one after another"
    for value, branch in zip(values, forked, strict=True):
        (alone,) = left(tmp_path / str(value), rounding(value, **training))
        assert branch.numbers() == alone.numbers()
        assert same_state(branch.weights, alone.weights)
        assert branch.ends == alone.ends == 1
        rounded = all(torch.equal(weight * GRID, (weight * GRID).round()) for weight in branch.weights.values())
        assert rounded == (keep == "last"), "the best state was there before the phase ended"


def test_what_predictions_draw_from_torch_is_the_same_for_every_view(tmp_path: Path) -> None:
    first, quiet, again = left(tmp_path / "forked", rounding(epochs=3), over(2.0, 0.0, 2.0))
    assert first.numbers() == again.numbers()
    assert first.numbers() != quiet.numbers()
    for value, branch in ((2.0, first), (0.0, quiet)):
        (alone,) = left(tmp_path / str(value), rounding(value, epochs=3))
        assert branch.numbers() == alone.numbers()
        assert same_state(branch.weights, alone.weights)
    losses = [row.metrics["val_loss"] for row in first.rows]
    assert len(set(losses)) == 3

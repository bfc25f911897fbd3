"""Branches of one training: each has the numbers, the end and the files of a training of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sparsetune.base.durations import Duration
from sparsetune.base.messages import Branch, Job, Key, Metrics, Report, Row
from sparsetune.base.paths import run_folder
from sparsetune.config.base import EVALUATION, Part, param
from sparsetune.config.trial import Training, TrialConfig
from sparsetune.sparsity.history import Patience
from sparsetune.sparsity.method import Method
from sparsetune.sparsity.session import Session
from sparsetune.sparsity.stage import Stage
from sparsetune.testing.trained import same_state, trial_config, untimed
from sparsetune.training import trial
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trial import run_trial


class Shaking(Method):
    """Shakes all weights after each step, and disturbs its predictions, both from torch's own random numbers.

    A second stage starts from the state that the first keeps, in each way in which that is evaluated.
    """

    class Config(Part):
        name: Literal["shaking"] = "shaking"
        noise: float = param(0.0, "spread of what is added to each output", phase=EVALUATION, ge=0)
        after: int = param(0, "epochs of a second stage", unit="epochs", phase="after", ge=0)
        patience: int = param(0, "of the first stage; 0: as others", unit="epochs", phase="after", ge=0)

    phases = ("train", "after")

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.shaken: list[float] = []

    @classmethod
    def tree(cls, config: Any, training: Training) -> Stage:
        train = cls.stage("train", training.length, config, training)
        if config.patience:
            train = replace(train, view=replace(train.view, until=Patience(config.patience)))
        if not config.after:
            return train
        after = cls.stage("after", Duration(config.after), config, training, phase="train", before=(Looking(),))
        return replace(train, view=replace(train.view, results=()), then=(after,))

    def predict(self, inputs: torch.Tensor) -> torch.Tensor:
        outputs = super().predict(inputs)
        if not self.config.noise:
            return outputs
        return outputs + self.config.noise * torch.randn(outputs.shape)

    @torch.no_grad()
    def after_step(self) -> None:
        by = torch.randn(()) * 1e-3
        for parameter in self.session.network.parameters():
            parameter += by
        self.shaken.append(by.item())

    def trace(self) -> dict[str, Any]:
        return {"shaken": np.array(self.shaken)}

    def state_dict(self) -> dict[str, Any]:
        return {"shaken": self.shaken}

    def load_state_dict(self, state: Any) -> None:
        self.shaken = [*state["shaken"]]


@dataclass(frozen=True)
class Looking:
    """Writes down the loss on validation data, without noise."""

    losses: ClassVar[list[float]] = []

    @torch.no_grad()
    def __call__(self, session: Session, state: Any = None) -> None:
        ((inputs, targets),) = session.batches("val", 1000)
        self.losses.append(torch.nn.functional.cross_entropy(session.network.eval()(inputs), targets).item())


KNOWN = replace(REGISTRIES, method=REGISTRIES.method.extended({"shaking": Shaking}))


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "registries_of", lambda imports: KNOWN)


class Left:
    """What a run left: its rows, its numbers and its files."""

    def __init__(self, reports: Sequence[Report], key: Key, folder: Path) -> None:
        mine = [report for report in reports if report.key == key]
        (self.outcome,) = [report.outcome for report in mine if report.outcome is not None]
        self.rows = [row for report in mine for row in report.rows]
        self.weights, self.shaken = {}, None
        if self.outcome.state == "COMPLETE":
            self.weights = load_file(folder / "weights.safetensors")
            with np.load(folder / "trace.npz") as trace:
                self.shaken = trace["shaken"].tolist()

    def numbers(self) -> tuple[list[tuple[Metrics, Row]], Metrics, str]:
        """All that two equal runs agree on."""
        rows = [(untimed(row.metrics), replace(row, metrics={}, timestamp_ms=0, done=0)) for row in self.rows]
        return rows, untimed(self.outcome.metrics), self.outcome.reason

    def assert_equals(self, other: Left) -> None:
        assert self.numbers() == other.numbers()
        assert same_state(self.weights, other.weights)
        assert self.shaken == other.shaken


def left(folder: Path, config: TrialConfig, branches: Sequence[Branch] = (Branch(),)) -> list[Left]:
    """Train it, and what each branch left."""
    return left_of(list(run_trial(job(folder, config, branches))), folder, branches)


def job(folder: Path, config: TrialConfig, branches: Sequence[Branch], **cadence: str) -> Job:
    return Job(Key(0), config.plain(), str(folder), branches=tuple(branches), **cadence)


def left_of(reports: Sequence[Report], folder: Path, branches: Sequence[Branch]) -> list[Left]:
    keys = [Key(0, 0, branch.name) for branch in branches]
    return [Left(reports, key, run_folder(folder, key, len(keys))) for key in keys]


def shaking(noise: float = 0.0, after: int = 0, patience: int = 0, **training: Any) -> TrialConfig:
    method = {"name": "shaking", "noise": noise, "after": after, "patience": patience}
    model = {"name": "mlp", "hidden": [8]}
    return trial_config(method, model, registries=KNOWN, **{"optimizer": "adam", "batch_size": 200, **training})


def over(*values: float, setting: str = "noise") -> list[Branch]:
    return [Branch(f"{place}", {f"method.{setting}": value}) for place, value in enumerate(values)]


NOISES = (0.0, 100.0, 3.0, 10.0)


@pytest.mark.parametrize("keep", ["last", "best"])
def test_a_view_that_ends_early_ends_as_a_training_of_its_own(keep: str, tmp_path: Path) -> None:
    """The others train on as if nothing had happened."""
    training = {"epochs": 12, "early_stop_patience": 1, "keep": keep}
    forked = left(tmp_path / "forked", shaking(**training), over(*NOISES))
    assert len({len(branch.rows) for branch in forked}) > 2, "they end one after another"
    for value, branch in zip(NOISES, forked, strict=True):
        (alone,) = left(tmp_path / str(value), shaking(value, **training))
        branch.assert_equals(alone)
        assert len(branch.shaken) == 6 * len(branch.rows)


@pytest.mark.parametrize("keep", ["last", "best"])
def test_a_stage_after_views_that_end_one_after_another_starts_from_the_end_of_each(keep: str, tmp_path: Path) -> None:
    """The first stage is trained as long as the most patient view wants it, the second for each of its ends."""
    training = {"epochs": 12, "early_stop_patience": 1, "keep": keep}
    forked = left(tmp_path / "forked", shaking(after=2, **training), over(*NOISES))
    assert len({len(branch.rows) for branch in forked}) > 2
    for value, branch in zip(NOISES, forked, strict=True):
        (alone,) = left(tmp_path / str(value), shaking(value, after=2, **training))
        branch.assert_equals(alone)
        assert {row.phase for row in branch.rows} == {"train", "after"}


@pytest.mark.parametrize("keep", ["last", "best"])
def test_a_second_stage_starts_from_the_state_that_the_first_keeps(keep: str, tmp_path: Path) -> None:
    Looking.losses.clear()
    (found,) = left(tmp_path, shaking(after=1, epochs=11, lr=0.3, keep=keep))
    last = found.rows[10].metrics
    assert last["val_loss"] > last["best_val_loss"]
    assert Looking.losses == [pytest.approx(last["val_loss" if keep == "last" else "best_val_loss"], rel=1e-6)]


@pytest.mark.parametrize("keep", ["last", "best"])
def test_views_in_one_setting_may_end_one_after_another(keep: str, tmp_path: Path) -> None:
    training = {"epochs": 20, "lr": 0.3, "keep": keep}
    values = (3, 1, 2, 20)
    forked = left(tmp_path / "forked", shaking(3.0, after=1, **training), over(*values, setting="patience"))
    assert len({len(branch.rows) for branch in forked}) > 2
    for value, branch in zip(values, forked, strict=True):
        (alone,) = left(tmp_path / str(value), shaking(3.0, after=1, patience=value, **training))
        branch.assert_equals(alone)


def test_what_predictions_draw_from_torch_is_the_same_for_every_view(tmp_path: Path) -> None:
    first, quiet, again = left(tmp_path / "forked", shaking(epochs=3), over(2.0, 0.0, 2.0))
    first.assert_equals(again)
    assert first.numbers() != quiet.numbers()
    for value, branch in ((2.0, first), (0.0, quiet)):
        (alone,) = left(tmp_path / str(value), shaking(value, epochs=3))
        branch.assert_equals(alone)
    losses = [row.metrics["val_loss"] for row in first.rows]
    assert len(set(losses)) == 3


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_view_whose_loss_is_not_finite_fails_alone(place: int, tmp_path: Path) -> None:
    values = [0.0, 2.0]
    values.insert(place, float("inf"))
    forked = left(tmp_path / "forked", shaking(after=1, epochs=2), over(*values))
    assert [branch.outcome.state == "FAIL" for branch in forked] == [value == float("inf") for value in values]
    for value, branch in zip(values, forked, strict=True):
        (alone,) = left(tmp_path / str(value), shaking(value, after=1, epochs=2))
        branch.assert_equals(alone)


@pytest.mark.parametrize(
    ("schedule", "epochs"),
    [
        ("constant", [0, 1, 2, 2, 3, 2, 3, 4]),
        ("cosine", [0, 1, 2, 0, 1, 2, 3, 0, 1, 2, 3, 4]),
        ("onecycle", [0, 1, 2, 0, 1, 2, 3, 0, 1, 2, 3, 4]),
    ],
)
def test_second_stages_of_other_lengths(schedule: str, epochs: list[int], tmp_path: Path, trained: list[int]) -> None:
    """The first stage is trained once, or for each where the schedule spans all of a training."""
    settings = {"epochs": 2, "schedule": schedule}
    forked = left(tmp_path / "forked", shaking(after=1, **settings), over(1, 2, 3, setting="after"))
    assert trained == epochs
    for value, branch in zip((1, 2, 3), forked, strict=True):
        (alone,) = left(tmp_path / str(value), shaking(after=value, **settings))
        branch.assert_equals(alone)


@pytest.mark.parametrize("stop", range(1, 8))
def test_a_fork_goes_on_after_a_kill_at_any_report(stop: int, tmp_path: Path) -> None:
    training = {"epochs": 4, "early_stop_patience": 1, "keep": "best"}
    branches = over(*NOISES[:3])
    straight = left(tmp_path / "straight", shaking(after=1, **training), branches)
    killed = job(tmp_path / "killed", shaking(after=1, **training), branches, checkpoint_every="1ep")
    running = run_trial(killed)
    *_, before = islice(running, stop)
    running.close()
    assert not before.last
    for branch, other in zip(straight, left_of(list(run_trial(killed)), tmp_path / "killed", branches), strict=True):
        branch.assert_equals(other)

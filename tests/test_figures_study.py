"""Which runs of a study get figures in MLflow, in studies whose numbers are written down beforehand."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient
from PIL import Image
from rich.console import Console

from sparsetune.app.study import Summary, load, run_study
from sparsetune.base.paths import Project
from sparsetune.base.yaml_io import dump
from sparsetune.report import curves
from sparsetune.tracking.run_keys import RunKey, run_key_in

STEERED = '''
"""A method whose numbers are its settings."""

from typing import Literal

import torch

from sparsetune.config.base import Part, param
from sparsetune.config.metrics import Metric
from sparsetune.sparsity.method import Method, TrainingFailed


class SteeredConfig(Part):
    name: Literal["steered"] = "steered"
    gain: float = param(0.5, "what it gives", phase="train")
    price: float = param(0.5, "what it costs", phase="train")
    breaks: Literal["no", "nan", "failed", "raised"] = param("no", "how it goes", phase="train")


class Steered(Method):
    Config = SteeredConfig
    metrics = ("gain", "price")
    epoch = 0

    def numbers(self):
        self.epoch += 1
        if self.epoch == 2 and self.config.breaks == "nan":
            with torch.no_grad():
                next(iter(self.session.network.parameters())).fill_(float("inf"))
        if self.epoch == 3 and self.config.breaks == "failed":
            raise TrainingFailed("a layer keeps nothing")
        if self.epoch == 3 and self.config.breaks == "raised":
            raise ValueError("a fault")
        return {"gain": self.config.gain, "price": self.config.price}

    def state_dict(self):
        return {"epoch": self.epoch}

    def load_state_dict(self, state):
        self.epoch = state["epoch"]


METHODS = {"steered": Steered}
METRICS = {
    Metric("gain", "euros", "maximize", "epoch", "a setting"): None,
    Metric("price", "euros", "minimize", "epoch", "a setting"): None,
}
'''
GAIN = {"metric": "gain", "goal": "maximize"}
PRICE = {"metric": "price", "goal": "minimize"}
ONE = [(0.3, 0.5), (0.2, 0.5), (0.5, 0.5), (0.5, 0.1), (0.4, 0.5), (0.6, 0.5)]
LED = {0, 2, 5}  # of several that are the best the first


def study(root: Path, points: Sequence[tuple[float, float]], budget: int, **changes: Any) -> Summary:
    """Run, or go on with, a study of trials with these gains and prices."""
    (root / "search_spaces").mkdir(parents=True, exist_ok=True)
    (root / "steered.py").write_text(STEERED)
    ways = changes.pop("ways", {})
    start = [
        {"method.gain": gain, "method.price": price, "method.breaks": ways.get(number, "no")}
        for number, (gain, price) in enumerate(points)
    ]
    plain = {
        "study": "steered",
        "import": ["steered.py"],
        "method": "steered",
        "data": "digits",
        "model": {"name": "mlp", "hidden": [8]},
        "training": {"epochs": 4, "batch_size": 512},
        "space": {
            "method.gain": {"float": [0, 1]},
            "method.price": {"float": [0, 1]},
            "method.breaks": {"choice": ["no", "nan", "failed", "raised"]},
        },
        "objectives": [GAIN],
        "start_with": start,
        "budget": {"trials": budget},
        "sampler": "random",
    }
    (root / "steered.yaml").write_text(dump({**plain, **changes}))
    console = Console(file=io.StringIO(), width=200)
    return run_study(load(root / "steered.yaml"), workers=None, in_process=True, console=console)


def pictures(root: Path) -> dict[RunKey, set[str]]:
    """The figures of each run of MLflow, all of which have colours."""
    client = MlflowClient(Project(root).tracking_uri)
    experiment = client.get_experiment_by_name("steered")
    found = {}
    for run in client.search_runs([experiment.experiment_id]):
        place = run_key_in(run.data.tags)
        if place is not None:
            folder = Path(run.info.artifact_uri.removeprefix("file://"))
            found[place] = {path.name for path in folder.glob("*.png")}
            for path in folder.glob("*.png"):
                assert np.ptp(np.asarray(Image.open(path).convert("RGB")).astype(int), axis=2).max() > 60
    return found


def drawn(root: Path) -> set[int]:
    """The trials with learning curves; each has one run."""
    return {place.number for place, names in pictures(root).items() if "curves.png" in names}


@pytest.fixture(autouse=True)
def own_tracking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_with_one_objective_those_that_were_the_best_also_of_a_study_that_goes_on(tmp_path: Path) -> None:
    study(tmp_path, ONE, 4)
    assert drawn(tmp_path) == {0, 2}
    study(tmp_path, ONE, 6)
    assert drawn(tmp_path) == LED, "4 is the first trial of its session, and not the best"


def test_what_was_not_drawn_before_a_driver_died_is_drawn_by_the_next(tmp_path: Path) -> None:
    """As it would have been: trial 0 was the best when it ended."""
    study(tmp_path, ONE, 5, tracking={"uri": "http://127.0.0.1:9"})
    (waiting,) = (Project(tmp_path).runs / "checkpoints").iterdir()
    before = {path.parent.name for path in waiting.rglob("curves.png")}
    assert before == {"00000", "00002"}
    (waiting / "00002" / "curves.png").unlink()
    study(tmp_path, ONE, 6)
    assert drawn(tmp_path) == LED
    assert list(waiting.iterdir()) == []


@pytest.mark.slow
def test_with_two_objectives_the_front_and_the_figure_of_all_seeds(tmp_path: Path) -> None:
    points = [(0.5, 0.5), (0.4, 0.6), (0.4, 0.4), (0.95, 0.3), (0.6, 0.3), (0.5, 0.3)]
    constraints = [{"metric": "gain", "at_most": 0.9}]
    study(tmp_path, points, 6, objectives=[GAIN, PRICE], constraints=constraints, replicates=2)
    found = pictures(tmp_path)
    seeds = (None, 0, 1)
    assert set(found) == {RunKey(number, "", seed) for number in range(6) for seed in seeds}
    with_curves = {place for place, names in found.items() if names == {"curves.png"}}
    assert with_curves == {RunKey(number, "", seed) for number in (0, 2, 4) for seed in seeds}
    assert {place for place, names in found.items() if names} == with_curves


def test_failures_are_drawn_however_they_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the epoch that broke and the reason, those that raised with what had been reported."""
    told: dict[str, tuple[int | None, int]] = {}

    def listening(subject: curves.Subject) -> Any:
        told[subject.reason] = subject.broke, len(subject.runs[0])
        return figure(subject)

    figure = curves.curves_figure
    monkeypatch.setattr(curves, "curves_figure", listening)
    ways = {1: "nan", 2: "failed", 3: "raised"}
    points = [(0.9, 0.5), (0.1, 0.5), (0.2, 0.5), (0.3, 0.5)]
    study(tmp_path, points, 4, ways=ways, tracking={"report_every": "1ep"})
    assert told == {
        "": (None, 4),
        "val_loss became nan in epoch 2": (2, 1),
        "a layer keeps nothing": (3, 2),
        "ValueError: a fault": (None, 2),
    }
    assert drawn(tmp_path) == {0, 1, 2, 3}


@pytest.mark.slow
def test_all_or_none(tmp_path: Path) -> None:
    ways = {1: "failed", 3: "failed"}
    points = ONE[:4]
    loaded = [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]
    with pytest.MonkeyPatch.context() as patch:
        for name in loaded:
            patch.delitem(sys.modules, name)
        study(tmp_path, points, 2, ways=ways, tracking={"figures": "none"})
        assert not any(name.partition(".")[0] == "matplotlib" for name in sys.modules), "it takes a second"
    assert drawn(tmp_path) == set()
    study(tmp_path, points, 4, ways=ways, tracking={"figures": "all"})
    assert drawn(tmp_path) == {2, 3}, "what came before stays as it is"


def test_all_has_pruned_trials_too(tmp_path: Path) -> None:
    pruner = {"name": "threshold", "metric": "gain", "lower": 0.4}
    summary = study(tmp_path, ONE[:2], 2, pruner=pruner, tracking={"figures": "all"})
    assert {trial.state for trial in summary.trials} == {"PRUNED"}
    assert drawn(tmp_path) == {0, 1}

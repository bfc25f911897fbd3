"""Numbers of one's own: from the method, or computed on both splits at a trial's end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sparsetune.base.messages import Job, Key, Report
from sparsetune.config.trial import resolve_trial
from sparsetune.sparsity.methods import METRICS
from sparsetune.testing.trained import run_through, trial_config
from sparsetune.training.registries import registries_of
from sparsetune.training.trial import run_trial

from .files import METHOD, own, toy

SHARE = """
from sparsetune.config.metrics import Metric

def share(outputs, targets):
    assert outputs.shape == (359, 10) and targets.shape == (359,)
    return (outputs.argmax(1) == targets).double().mean()

def error(outputs, targets):
    return (outputs - targets).abs().mean()

METRICS = {
    Metric("share", "fraction", "maximize", "end", "accuracy again", task="classification"): share,
    Metric("error", "target unit", "minimize", "end", "absolute error again", task="regression"): error,
}
"""


def trained(raw: dict[str, Any], folder: Path, *texts: str) -> Report:
    files = tuple(own(text, f"file{number}.py") for number, text in enumerate(texts))
    base = {"data": "digits", "model": {"name": "mlp", "hidden": [4]}, "training": {"epochs": 1, "device": "cpu"}}
    config = resolve_trial({"method": "dense", **base, **raw}, registries_of(files)).plain()
    *_, last = run_trial(Job(Key(0), config, str(folder), imports=files))
    return last


def test_a_function_sees_all_predictions_of_a_split(tmp_path: Path) -> None:
    outcome = trained({}, tmp_path, SHARE).outcome
    assert outcome is not None
    assert outcome.metrics["share"] == pytest.approx(outcome.metrics["val_accuracy"])
    assert outcome.metrics["test_share"] == pytest.approx(outcome.metrics["test_accuracy"])
    assert "error" not in outcome.metrics


def test_of_regression_it_sees_the_unit_of_the_targets(tmp_path: Path) -> None:
    data = {"name": "tabular", "set": "diabetes", "task": "regression"}
    outcome = trained({"data": data}, tmp_path, SHARE).outcome
    assert outcome is not None
    assert outcome.metrics["error"] == pytest.approx(outcome.metrics["val_mae"])
    assert outcome.metrics["test_error"] == pytest.approx(outcome.metrics["test_mae"])
    assert outcome.metrics["val_mae"] > 10, "targets are scaled to be learned"
    assert "share" not in outcome.metrics


def test_without_it_all_other_numbers_are_the_same(tmp_path: Path) -> None:
    with_it, without = (trained({}, tmp_path / str(len(texts)), *texts).outcome for texts in ((SHARE,), ()))
    assert with_it is not None
    assert without is not None
    assert {k: v for k, v in with_it.metrics.items() if k in METRICS and not METRICS[k].timing} == {
        k: v for k, v in without.metrics.items() if not METRICS[k].timing
    }


def test_a_number_that_stands_nowhere_is_refused_by_name() -> None:
    """At the first evaluation, not when all has been trained."""
    text = METHOD.replace("VALUE = 1", 'def numbers(self):\n        return {"new": 1.0}')
    known = registries_of((own(text),))
    with pytest.raises(ValueError, match="Mine gives 'new', which stands in no table of metrics"):
        run_through(trial_config("mine", epochs=1, registries=known), known)


def test_a_method_of_one_version_trains_beside_another(tmp_path: Path) -> None:
    """In one process, as when a file is edited between two studies of a notebook."""
    line = "kept[magnitudes.argsort(descending=True"
    raw = {"method": {"name": "toy", "density": 0.2, "finetune_epochs": 1}}
    largest = trained(raw, tmp_path / "a", toy().text).outcome
    smallest = trained(raw, tmp_path / "b", toy(**{line: line.replace("True", "False")}).text).outcome
    again = trained(raw, tmp_path / "c", toy().text).outcome
    assert largest is not None
    assert smallest is not None
    assert again is not None
    assert smallest.metrics["norm"] < largest.metrics["norm"] / 2
    assert again.metrics["norm"] == largest.metrics["norm"]


def test_own_data_and_models(tmp_path: Path) -> None:
    text = '''
from typing import Literal
import numpy as np
import torch
from sparsetune.data.contract import DataSet, OnePoolConfig, Outline
from sparsetune.data.pools import Pools, Samples
from sparsetune.models.contract import Model, ModelConfig

class Stripes(DataSet):
    """Which of two halves is bright."""
    class Config(OnePoolConfig):
        name: Literal["stripes"] = "stripes"

    @classmethod
    def outline(cls, config):
        return Outline((1, 2, 2), outputs=2, samples=200, has_test=False)

    @classmethod
    def read(cls, config):
        labels = np.arange(200) % 2
        images = np.zeros((200, 1, 2, 2), np.uint8)
        images[np.arange(200), 0, labels] = 200
        return Pools(Samples(images, labels), outputs=2, white=255)

class Line(Model):
    """One linear layer."""
    class Config(ModelConfig):
        name: Literal["line"] = "line"

    @classmethod
    def dropout_sites(cls, config):
        return ()

    @classmethod
    def network(cls, config, input_shape, outputs):
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, outputs))

DATA, MODELS = {"stripes": Stripes}, {"line": Line}
'''
    raw = {"data": "stripes", "model": "line", "training": {"epochs": 3, "lr": 0.5, "device": "cpu"}}
    outcome = trained(raw, tmp_path, text).outcome
    assert outcome is not None
    assert outcome.metrics["test_accuracy"] == 1
    assert outcome.metrics["parameters"] == 4 * 2 + 2


def test_what_a_file_raises_is_the_reason_and_its_line_is_kept(tmp_path: Path) -> None:
    from sparsetune.execution.worker import ERROR_FILE, perform

    text = SHARE.replace("return (outputs.argmax(1)", "return (outputs.argmix(1)")
    files = (own(text),)
    base = {"method": "dense", "data": "digits", "model": {"name": "mlp", "hidden": [4]}}
    config = resolve_trial({**base, "training": {"epochs": 1, "device": "cpu"}}, registries_of(files)).plain()
    *_, last = perform(Job(Key(0), config, str(tmp_path), imports=files), run_trial)
    assert last.outcome is not None
    assert last.outcome.state == "FAIL"
    assert last.outcome.reason.startswith("AttributeError: 'Tensor' object has no attribute 'argmix'")
    said = (tmp_path / ERROR_FILE).read_text()
    assert 'File "my_method.py (' in said
    assert "return (outputs.argmix(1)" in said


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)

"""With metrics.each_epoch each row has what is else measured at a trial's end, and nothing else changes."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
import torch
from safetensors.torch import load_file, save_file

from sparsetune.base.durations import Duration
from sparsetune.base.messages import Branch, Job, Key, Metrics
from sparsetune.config.base import Part
from sparsetune.config.trial import Training, TrialConfig, resolve_trial
from sparsetune.measures.quality import classification_quality
from sparsetune.sparsity.methods import METHODS, METRICS
from sparsetune.sparsity.methods.dense import Dense, DenseConfig
from sparsetune.sparsity.session import Session
from sparsetune.sparsity.stage import Between, Stage
from sparsetune.testing.trained import restarted, run_through, same_state, trial_config, untimed
from sparsetune.training.measuring import evaluate
from sparsetune.training.randomness import EVALUATION, seed_all
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer
from sparsetune.training.trial import run_trial

CPU = torch.device("cpu")
MLP = {"name": "mlp", "hidden": [24, 12], "batch_norm": True, "dropout": 0.3}
MC = {"name": "dense", "n_dropout_layers": 1, "p_dropout": 0.3, "mc_samples": 4}
AST = {"name": "ast", "target_activation": 0.4, "min_active": 2}
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "dense": ("dense", {}),
    "dense, keep best": ("dense", {"optimizer": "adam", "lr": 0.3, "keep": "best", "epochs": 6}),
    "dense, early stop": ("dense", {"optimizer": "adam", "lr": 0.3, "early_stop_patience": 1, "epochs": 40}),
    "monte carlo": (MC, {"keep": "best"}),
    "ast": (AST, {"optimizer": "adam"}),
    "float64": (MC, {"dtype": "float64"}),
}


def config(method: Any, each_epoch: bool, *, noise: int | None = 40, **training: Any) -> TrialConfig:
    metrics = {"each_epoch": each_epoch, **({} if noise is None else {"noise_samples": noise})}
    return trial_config(method, MLP, metrics=metrics, **{"epochs": 3, **training})


def without_layers(metrics: Metrics) -> Metrics:
    return {name: value for name, value in metrics.items() if "/" not in name}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_training_and_all_numbers_are_those_without_it(case: tuple[Any, dict[str, Any]]) -> None:
    """Bit for bit: the end's numbers are the kept row's here, and measured at the end there."""
    method, settings = case
    plain, wanted = run_through(config(method, False, **settings))
    asked, metrics = run_through(config(method, True, **settings))
    assert len(plain.record) == len(asked.record)
    for one, other in zip(plain.record, asked.record, strict=True):
        assert untimed(one.metrics).items() <= untimed(other.metrics).items()
    assert untimed(without_layers(metrics)) == untimed(wanted)
    assert same_state(asked.network.state_dict(), plain.network.state_dict())
    assert same_state(asked.optimizer.state_dict(), plain.optimizer.state_dict())
    assert not start_of(plain)
    keeps_best = asked.config.training.keep == "best"
    kept = asked.record[int(metrics["best_epoch"]) - 1 if keeps_best else -1].metrics
    assert {name: metrics[name] for name in kept if scope(name) != "run"} == {
        name: value for name, value in kept.items() if scope(name) != "run"
    }


def start_of(trainer: Trainer) -> Metrics:
    return trainer.journal.start(trainer.first)


def scope(name: str) -> str:
    return METRICS[name.partition("/")[0]].scope


def test_a_row_against_brute_force() -> None:
    trainer = Trainer(config("dense", True, noise=None))
    for row in trainer:
        with torch.no_grad():
            outputs = trainer.network.eval()(trainer.data.val.inputs)
        found = classification_quality(outputs, trainer.data.val.targets)
        for name in ("brier", "entropy", "ece", "ece_15", "ece_odds"):
            assert row.metrics[name] == pytest.approx(found[name], rel=1e-6), name
        assert row.metrics["val_top5_accuracy"] == found["top5_accuracy"]
        assert (row.metrics["density"], row.metrics["sparsity"]) == (1, 0)
        bits = len(trainer.data.train) * row.metrics["val_loss"] / math.log(2)
        assert row.metrics["description_data_bits"] == pytest.approx(bits)
        assert not [name for name in row.metrics if name.startswith("test_") or name == "ape"]


def test_the_kept_fraction_of_each_layer() -> None:
    """A quarter of the first layer is zero at the start; dense training brings none of it back with lr 0."""
    trainer = Trainer(config("dense", True, lr=1e-38, momentum=0.0))
    with torch.no_grad():
        trainer.network.get_parameter("linear1.weight")[:, :16] = 0
    metrics = next(trainer).metrics
    names = [f"linear{number}.weight" for number in (1, 2, 3)]
    assert [metrics[f"layer_density/{name}"] for name in names] == [0.75, 1, 1]
    weights = 64 * 24, 24 * 12, 12 * 10
    assert metrics["density"] == (sum(weights) - 16 * 24) / sum(weights)
    assert metrics["sparsity"] == 1 - metrics["density"]
    assert metrics["macs"] == sum(weights) - 16 * 24
    assert start_of(trainer)["layer_density/linear1.weight"] == 0.75


def test_regression_has_its_own_numbers() -> None:
    raw = {"method": "dense", "data": "teacher_student", "model": {"name": "mlp", "hidden": [25, 25]}}
    raw |= {"training": {"epochs": 2, "batch_size": 100, "device": "cpu"}, "metrics": {"each_epoch": True}}
    trainer, metrics = run_through(resolve_trial(raw, REGISTRIES))
    with torch.no_grad():
        errors = (trainer.network.eval()(trainer.data.val.inputs) - trainer.data.val.targets).double()
    assert trainer.record[-1].metrics["val_mse"] == pytest.approx(errors.square().mean().item(), rel=1e-5)
    assert start_of(trainer)["val_mse"] > trainer.record[-1].metrics["val_mse"]
    assert metrics["val_r2"] == trainer.record[-1].metrics["val_r2"]


def test_the_start_is_the_untrained_network() -> None:
    asked = config(MC, True)
    trainer = Trainer(asked)
    evaluated = Trainer(asked)
    with torch.no_grad():
        evaluated.network.eval()
        evaluated.method.adopt(asked.method)
        evaluated.method.begin_evaluation()
        outputs = evaluated.method.predict(evaluated.data.val.inputs)
    next(trainer)
    found, start = classification_quality(outputs, evaluated.data.val.targets), start_of(trainer)
    assert start["val_loss"] == pytest.approx(found["loss"], rel=1e-6)
    assert start["ece"] == pytest.approx(found["ece"], rel=1e-6)
    assert set(start) == {name for name in trainer.record[0].metrics if name in start}
    assert {"val_accuracy", "ape", "density", "mc_macs", "layer_density/linear1.weight"} <= set(start)


def test_a_resumed_training_does_not_measure_its_start_again() -> None:
    asked = config(MC, True)
    straight, metrics = run_through(asked)
    trainer = Trainer(asked)
    next(trainer)
    resumed = restarted(trainer)
    assert start_of(resumed) == start_of(straight)
    (written,) = resumed.journal.written.values()
    written.start = {"val_loss": 5.0}
    list(resumed)
    assert start_of(resumed) == {"val_loss": 5.0}
    assert untimed(resumed.finish()) == untimed(metrics)


def test_validation_data_are_seen_once_an_epoch_and_test_data_once() -> None:
    asked = config("dense", True, noise=None)
    trainer = Trainer(asked)
    seen = {"val": 0, "test": 0}
    splits = {len(trainer.data.val): "val", len(trainer.data.test): "test"}
    assert len(splits) == 1, "digits' splits are of one size: inputs tell them apart"
    first = {name: getattr(trainer.data, name).inputs[0].clone() for name in seen}

    def look(network: torch.nn.Module, inputs: tuple[torch.Tensor]) -> None:
        for name, sample in first.items():
            if not network.training and torch.equal(inputs[0][0], sample):
                seen[name] += 1

    trainer.network.register_forward_pre_hook(look)
    list(trainer)
    assert seen == {"val": 1 + 3, "test": 0}
    trainer.finish()
    assert seen == {"val": 1 + 3, "test": 1}


class ShakyConfig(DenseConfig):
    """Dense training under another name."""

    name: Literal["shaky"] = "shaky"  # type: ignore[assignment]


class Shaky(Dense):
    """Draws from the training's own stream, in predictions, before stages and between evaluations."""

    Config = ShakyConfig
    phases = ("train", "more")

    @classmethod
    def tree(cls, config: Any, training: Training) -> Stage:
        often = {"before": (Shaking(),), "between": (Between(1, Shaking()),)}
        more = cls.stage("more", Duration(2), config, training, **often)
        return cls.stage("train", training.length, config, training, then=(more,), **often)

    def predict(self, inputs: torch.Tensor) -> torch.Tensor:
        outputs = super().predict(inputs)
        return outputs + torch.randn_like(outputs)


@dataclass(frozen=True)
class Shaking:
    """Draws a layer anew."""

    heard: ClassVar[list[float]] = []
    left: ClassVar[list[torch.Tensor]] = []

    @torch.no_grad()
    def __call__(self, session: Session, state: Any = None) -> None:
        self.heard.append(torch.rand(()).item())
        weight = session.network.get_parameter("linear1.weight").normal_()
        self.left.append(weight.clone())


def test_measuring_draws_nothing_from_the_training() -> None:
    known = replace(REGISTRIES, method=METHODS.extended({"shaky": Shaky}))
    trainers = []
    for each_epoch in (False, True):
        Shaking.heard.clear()
        Shaking.left.clear()
        metrics = {"each_epoch": each_epoch, "noise_samples": 40}
        trainer, numbers = run_through(trial_config("shaky", MLP, epochs=2, metrics=metrics, registries=known), known)
        assert isinstance(trainer.method, Shaky)
        trainers.append((trainer, [*Shaking.heard], [row.metrics["val_loss"] for row in trainer.record], numbers))
    (plain, *wanted, _), (asked, *found, numbers) = trainers
    assert len(set(found[0])) == 4
    assert found == wanted
    assert same_state(asked.network.state_dict(), plain.network.state_dict())
    tested = {name: value for name, value in numbers.items() if name.startswith("test_")}
    assert tested.items() <= trainers[0][-1].items()
    fresh = Trainer(asked.config, registries=known)
    fresh.method.adopt(asked.config.method)
    with torch.no_grad():
        fresh.network.get_parameter("linear1.weight").copy_(Shaking.left[0])
    seed_all(0, EVALUATION, CPU)
    setup = fresh.setup
    loss, _ = evaluate(fresh.network, fresh.method, setup.task, fresh.data.val, setup.built.evaluation_batch)
    assert start_of(asked)["val_loss"] == loss, "before the first step, after what a stage begins with"


def views(counts: tuple[int, ...], each_epoch: bool = True) -> tuple[TrialConfig, dict[str, Part]]:
    base = config({**MC, "mc_samples": counts[0]}, each_epoch, keep="best")
    return base, {f"{count}": base.method.model_copy(update={"mc_samples": count}) for count in counts}


def test_each_view_of_a_fork_has_its_own_numbers() -> None:
    counts = (1, 3, 8)
    base, settings = views(counts)
    forked = Trainer(base, settings)
    list(forked)
    forked.finish()
    for count in counts:
        alone, metrics = run_through(config({**MC, "mc_samples": count}, True, keep="best"))
        assert forked.journal.start(f"{count}") == start_of(alone)
        rows = forked.journal.rows(f"{count}")
        assert [untimed(row.metrics) for row in rows] == [untimed(row.metrics) for row in alone.record]
        (found,) = forked.results.of_run(f"{count}")
        assert untimed(found.metrics) == untimed(metrics)
    assert len({forked.journal.start(branch)["ece"] for branch in settings}) == len(counts)
    assert len({next(forked.journal.rows(branch)).metrics["mc_macs"] for branch in settings}) == len(counts)


def ended(folder: Path, plain: TrialConfig, *branches: Branch) -> Metrics:
    (*_, last) = run_trial(Job(Key(0), plain.plain(), str(folder), branches=branches or (Branch(),)))
    assert last.outcome is not None
    assert last.outcome.state == "COMPLETE", last.outcome.reason
    return last.outcome.metrics


@pytest.mark.parametrize("keep", ["last", "best"])
def test_the_table_of_a_trial(keep: str, tmp_path: Path) -> None:
    settings = {"optimizer": "adam", "lr": 0.3, "keep": keep, "epochs": 6}
    metrics = ended(tmp_path, config("dense", True, **settings))
    with (tmp_path / "results.csv").open() as file:
        lines = list(csv.DictReader(file))
    units = json.loads((tmp_path / "results.units.json").read_text())
    assert [line["epoch"] for line in lines] == [str(epoch) for epoch in range(7)]
    assert [bool(line["test_acc"]) for line in lines] == [False] * 6 + [True]
    assert float(lines[-1]["test_acc"]) == metrics["test_accuracy"]
    assert list(units) == list(lines[0])
    best = int(metrics["best_epoch"])
    assert best < 6
    kept = best if keep == "best" else 6
    assert f"the state after epoch {kept}," in units["test_acc"]["of"]
    assert float(lines[kept]["val_acc"]) == metrics["val_accuracy"]
    assert float(lines[kept]["ECE"]) == metrics["ece"]
    assert float(lines[kept]["aPE"]) == metrics["ape"]
    trainer = Trainer(config("dense", True, **settings))
    list(trainer)
    assert float(lines[0]["val_acc"]) == start_of(trainer)["val_accuracy"]


def test_only_a_trial_with_classes_that_measures_each_epoch_has_a_table(tmp_path: Path) -> None:
    ended(tmp_path / "off", config("dense", False))
    raw = {"method": "dense", "data": "teacher_student", "model": {"name": "mlp", "hidden": [4]}}
    raw |= {"training": {"epochs": 1, "device": "cpu"}, "metrics": {"each_epoch": True}}
    ended(tmp_path / "regression", resolve_trial(raw, REGISTRIES))
    assert not list(tmp_path.rglob("results*"))


def test_each_branch_has_its_table(tmp_path: Path) -> None:
    base, _ = views((1, 3))
    branches = [Branch(f"mc_samples={count}", {"method.mc_samples": count}) for count in (1, 3)]
    ended(tmp_path, base, *branches)
    tables = sorted(tmp_path.rglob("results.csv"))
    assert len(tables) == 2
    assert len({table.read_text() for table in tables}) == 2


def test_a_sparse_network_keeps_its_numbers_to_the_end(tmp_path: Path) -> None:
    """What a row says of layers is what layers.json says of the state that is left."""
    dense = Trainer(config("dense", True))
    weights = {name: value.clone() for name, value in dense.network.state_dict().items()}
    weights["linear1.weight"][:, 13:] = 0
    save_file(weights, tmp_path / "sparse.safetensors")
    raw = config("dense", True, lr=1e-38, momentum=0.0).plain()
    raw["model"]["weights"] = str(tmp_path / "sparse.safetensors")
    metrics = ended(tmp_path / "trial", resolve_trial(raw, REGISTRIES))
    layers = json.loads((tmp_path / "trial" / "layers.json").read_text())
    assert {f"layer_density/{each['name']}": each["density"] for each in layers} == {
        name: value for name, value in metrics.items() if "/" in name
    }
    left = load_file(tmp_path / "trial" / "weights.safetensors")["linear1.weight"]
    assert metrics["layer_density/linear1.weight"] == int((left != 0).sum()) / left.numel() < 0.25

"""A ticket gives the network that its trial left, bit for bit, from nothing but its seed, its mask and its buffers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from torch import Tensor, nn

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Branch, Job, Key
from sparsetune.base.paths import TICKET
from sparsetune.config.overrides import assign
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.sparsity.methods.slt import StrongLotteryTicket
from sparsetune.sparsity.tickets import leaves_tickets
from sparsetune.training.build import Built
from sparsetune.training.gauss import Gauss
from sparsetune.training.left.rebuild import rebuild
from sparsetune.training.left.taken import ticket_of
from sparsetune.training.left.ticket import Ticket, read_ticket
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer
from sparsetune.training.trial import run_trial

MLP = {"model": {"name": "mlp", "hidden": [19]}}
BEST = {"keep": "best", "epochs": 6, "batch_size": 32, "lr": 1.0, "schedule": "constant"}  # the fifth epoch's
CASES: dict[str, dict[str, Any]] = {
    "mlp": MLP,
    "mlp that averages": {**MLP, "method": {"n_dropout_layers": 1, "p_dropout": 0.3, "mc_samples": 4}},
    "kaiming": {"model": {"name": "mlp", "hidden": [19], "init": "kaiming"}},
    "scaled": {**MLP, "method": {"scale_weights": True, "sparsity": 0.7}},
    "by layer": {**MLP, "method": {"scope": "layer", "rank_by_fan_in": True, "sparsity": 0.3}},
    "nothing removed": {**MLP, "method": {"sparsity": 0}},
    "the best state": {**MLP, "training": BEST},
    "double precision": {**MLP, "training": {"dtype": "float64"}},
    "images": {"model": {"name": "lenet5"}, "data": {"name": "digits", "resize": 28}},
    "channels last": {
        "model": {"name": "lenet5"}, "data": {"name": "digits", "resize": 28}, "training": {"channels_last": True},
    },
    "batch norm": {"model": {"name": "resnet20", "width_scale": 0.25}, "data": {"name": "digits", "resize": 16}},
}  # fmt: skip


def config(method: Mapping[str, Any] = {}, training: Mapping[str, Any] = {}, **sections: Any) -> TrialConfig:
    raw = {
        "data": "digits",
        **sections,
        "method": {"name": "slt", **method},
        "training": {"epochs": 2, "batch_size": 128, "device": "cpu", **training},
    }
    return resolve_trial(raw, REGISTRIES)


def left(folder: Path, trial: TrialConfig) -> dict[str, float]:
    """Run a trial; returns its metrics."""
    last = list(run_trial(Job(Key(0, trial.seed), trial.plain(), str(folder))))[-1].outcome
    assert last is not None
    assert (last.state, last.reason) == ("COMPLETE", "")
    return last.metrics


def again(ticket: Ticket, **changes: Any) -> Built:
    found = resolve_trial(assign(ticket.about.config, changes), REGISTRIES)
    return rebuild(ticket, found, torch.device("cpu"), REGISTRIES)


def plain(state: Mapping[str, Tensor]) -> dict[str, bytes]:
    """Each tensor as the bytes that it has in a file, in which 0.0 and -0.0 differ."""
    return {name: value.contiguous().numpy().tobytes() for name, value in state.items()}


@pytest.mark.parametrize("case", CASES)
def test_the_network_is_the_one_that_was_left(tmp_path: Path, case: str) -> None:
    trial = config(**CASES[case])
    metrics = left(tmp_path, trial)
    ticket = read_ticket(tmp_path / TICKET)
    torch.manual_seed(99)  # whatever was drawn before
    built = again(ticket)
    weights = safetensors.numpy.load_file(tmp_path / "weights.safetensors")
    assert plain(built.network.state_dict()) == {name: value.tobytes() for name, value in weights.items()}
    assert ticket.about.config == trial.portable()
    assert ticket.about.metrics["val_accuracy"] == metrics["val_accuracy"]
    assert ticket.about.metrics["test_accuracy"] == metrics["test_accuracy"]
    assert (ticket.about.density, ticket.about.sparsity) == (metrics["density"], 1 - metrics["density"])
    assert built.method.samples == (4 if case == "mlp that averages" else 1)
    negative = any(np.signbit(value[value == 0]).any() for value in weights.values())  # else nothing is told apart
    assert negative == (case != "nothing removed")


@pytest.mark.parametrize("case", ["mlp", "images", "batch norm", "double precision"])
def test_what_it_takes(tmp_path: Path, case: str) -> None:
    metrics = left(tmp_path, config(**CASES[case]))
    tensors = safetensors.numpy.load_file(tmp_path / TICKET)
    weights = safetensors.numpy.load_file(tmp_path / "weights.safetensors")
    running = [value for name, value in weights.items() if "running_" in name]
    assert bool(running) == (case == "batch norm")
    prunable = sum(value.size for name, value in weights.items() if name.endswith("weight"))
    took = sum(each.nbytes for each in tensors.values())
    assert took == math.ceil(prunable / 8) + 4 * sum(each.size for each in running)
    assert metrics["bytes_seed_mask"] - 8 <= took <= metrics["bytes_seed_mask"]  # which has the seed too


def test_the_state_that_is_kept_is_the_best(tmp_path: Path) -> None:
    trial = config(**CASES["the best state"])
    metrics = left(tmp_path, trial)
    assert metrics["best_epoch"] < trial.training.epochs
    best = read_ticket(tmp_path / TICKET)
    left(tmp_path / "last", resolve_trial(assign(trial.plain(), {"training.keep": "last"}), REGISTRIES))
    last = read_ticket(tmp_path / "last" / TICKET)
    assert (best.mask != last.mask).any()
    assert best.about.metrics["val_loss"] == metrics["best_val_loss"] < last.about.metrics["val_loss"]


def test_each_branch_of_a_fork_has_its_own_way_to_predict(tmp_path: Path) -> None:
    trial = config(**CASES["mlp that averages"])
    branches = tuple(Branch(f"mc_samples={count}", {"method.mc_samples": count}) for count in (1, 6))
    reports = list(run_trial(Job(Key(0), trial.plain(), str(tmp_path), branches=branches)))
    ends = {report.key.branch: report.outcome.metrics for report in reports if report.key and report.outcome}
    tickets = {read_ticket(file).about.config["method"]["mc_samples"]: file for file in tmp_path.rglob(TICKET)}
    assert sorted(tickets) == [1, 6]
    for count, file in tickets.items():
        about = read_ticket(file).about
        assert about.metrics["test_loss"] == ends[f"mc_samples={count}"]["test_loss"]
    first, second = (read_ticket(file) for file in tickets.values())
    assert first.mask.tobytes() == second.mask.tobytes()


@pytest.mark.parametrize("method", ["dense", "ast"])
def test_a_method_that_trains_weights_leaves_none(tmp_path: Path, method: str) -> None:
    raw = {"method": method, "data": "digits", "training": {"epochs": 1, "device": "cpu"}, **MLP}
    left(tmp_path, resolve_trial(raw, REGISTRIES))
    assert not (tmp_path / TICKET).exists()


@pytest.mark.parametrize("cpus", [1, 2])
def test_what_is_said_of_the_trial(tmp_path: Path, cpus: int) -> None:
    trial = config(**MLP, seed=4)
    [*_, last] = run_trial(Job(Key(0, 4), trial.plain(), str(tmp_path), cpus=cpus))
    assert last.outcome is not None
    about = read_ticket(tmp_path / TICKET).about
    assert (about.threads, about.device, about.torch) == (cpus, "cpu", torch.__version__)
    assert (about.input_shape, about.outputs, about.task) == ((1, 8, 8), 10, "classification")
    assert about.split == last.outcome.notes["split"]
    assert about.metrics.items() <= last.outcome.metrics.items()
    named = {f"{split}_{name}" for split in ("val", "test") for name in ("accuracy", "loss", "top5_accuracy")}
    quality = ("brier", "ece", "ece_15", "ece_odds", "entropy", "balanced_accuracy", "macro_f1", "auc")
    plain = {f"{split}{name}" for split in ("", "test_") for name in quality}
    assert set(about.metrics) == named | plain


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Ticket:
    folder = tmp_path_factory.mktemp("small")
    left(folder, config(**CASES["batch norm"], training={"epochs": 1}))
    return read_ticket(folder / TICKET)


def test_another_seed_draws_other_weights(small: Ticket) -> None:
    with pytest.raises(BadInput, match=r"^seed 5 draws other weights here than the ticket is of"):
        again(small, seed=5)


def test_another_torch_is_named(small: Ticket) -> None:
    there = replace(small, about=small.about.model_copy(update={"drawn": "0" * 64, "torch": "1.0.1"}))
    with pytest.raises(BadInput) as caught:
        again(there)
    assert f"torch ({torch.__version__} here, 1.0.1 there)" in str(caught.value)


@pytest.mark.parametrize("what", ["layers", "state", "counters"])
def test_a_model_that_has_changed(small: Ticket, what: str) -> None:
    about = small.about
    changed = {
        "layers": replace(small, about=about.model_copy(update={"layers": about.layers[::-1]})),
        "state": replace(small, state={**small.state, "x": np.zeros(3, np.float32)}),
        "counters": replace(small, about=about.model_copy(update={"counters": {}})),
    }[what]
    with pytest.raises(BadInput, match="its network is not 'resnet20' as it is here"):
        again(changed)


def test_parameters_that_are_trained_beside_the_mask_are_in_the_ticket_and_others_in_its_checksum() -> None:
    """Such as a model's or a method's own: neither the seed nor the mask gives them."""
    trainer = Trainer(config(**MLP))
    drawn = ticket_of(trainer, {})
    assert drawn is not None
    network: nn.Module = trainer.network
    network.register_parameter("token", nn.Parameter(torch.tensor([1.0, -0.0])))
    trained = ticket_of(trainer, {})
    assert trained is not None
    state = {name: values.tobytes() for name, values in trained.state.items()}
    assert state == {"token": np.array([1.0, -0.0], np.float32).tobytes()}
    assert trained.about.drawn == drawn.about.drawn
    network.get_parameter("token").requires_grad_(False)
    frozen = ticket_of(trainer, {})
    assert frozen is not None
    assert frozen.state == {}
    assert frozen.about.drawn != drawn.about.drawn


def test_where_a_sigma_is_trained_no_ticket_is_left() -> None:
    """It holds none, so its loss would be another."""
    trainer = Trainer(config(**MLP))
    assert ticket_of(trainer, {}) is not None
    trainer.setup.task = Gauss()
    assert ticket_of(trainer, {}) is None


@pytest.mark.parametrize("name", ["drawn", "mask"])
def test_a_method_that_has_no_mask_or_trains_weights_after_all_leaves_no_ticket(name: str) -> None:
    """One that derives from such a method says so by None, in its class or for an object."""
    trainer = Trainer(config(**MLP))
    assert leaves_tickets(StrongLotteryTicket)
    assert ticket_of(trainer, {}) is not None
    nothing = {"in its class": None, "for an object": property(lambda method: None)}
    kinds = {where: type("Own", (StrongLotteryTicket,), {name: value}) for where, value in nothing.items()}
    for kind in kinds.values():
        trainer.method.__class__ = kind
        assert ticket_of(trainer, {}) is None
    assert [where for where, kind in kinds.items() if leaves_tickets(kind)] == ["for an object"]

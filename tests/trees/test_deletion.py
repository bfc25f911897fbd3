"""Deleted neurons: the network predicts what it did, trains on as it would have, and is counted as before."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparsetune.sparsity.deletion import DeleteNeurons
from sparsetune.sparsity.metrics import DELETED, STUCK
from sparsetune.training.session import Going, TrainingSession
from sparsetune.training.trainer import Trainer

from .walking import KNOWN, toy, walked

DRR = {"name": "drr", "alpha": 3e-3, "delta": 0.5, "finetune_epochs": 0}
ADAM = {"optimizer": "adam", "lr": 0.02, "epochs": 6}
UNITS, DEAD = 12, (0, 3, 7, 8)


def result(method: dict[str, Any], **training: Any) -> tuple[Trainer, dict[str, float]]:
    trainer = walked(toy(method, **{**ADAM, **training}))
    return trainer, dict(trainer.results.of_run("")[-1].metrics)


@pytest.mark.parametrize("method", ["drr", "magnitude", "pmmp"])
def test_a_network_without_them_predicts_and_counts_the_same(method: str) -> None:
    own = {"drr": {}, "magnitude": {"delta": 8.0}, "pmmp": {"alpha": 0.01, "initial_u": 2.0, "delta": 1.0}}[method]
    settings = {**DRR, "name": method, **own}
    settings = {name: value for name, value in settings.items() if name != "alpha" or method != "magnitude"}
    masked, expected = result(settings)
    smaller, metrics = result({**settings, "delete_neurons": True})
    deleted, stuck = metrics.pop(DELETED.name), metrics.pop(STUCK.name)
    assert 0 < deleted < 12
    assert stuck == 0 or method == "pmmp"
    assert smaller.network.linear1.weight.shape == (12 - deleted, 64)
    assert masked.network.linear1.weight.shape == (12, 64)
    told = ("val_accuracy", "test_accuracy", "parameters", "dense_macs")
    assert {name: metrics[name] for name in told} == {name: expected[name] for name in told}
    assert metrics["val_loss"] == pytest.approx(expected["val_loss"], rel=1e-6)
    folded = metrics["nonzeros"] - expected["nonzeros"]  # into a bias that had gone
    assert -deleted <= folded <= 10
    assert metrics["density"] <= expected["density"]


def session_of(network: nn.Module, masks: dict[str, Tensor]) -> TrainingSession:
    session = TrainingSession.of(network, [name for name, _ in network.named_parameters() if name.endswith("weight")])
    session.masks = masks
    session.wear()
    return session


def network(units: int) -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(9, units), nn.ReLU(), nn.Linear(units, 4)).double()


def masks() -> dict[str, Tensor]:
    """Half of the dead units have nothing coming in, and half nothing going out."""
    weights = {name: torch.rand(weight.shape) > 0.3 for name, weight in network(UNITS).named_parameters()}
    for number, unit in enumerate(DEAD):
        if number % 2:
            weights["0.weight"][unit], weights["0.bias"][unit] = False, False
        else:
            weights["2.weight"][:, unit] = False
    return weights


@pytest.mark.parametrize("kind", [torch.optim.Adam, partial(torch.optim.SGD, momentum=0.9)], ids=["adam", "sgd"])
def test_ten_more_steps_are_those_of_what_lives(kind: Any) -> None:
    """Bit for bit those of a network that is built of the living units by hand, with their moments.

    Those of the whole one sum zeros in other places, so that they are the same but for rounding.
    """
    inputs, targets = torch.randn(32, 9).double(), torch.randint(4, (32,))

    def steps(session: TrainingSession, optimizer: torch.optim.Optimizer, count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            cross_entropy(session.network(inputs), targets).backward()
            optimizer.step()
            session.wear()

    def begun() -> tuple[TrainingSession, torch.optim.Optimizer]:
        session = session_of(network(UNITS), masks())
        optimizer = kind(session.network.parameters(), lr=0.05)
        steps(session, optimizer, 5)
        return session, optimizer

    whole, smaller = begun(), begun()
    delete(smaller[0], inputs, smaller[1])
    living = session_of(network(UNITS - len(DEAD)), {name: lives(name, mask) for name, mask in masks().items()})
    living.network.load_state_dict({name: lives(name, each) for name, each in whole[0].network.state_dict().items()})
    own = kind(living.network.parameters(), lr=0.05)
    names = [name for name, _ in whole[0].network.named_parameters()]
    state = whole[1].state_dict()
    for number, moments in state["state"].items():
        state["state"][number] = {name: lives(names[number], each) for name, each in moments.items()}
    own.load_state_dict(state)
    for session, optimizer in (whole, smaller, (living, own)):
        steps(session, optimizer, 10)
    trained = whole[0].network.state_dict()
    for name, weight in smaller[0].network.state_dict().items():
        assert torch.equal(weight, living.network.state_dict()[name]), name
        torch.testing.assert_close(weight, lives(name, trained[name]), rtol=1e-10, atol=1e-13)


def lives(name: str, tensor: Any) -> Any:
    """What belongs to living units, by the name of a parameter; a count of steps belongs to all."""
    left = [unit for unit in range(UNITS) if unit not in DEAD]
    if not isinstance(tensor, Tensor):
        return tensor
    if not tensor.ndim or name == "2.bias":
        return tensor.clone()
    return tensor[:, left].clone() if name == "2.weight" else tensor[left].clone()


def delete(session: TrainingSession, inputs: Tensor, optimizer: torch.optim.Optimizer) -> None:
    """As the training core would, but for the data, of which only the shape matters."""
    session.batches = lambda split, size: iter([(inputs[:size], None)])  # type: ignore[method-assign,assignment]
    session.going = Going(None, None, optimizer, None)  # type: ignore[arg-type]
    DeleteNeurons()(session)


def test_a_constant_goes_into_a_bias_that_had_gone() -> None:
    """A unit of bias 2 and no weights, read with 0.5 and -3: the readers' biases get 1 and -6, masks or not."""
    own = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2)).double()
    with torch.no_grad():
        own[0].weight.copy_(torch.tensor([[0.0, 0.0], [1.0, 1.0]]))
        own[0].bias.copy_(torch.tensor([2.0, 0.0]))
        own[2].weight.copy_(torch.tensor([[0.5, 1.0], [-3.0, 1.0]]))
        own[2].bias.copy_(torch.tensor([0.0, 0.25]))
    session = session_of(own, {"2.bias": torch.tensor([False, True])})
    delete(session, torch.zeros(2, 2).double(), torch.optim.SGD(own.parameters(), lr=0.1))
    assert own[2].bias.tolist() == [1.0, -5.75]
    assert session.masks["2.bias"].all()
    assert session.memory == {DELETED.name: 1.0, STUCK.name: 0.0}
    session.wear()
    assert own[2].bias.tolist() == [1.0, -5.75]


def test_nothing_is_folded_where_copies_would_not_know() -> None:
    own = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2)).double()
    with torch.no_grad():
        own[0].weight[0], own[0].bias[0] = 0.0, 2.0
    session = session_of(own, {})
    session.register("2.bias", torch.zeros(2))
    delete(session, torch.zeros(2, 2).double(), torch.optim.SGD(own.parameters(), lr=0.1))
    assert session.memory == {DELETED.name: 0.0, STUCK.name: 1.0}
    assert own[0].weight.shape == (2, 2)


def test_numbers_of_it_want_the_setting() -> None:
    trainer = walked(toy(DRR, **ADAM))
    assert not {DELETED.name, STUCK.name} & set(trainer.results.of_run("")[-1].metrics)
    assert {DELETED.name, STUCK.name} <= set(KNOWN.metrics)

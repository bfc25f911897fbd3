"""A session of a network of one's own on samples of one's own, without a trainer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sparsetune.data.dataset import Dataset, Split
from sparsetune.sparsity.stage import Procedure
from sparsetune.training.fused import SGD
from sparsetune.training.session import Going, TrainingSession
from sparsetune.training.task import Regression


def session_of(network: nn.Module, inputs: Tensor, *, prunable: tuple[str, ...] | None = None) -> TrainingSession:
    """Each sample's target is what the network says of it plus 1, so that there is a gradient."""
    with torch.no_grad():
        targets = network.eval()(inputs) + 1
    network.train()
    split = Split.of(inputs, targets)
    data = Dataset(split, split, split, tuple(inputs.shape[1:]), targets[0].numel(), "regression", "0")
    weights = tuple(name for name, _ in network.named_parameters() if name.endswith("weight"))
    session = TrainingSession.of(network, weights if prunable is None else prunable, task="regression")
    session.going = Going(data, Regression(), SGD(network.parameters(), 0.1), lambda split, epochs: {})
    return session


def run(session: TrainingSession, procedure: Procedure) -> list[tuple[object, float]]:
    """All that a procedure yields, as the trainer has it: in training mode before each piece, masks worn after it."""
    yielded = []
    session.network.train()
    for each in procedure(session, None) or ():
        session.wear()
        yielded.append(each)
        session.network.train()
    session.wear()
    return yielded


def wide(kind: str) -> tuple[nn.Module, Tensor]:
    """A network with BatchNorm and dropout, which act otherwise in training, and samples for it."""
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Linear(8, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 3)]
    shape: tuple[int, ...] = (8,)
    if kind == "convolution":
        layers = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Conv2d(4, 2, 3, stride=2), nn.Flatten()]
        shape = (1, 8, 8)
    network = nn.Sequential(*layers, nn.Linear(8 if kind == "convolution" else 3, 2))
    for _ in range(3):
        network(torch.randn(50, *shape) + 1)  # statistics of BatchNorm
    return network, torch.randn(1100, *shape)

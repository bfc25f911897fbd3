"""Steps that call torch's kernels themselves are torch's own, bit for bit; they use its private parts."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from sparsetune.training import fused

VERSION = "2.15"  # of torch, for which they were tried; with another one the tests below have to say so


def test_the_version_for_which_they_were_tried() -> None:
    assert torch.__version__.rpartition(".")[0] == VERSION


def trained(optimizer: Any, **settings: Any) -> tuple[torch.Tensor, dict[str, Any]]:
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 5))
    inputs, targets = torch.randn(64, 20), torch.randint(0, 5, (64,))
    made = optimizer(network.parameters(), **settings, fused=True)
    for step in range(30):
        made.zero_grad()
        nn.functional.cross_entropy(network(inputs), targets).backward()
        if step % 7 == 3:
            network[0].bias.grad = None  # a step that leaves one out
        made.step()
    return torch.cat([each.detach().flatten() for each in network.parameters()]), made.state_dict()


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("SGD", {"lr": 0.1}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-3}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
        ("Adam", {"lr": 0.01}),
        ("Adam", {"lr": 0.01, "weight_decay": 1e-3}),
        ("AdamW", {"lr": 0.01, "weight_decay": 1e-2}),
    ],
)
def test_steps_are_torch_s_own(name: str, settings: dict[str, Any]) -> None:
    weights, state = trained(getattr(fused, name), **settings)
    expected, theirs = trained(getattr(torch.optim, name), **settings)
    assert torch.equal(weights, expected)
    assert state["param_groups"] == theirs["param_groups"]
    assert state["state"].keys() == theirs["state"].keys()
    for index, ours in state["state"].items():
        assert {key: str(value) for key, value in ours.items()} == {
            key: str(value) for key, value in theirs["state"][index].items()
        }

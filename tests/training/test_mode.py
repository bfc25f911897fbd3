"""Modes are as torch sets them, whatever a module does of its own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from sparsetune.training.computing import set_mode


class Frozen(nn.BatchNorm1d):
    """Stays in evaluation mode, as people freeze statistics."""

    def train(self, mode: bool = True) -> Frozen:
        super().train(False)
        return self


class Counted(nn.Linear):
    """Has heard of its mode through an attribute that it sets itself."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "training":
            object.__setattr__(self, "heard", value)
        super().__setattr__(name, value)


def networks() -> dict[str, nn.Module]:
    shared = nn.Dropout()
    empty = nn.Sequential(nn.Linear(2, 2))
    empty.register_module("none", None)
    return {
        "nested": nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), nn.Dropout()),
        "shared": nn.Sequential(shared, nn.Sequential(shared)),
        "frozen": nn.Sequential(nn.Linear(2, 2), Frozen(2), nn.Sequential(Frozen(2), nn.Dropout())),
        "counted": nn.Sequential(Counted(2, 2)),
        "without a child": empty,
        "attention": nn.TransformerEncoderLayer(4, 2),
    }


@pytest.mark.parametrize("name", sorted(networks()))
@pytest.mark.parametrize("training", [True, False])
def test_all_modules_are_as_torch_sets_them(name: str, training: bool) -> None:
    ours, torchs = networks()[name], networks()[name]
    for each in (not training, training):
        set_mode(ours, training=each)
        torchs.train(each)
        assert [module.training for module in ours.modules()] == [module.training for module in torchs.modules()]
        assert [getattr(module, "heard", None) for module in ours.modules()] == [
            getattr(module, "heard", None) for module in torchs.modules()
        ]


def test_a_network_that_evaluates_in_its_own_way_is_asked() -> None:
    class Own(nn.Linear):
        asked = 0

        def eval(self) -> Own:
            self.asked += 1
            return super().eval()

    network = Own(2, 2)
    set_mode(network, training=False)
    assert (network.asked, network.training) == (1, False)


def test_dropout_drops_in_training_only() -> None:
    network = nn.Sequential(nn.Dropout(0.5))
    inputs = torch.ones(1000)
    set_mode(network, training=True)
    assert network(inputs).eq(0).any()
    set_mode(network, training=False)
    assert network(inputs).eq(1).all()

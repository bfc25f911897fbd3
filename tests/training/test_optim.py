"""Optimisers against torch's plain loops."""

import copy

import pytest
import torch
from torch import nn

from sparsetune.config.trial import Training
from sparsetune.testing.trained import same_state
from sparsetune.training.optim import make_optimizer

PLAIN = {"foreach": False, "fused": False}


@pytest.mark.parametrize(
    ("settings", "plain"),
    [
        ({"optimizer": "sgd", "momentum": 0.9}, lambda p: torch.optim.SGD(p, 0.01, momentum=0.9, **PLAIN)),
        ({"optimizer": "sgd", "momentum": 0.0}, lambda p: torch.optim.SGD(p, 0.01, **PLAIN)),
        (
            {"optimizer": "sgd", "momentum": 0.5, "weight_decay": 0.1},
            lambda p: torch.optim.SGD(p, 0.01, momentum=0.5, weight_decay=0.1, **PLAIN),
        ),
        (
            {"optimizer": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
            lambda p: torch.optim.SGD(p, 0.01, momentum=0.9, nesterov=True, weight_decay=0.1, **PLAIN),
        ),
        (
            {"optimizer": "adam", "weight_decay": 0.1},
            lambda p: torch.optim.Adam(p, 0.01, weight_decay=0.1, **PLAIN),
        ),
        (
            {"optimizer": "adamw", "weight_decay": 0.1},
            lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.1, **PLAIN),
        ),
        ({"optimizer": "adamw"}, lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.0, **PLAIN)),
    ],
)
def test_twenty_steps_of_torch_s_plain_optimiser(settings, plain) -> None:
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(6, 4, generator=generator, dtype=torch.float64)
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    optimizers = (make_optimizer([ours], Training(**settings)), plain([theirs]))
    for _ in range(20):
        inputs = torch.randn(8, 6, generator=generator, dtype=torch.float64)
        for parameter, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            (inputs @ parameter).square().mean().backward()
            optimizer.step()
    assert (ours - start).abs().max() > 1e-3
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-13)


TORCHS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


@pytest.mark.parametrize("name", TORCHS)
def test_it_is_torch_s_fused_optimiser_bit_for_bit(name: str) -> None:
    """Steps, state and what both make of each other's state."""
    generator = torch.Generator().manual_seed(0)
    settings = {"weight_decay": 0.1, **({"momentum": 0.9} if name == "sgd" else {})}
    ours, theirs = nn.Linear(5, 4), nn.Linear(5, 4)
    theirs.load_state_dict(ours.state_dict())
    lean = make_optimizer(ours.parameters(), Training(optimizer=name, **settings))
    plain = TORCHS[name](theirs.parameters(), 0.01, fused=True, **settings)
    assert isinstance(lean, TORCHS[name])
    for step in range(6):
        inputs = torch.randn(8, 5, generator=generator)
        for network, optimizer in ((ours, lean), (theirs, plain)):
            optimizer.zero_grad()
            network(inputs).square().mean().backward()
            optimizer.step()
        assert same_state(dict(ours.state_dict()), dict(theirs.state_dict()))
        assert same_state(lean.state_dict(), plain.state_dict())
        if step == 2:
            saved = copy.deepcopy((lean.state_dict(), plain.state_dict()))
            lean.load_state_dict(saved[1])
            plain.load_state_dict(saved[0])
    assert all(parameter.requires_grad for parameter in ours.parameters())

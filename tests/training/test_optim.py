"""Optimisers against torch's plain loops, schedules against torch's schedulers."""

import copy
import math

import pytest
import torch
from torch import nn

from sparsetune.config.trial import Constant, Cosine, Schedule, Step, Training
from sparsetune.testing.methods import same_state, trial_config
from sparsetune.training.optim import learning_rate, make_optimizer
from sparsetune.training.trainer import Trainer

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


@pytest.mark.parametrize(
    ("schedule", "scheduler"),
    [
        (Constant(), lambda o: torch.optim.lr_scheduler.ConstantLR(o, factor=1.0)),
        (Step(every=3, gamma=0.5), lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5)),
        (Step(), lambda o: torch.optim.lr_scheduler.StepLR(o, 10, 0.1)),
        (Cosine(), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 12)),
        (Cosine(min_lr=0.01), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 12, 0.01)),
    ],
)
def test_a_schedule_is_torch_s(schedule: Schedule, scheduler) -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], 0.2)
    stepped = scheduler(optimizer)
    for epoch in range(12):
        [expected] = stepped.get_last_lr()
        assert learning_rate(schedule, 0.2, epoch, 12) == pytest.approx(expected, rel=1e-9, abs=1e-15)
        optimizer.step()
        stepped.step()


def test_schedules_by_hand() -> None:
    assert [learning_rate(Step(every=2, gamma=0.5), 0.8, epoch, 6) for epoch in range(6)] == [
        0.8, 0.8, 0.4, 0.4, 0.2, 0.2,
    ]  # fmt: skip
    half = math.sqrt(0.5)
    expected = [1.0, 0.1 + 0.45 * (1 + half), 0.55, 0.1 + 0.45 * (1 - half)]
    assert [learning_rate(Cosine(min_lr=0.1), 1.0, epoch, 4) for epoch in range(4)] == pytest.approx(expected)


def test_the_trainer_sets_the_rate_of_each_epoch() -> None:
    trainer = Trainer(trial_config(epochs=5, lr=0.1, schedule={"name": "step", "every": 2, "gamma": 0.1}))
    rates = [trainer.optimizer.param_groups[0]["lr"] for _ in trainer]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001])


@pytest.mark.usefixtures("recorder")
def test_a_group_keeps_its_own_rate_under_the_schedule() -> None:
    method = {"name": "recorder", "last_layer_lr": 0.5}
    trainer = Trainer(trial_config(method, epochs=3, lr=0.1, schedule={"name": "step", "every": 1, "gamma": 0.1}))
    rates = [group["lr"] for _ in trainer for group in trainer.optimizer.param_groups]
    assert rates == pytest.approx([0.1, 0.5, 0.01, 0.05, 0.001, 0.005])

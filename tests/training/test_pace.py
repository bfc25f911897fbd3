"""Schedules, one-cycle and warm-up against torch's schedulers and by hand; what a step then runs at."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from sparsetune.config.schedules import Constant, Cosine, OneCycle, Schedule, Step
from sparsetune.config.trial import Training
from sparsetune.testing.trained import restarted, run_through, same_state, trial_config, untimed
from sparsetune.training.optim import Pacer, Position, learning_rate, make_optimizer, momentum, warmup
from sparsetune.training.trainer import Trainer

TORCHS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


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


@pytest.mark.usefixtures("recorder")
def test_a_group_of_a_lower_rate_falls_with_the_training_s() -> None:
    """Below ``min_lr``, which is the training's."""
    method = {"name": "recorder", "last_layer_lr": 0.003}
    trainer = Trainer(trial_config(method, epochs=2, lr=0.1, schedule={"name": "cosine", "min_lr": 0.01}))
    rates = [group["lr"] for _ in trainer for group in trainer.optimizer.param_groups]
    assert rates == pytest.approx([0.1, 0.003, 0.055, 0.00165])


SCHEDULES: list[Schedule] = [Constant(), Step(every=2, gamma=0.3), Cosine(min_lr=0.01)]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_over_epochs_is_the_same_for_all_steps_of_one(schedule: Schedule) -> None:
    for epoch in range(5):
        rates = {learning_rate(schedule, 0.3, epoch, 5, step, 7) for step in range(7)}
        assert rates == {learning_rate(schedule, 0.3, epoch, 5)}


def rates_of(training: Training, lr: float, steps: int) -> list[float]:
    """Of every step of a training, as the loop would see them."""
    optimizer = make_optimizer([nn.Parameter(torch.zeros(1))], training.model_copy(update={"lr": lr}))
    return [group["lr"] for group in paced(optimizer, training, steps)]


def paced(optimizer: torch.optim.Optimizer, training: Training, steps: int) -> Iterator[dict[str, Any]]:
    """The first group before each step."""
    pacer = Pacer(optimizer, training)
    total = training.epochs * steps
    for done in range(0, total, steps):
        pace = pacer.begin(done, steps, steps, total)
        for step in range(steps):
            if pace is not None:
                pace(step)
            yield optimizer.param_groups[0]


@pytest.mark.parametrize("name", TORCHS)
@pytest.mark.parametrize(
    ("settings", "epochs", "steps"),
    [
        ({}, 5, 17),
        ({"pct_start": 0.1, "div_factor": 10.0, "final_div_factor": 100.0}, 3, 7),
        ({"pct_start": 0.0}, 2, 5),
        ({"pct_start": 1.0}, 2, 5),
        ({"pct_start": 0.5, "base_momentum": 0.5, "max_momentum": 0.99}, 1, 40),
        ({"cycle_momentum": False}, 4, 6),
        ({}, 1, 1),
    ],
)
def test_onecycle_is_torch_s_step_for_step(settings: dict[str, float], epochs: int, steps: int, name: str) -> None:
    """Learning rates of two groups, and momentum or the first beta."""
    training = Training(optimizer=name, epochs=epochs, lr=0.2, schedule=OneCycle(**settings))
    ours, theirs = (
        [{"params": [nn.Parameter(torch.ones(2))]}, {"params": [nn.Parameter(torch.ones(2))], "lr": 0.5}]
        for _ in range(2)
    )
    optimizer, plain = make_optimizer(ours, training), TORCHS[name](theirs, 0.2, **momentum_of(name))
    scheduler = torch.optim.lr_scheduler.OneCycleLR(plain, [0.2, 0.5], total_steps=epochs * steps, **settings)
    for number, _ in enumerate(paced(optimizer, training, steps)):
        for group, expected in zip(optimizer.param_groups, plain.param_groups, strict=True):
            assert group["lr"] == pytest.approx(expected["lr"], rel=1e-12)
            key = "momentum" if name == "sgd" else "betas"
            assert group[key] == pytest.approx(expected[key], rel=1e-12)
        plain.step()
        if number < epochs * steps - 1:
            scheduler.step()
    assert number == epochs * steps - 1


def momentum_of(name: str) -> dict[str, float]:
    return {"momentum": 0.9} if name == "sgd" else {}


def test_onecycle_by_hand() -> None:
    """Of five steps the second is the peak; then a half cosine in three thirds."""
    schedule = OneCycle(pct_start=0.4, div_factor=10, final_div_factor=100, base_momentum=0.8, max_momentum=0.9)
    rates = [learning_rate(schedule, 1.0, 0, 1, step, 5) for step in range(5)]
    assert rates == pytest.approx([0.1, 1.0, 0.75 + 0.25e-3, 0.25 + 0.75e-3, 1e-3])
    moved = [momentum(schedule, Position(0, 1, step, 5)) for step in range(5)]
    assert moved == pytest.approx([0.9, 0.8, 0.825, 0.875, 0.9])


def test_onecycle_that_begins_at_its_peak() -> None:
    """A tenth of ten steps: torch's class divides by zero here."""
    rates = [learning_rate(OneCycle(pct_start=0.1), 1.0, epoch, 2, step, 5) for epoch in range(2) for step in range(5)]
    assert rates[0] == 1.0
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(1 / 25 / 1e4)


def test_one_cycle_moves_what_the_optimiser_steps_with() -> None:
    """Weights, not only settings, are those of torch's scheduler."""
    training = Training(epochs=2, lr=0.1, schedule=OneCycle(), weight_decay=0.01, nesterov=True)
    ours, theirs = (nn.Parameter(torch.ones(3, dtype=torch.float64)) for _ in range(2))
    optimizer = make_optimizer([ours], training)
    plain = torch.optim.SGD([theirs], 0.1, momentum=0.9, weight_decay=0.01, nesterov=True)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(plain, 0.1, total_steps=12)
    for number, _ in enumerate(paced(optimizer, training, 6)):
        for parameter, stepped in ((ours, optimizer), (theirs, plain)):
            stepped.zero_grad()
            (parameter**4).sum().backward()
            stepped.step()
        if number < 11:
            scheduler.step()
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("epochs", "steps"), [(2, 5), (3, 1), (1.5, 4)])
def test_warm_up_is_torch_s_linear_lr(epochs: float, steps: int) -> None:
    training = Training(epochs=5, warmup_epochs=epochs)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], 0.3)
    over = int(epochs * steps)
    stepped = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / over, total_iters=over - 1)
    for rate in rates_of(training, 0.3, steps):
        assert rate == pytest.approx(stepped.get_last_lr()[0], rel=1e-12)
        optimizer.step()
        stepped.step()


def test_warm_up_by_hand() -> None:
    """A factor of the schedule: 2.5 epochs of two steps are five steps."""
    schedule = Step(every=2, gamma=0.5)
    rates = rates_of(Training(epochs=5, schedule=schedule, warmup_epochs=2.5), 1.0, 2)
    assert rates == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25])
    assert warmup(0.5, Position(0, 5, 0, 3)) == pytest.approx(1 / 1.5)
    assert warmup(0.5, Position(0, 5, 1, 3)) == 1.0
    assert warmup(0.1, Position(0, 5, 0, 3)) == 1.0  # less than a step


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_what_changes_between_epochs_only_costs_a_step_nothing(schedule: Schedule) -> None:
    training = Training(epochs=6, schedule=schedule, warmup_epochs=1.5)
    optimizer = make_optimizer([nn.Parameter(torch.zeros(1))], training)
    pacer = Pacer(optimizer, training)
    each_step = [pacer.begin(4 * epoch, 4, 4, 24) is not None for epoch in range(6)]
    assert each_step == [True, True, False, False, False, False]
    assert optimizer.param_groups[0]["lr"] == learning_rate(schedule, 0.01, 5, 6)
    plain = Pacer(optimizer, Training(schedule=schedule))
    assert [plain.begin(4 * epoch, 4, 4, 24) for epoch in range(6)] == [None] * 6
    assert [plain.begin(done, 2, 4, 24) for done in (0, 1, 2, 21, 22)] == [None] * 5, "a part of an epoch"
    assert plain.begin(3, 2, 4, 24) is not None, "from one epoch into the next"


@pytest.mark.parametrize("schedule", [*SCHEDULES, OneCycle(), Cosine(per="step")])
@pytest.mark.parametrize("warmup_epochs", [0, 1.5])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 24])
def test_pieces_of_any_size_have_the_rates_of_whole_epochs(schedule: Schedule, warmup_epochs: float, size: int) -> None:
    training = Training(epochs=6, lr=0.1, schedule=schedule, warmup_epochs=warmup_epochs)
    optimizer = make_optimizer([nn.Parameter(torch.zeros(1))], training)
    pacer, found = Pacer(optimizer, training), []
    for done in range(0, 24, size):
        count = min(size, 24 - done)
        pace = pacer.begin(done, count, 4, 24)
        for step in range(count):
            if pace is not None:
                pace(step)
            found.append(optimizer.param_groups[0]["lr"])
    assert found == rates_of(training, 0.1, 4)


@pytest.mark.parametrize("schedule", [Cosine(min_lr=0.01), Cosine(min_lr=0.01, per="step"), OneCycle()])
def test_beyond_what_a_schedule_spans_the_rate_is_that_of_its_end(schedule: Schedule) -> None:
    """Four epochs of three steps are spanned, and more are trained."""
    training = Training(lr=0.1, schedule=schedule)
    optimizer = make_optimizer([nn.Parameter(torch.zeros(1))], training)
    pacer = Pacer(optimizer, training)
    ends = []
    for done in (12, 13, 30):
        pacer.begin(done, 1, 3, 12)
        ends.append(optimizer.param_groups[0]["lr"])
    last = 0.1 / 25 / 1e4 if isinstance(schedule, OneCycle) else 0.01
    assert ends == pytest.approx([last] * 3)


def test_the_pace_is_a_function_of_the_position() -> None:
    """Whatever was set before: a training that is taken up again has the rates of one that ran through."""
    training = Training(epochs=4, schedule=OneCycle(), warmup_epochs=1)
    straight = rates_of(training, 0.1, 3)
    optimizer = make_optimizer([nn.Parameter(torch.zeros(1))], training.model_copy(update={"lr": 0.1}))
    pacer = Pacer(optimizer, training)
    optimizer.param_groups[0].update(lr=9.0, momentum=0.1)
    pacer.begin(6, 3, 3, 12)
    assert optimizer.param_groups[0]["lr"] == straight[6]
    assert optimizer.param_groups[0]["momentum"] == momentum(OneCycle(), Position(2, 4, 0, 3))


@pytest.mark.parametrize(
    "settings",
    [
        {"schedule": "onecycle", "nesterov": True, "grad_accum_steps": 3},
        {"schedule": "onecycle", "optimizer": "adamw", "clip_grad_norm": 0.5},
        {"schedule": "cosine", "warmup_epochs": 2.5, "label_smoothing": 0.1},
    ],
)
def test_a_restart_between_epochs_changes_no_bit(settings: dict[str, object]) -> None:
    config = trial_config("ast", epochs=4, lr=0.05, **settings)
    straight, metrics = run_through(config)
    stopped = Trainer(config)
    for _ in range(2):
        next(stopped)
    resumed = restarted(stopped)
    list(resumed)
    assert untimed(resumed.finish()) == untimed(metrics)
    assert same_state(resumed.network.state_dict(), straight.network.state_dict())
    assert same_state(resumed.optimizer.state_dict(), straight.optimizer.state_dict())


def test_the_trainer_paces_by_the_steps_that_it_makes() -> None:
    """The last step of a one-cycle ends at its lowest rate; 1,079 samples are 17 batches, 6 windows of 3."""
    settings = {"name": "onecycle", "div_factor": 10.0, "final_div_factor": 100.0}
    trainer = Trainer(trial_config(epochs=3, lr=0.1, schedule=settings, grad_accum_steps=3))
    list(trainer)
    assert trainer.cost.steps == 3 * 6
    assert trainer.optimizer.param_groups[0]["lr"] == pytest.approx(0.1 / 10 / 100)
    assert trainer.optimizer.param_groups[0]["momentum"] == pytest.approx(0.95)


def test_a_cosine_by_steps_is_torch_s_and_the_trainer_follows_it() -> None:
    schedule = Cosine(min_lr=0.01, per="step")
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], 0.2)
    stepped = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 12, 0.01)
    pacer = Pacer(torch.optim.SGD([nn.Parameter(torch.zeros(1))], 0.2), Training(lr=0.2, schedule=schedule))
    found, expected = [], []
    for done in (0, 4, 8):
        pace = pacer.begin(done, 4, 4, 12)
        assert pace is not None
        for step in range(4):
            pace(step)
            found.append(pacer._optimizer.param_groups[0]["lr"])
            expected.append(stepped.get_last_lr()[0])
            optimizer.step()
            stepped.step()
    assert found == pytest.approx(expected, rel=1e-9)
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 12

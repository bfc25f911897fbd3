"""What happens between a batch and a step: accumulation, clipping, the pace, and a smoothed loss."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from sparsetune.config.schedules import OneCycle
from sparsetune.config.trial import Training
from sparsetune.measures.cost import Cost
from sparsetune.sparsity.method import Method, Selection
from sparsetune.testing.trained import run_through, same_state, trial_config, untimed
from sparsetune.training.loop import train_steps
from sparsetune.training.optim import Pacer, make_optimizer
from sparsetune.training.session import TrainingSession
from sparsetune.training.task import Classification, Meter
from training.recorder import Recorder, RecorderConfig

from .test_waiting import Watch

SIZES = (8, 8, 8, 8, 5)  # of batches
SGD = Training(lr=0.1, weight_decay=0.01)
CLASSES = Classification()


def network(dtype: torch.dtype = torch.float64) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 4)).to(dtype)


def samples(sizes: tuple[int, ...], dtype: torch.dtype = torch.float64) -> Iterator[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(2)
    inputs = torch.randn(37, 6, generator=generator, dtype=dtype).split(sizes)
    targets = torch.randint(4, (37,), generator=generator).split(sizes)
    return iter(list(zip(inputs, targets, strict=True)))


def epoch(
    method: Method, optimizer: torch.optim.Optimizer, data: Iterator[tuple[Tensor, Tensor]], **settings: Any
) -> tuple[tuple[float, ...], Cost]:
    """Train for an epoch: what was measured, and what it cost."""
    cost, task = Cost(), settings.pop("task", CLASSES)
    meter = Meter(task)
    done = train_steps(method.session.network, method, optimizer, task, data, meter, cost=cost, **settings)
    assert done == cost.steps
    return meter.result(), cost


def train(
    sizes: tuple[int, ...],
    method_of: Callable[..., Method] = Method,
    *,
    training: Training = SGD,
    config: Any = None,
    **settings: Any,
) -> tuple[nn.Module, tuple[float, ...], Cost, Method]:
    """The network after an epoch in batches of these sizes, what was measured, what it cost, and the method."""
    session = TrainingSession.of(network())
    session.stage = "train"
    method = method_of(config, session)
    measured, cost = epoch(method, make_optimizer(method.parameters(), training), samples(sizes), **settings)
    return method.session.network, measured, cost, method


class Penalised(Method):
    def penalty(self) -> Tensor:
        return 0.05 * torch.stack([p.square().sum() for p in self.session.network.parameters()]).sum()


@pytest.mark.parametrize("method_of", [Method, Penalised])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize(("accumulate", "sizes"), [(2, (16, 16, 5)), (3, (24, 13)), (4, (32, 5)), (9, (37,))])
def test_k_batches_are_one_batch_of_their_samples(
    accumulate: int, sizes: tuple[int, ...], optimizer: str, method_of: type[Method]
) -> None:
    """Also where the last batch, or the last window, is shorter; a penalty counts once."""
    training = Training(lr=0.1, optimizer=optimizer)
    found, measured, cost, _ = train(SIZES, method_of, training=training, grad_accum_steps=accumulate)
    expected, theirs, large, _ = train(sizes, method_of, training=training)
    for parameter, wanted in zip(found.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(parameter, wanted, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(parameter.grad, wanted.grad, rtol=1e-9, atol=1e-12)
    assert measured == pytest.approx(theirs, rel=1e-10)
    assert (cost.steps, cost.drawn, cost.trained) == (large.steps, 37, 37) == (len(sizes), 37, 37)


class EverySecond(Method):
    """Selects samples 0, 2, 4, ... of the first batch and the very first of those that follow."""

    batch = 0

    def select(self, inputs: Tensor, targets: Tensor) -> Selection:
        self.batch += 1
        active = torch.arange(0, len(targets), 2) if self.batch == 1 else torch.arange(1)
        with torch.no_grad():
            return Selection(active, self.session.network(inputs))


def test_of_selected_samples_the_mean_of_the_batches_means_is_followed() -> None:
    found, _, cost, _ = train((*SIZES[:2], 21), EverySecond, grad_accum_steps=2, deadline=-math.inf)
    plain = network()
    (first, labels), (second, others) = list(samples((*SIZES[:2], 21)))[:2]
    loss = nn.CrossEntropyLoss()
    total = loss(plain(first[::2]), labels[::2]) + loss(plain(second[:1]), others[:1])
    (total / 2).backward()
    for parameter, wanted in zip(found.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, wanted.grad, rtol=1e-10, atol=1e-13)
    assert (cost.drawn, cost.scored, cost.trained, cost.steps) == (16, 16, 5, 1)


@pytest.mark.parametrize("method_of", [Method, Penalised])
def test_a_summed_loss_is_torch_s(method_of: type[Method]) -> None:
    """Also of the last batch, which is smaller; the penalty counts once a step."""
    found, measured, *_ = train(SIZES, method_of, training=Training(lr=0.01), summed=True)
    session = TrainingSession.of(network())
    plain, optimizer = method_of(None, session), torch.optim.SGD(session.network.parameters(), 0.01, momentum=0.9)
    for inputs, targets in samples(SIZES):
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss(reduction="sum")(session.network(inputs), targets)
        (loss + (plain.penalty() or 0)).backward()
        optimizer.step()
    for parameter, wanted in zip(found.parameters(), session.network.parameters(), strict=True):
        torch.testing.assert_close(parameter, wanted, rtol=1e-12, atol=1e-14)
    assert 0.5 < measured[0] < 5  # a mean over samples, whatever is followed


def test_a_summed_loss_is_of_the_samples_that_are_trained_on() -> None:
    found, *_ = train((9, 28), EverySecond, summed=True, deadline=-math.inf)
    plain = network()
    inputs, targets = next(samples((9, 28)))
    nn.CrossEntropyLoss(reduction="sum")(plain(inputs[::2]), targets[::2]).backward()
    for parameter, wanted in zip(found.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, wanted.grad, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("schedule", ["constant", "onecycle"])
def test_a_summed_loss_is_a_mean_with_a_higher_rate(schedule: str) -> None:
    """Bit for bit in batches of a power of two that are all full; reported are means."""
    data, usual = {"name": "digits", "num_train": 256}, {"epochs": 2, "batch_size": 16, "schedule": schedule}
    summed, numbers = run_through(trial_config(data=data, reduction="sum", lr=0.001, **usual))
    mean, others = run_through(trial_config(data=data, lr=0.016, **usual))
    assert same_state(dict(summed.network.state_dict()), dict(mean.network.state_dict()))
    assert untimed(numbers) == untimed(others)
    assert others["val_accuracy"] > 0.5


def test_hooks_of_a_step_are_called_once_a_step() -> None:
    *_, method = train((15, 15, 7), Recorder, config=RecorderConfig(), grad_accum_steps=2)
    assert isinstance(method, Recorder)
    batch = ["before_batch", "select train 0", "forward train {}", "penalty"]
    step = ["after_backward", "after_step"]
    events = [*batch, *batch, *step, *batch, *step]
    sizes = iter((15, 15, 7))
    assert method.events == [each.format(next(sizes)) if "{}" in each else each for each in events]


class Masked(Method):
    """Removes every other weight of the first layer; what is left of them after each step."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.removed: list[Tensor] = []
        self.session.prunable = {"0.weight": self.session.network.get_parameter("0.weight")}
        self.session.masks = {"0.weight": (torch.arange(54) % 2 == 0).reshape(9, 6)}

    def after_step(self) -> None:
        self.removed.append(self.session.prunable["0.weight"][~self.session.masks["0.weight"]].detach())


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_what_masks_remove_is_zero_after_each_step_and_the_rest_is_trained(optimizer: str) -> None:
    """Positive zeros, before the method's own hook; a plain training that sets them to zero gives the same."""
    training = Training(lr=0.1, optimizer=optimizer, weight_decay=0.01)
    found, _, _, method = train(SIZES, Masked, training=training)
    assert len(method.removed) == len(SIZES)
    assert all(torch.equal(each.view(torch.int64), torch.zeros(27, dtype=torch.int64)) for each in method.removed)
    plain = network()
    theirs = make_optimizer(plain.parameters(), training)
    for inputs, targets in samples(SIZES):
        theirs.zero_grad()
        nn.functional.cross_entropy(plain(inputs), targets).backward()
        theirs.step()
        with torch.no_grad():
            plain[0].weight.view(-1)[1::2] = 0
    assert same_state(dict(found.state_dict()), dict(plain.state_dict()))


def test_no_data_are_no_step() -> None:
    net = network()
    measured, cost = epoch(Method(None, TrainingSession.of(net)), make_optimizer(net.parameters(), SGD), iter(()))
    assert all(map(math.isnan, measured))
    assert cost == Cost()
    assert same_state(dict(net.state_dict()), dict(network().state_dict()))


def test_the_deadline_ends_an_epoch_after_a_whole_step() -> None:
    data, net = samples(SIZES), network()
    optimizer = make_optimizer(net.parameters(), SGD)
    _, cost = epoch(Method(None, TrainingSession.of(net)), optimizer, data, deadline=-math.inf, grad_accum_steps=3)
    assert (cost.steps, cost.drawn) == (1, 24)
    assert len(list(data)) == 2  # nothing was fetched that was not trained on


class Norms(Method):
    """What the norm of all gradients is before and after clipping."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.before: list[float] = []
        self.after: list[float] = []

    def _norm(self) -> float:
        return torch.cat([p.grad.flatten() for p in self.session.network.parameters()]).norm().item()

    def after_backward(self) -> None:
        self.before.append(self._norm())

    def after_step(self) -> None:
        self.after.append(self._norm())


@pytest.mark.parametrize("accumulate", [1, 2])
def test_gradients_are_clipped_after_the_method_has_seen_them(accumulate: int) -> None:
    *_, method = train(SIZES, Norms, grad_accum_steps=accumulate)
    limit = sorted(method.before)[1] * 1.001  # some are above
    *_, clipped = train(SIZES, Norms, grad_accum_steps=accumulate, clip_grad_norm=limit)
    assert any(norm > limit for norm in clipped.before)
    assert any(norm < limit for norm in clipped.before)
    assert clipped.after == pytest.approx([min(norm, limit) for norm in clipped.before], rel=1e-5)


def test_clipping_is_torch_s() -> None:
    found, *_ = train(SIZES, clip_grad_norm=0.3)
    plain = network()
    optimizer = torch.optim.SGD(plain.parameters(), SGD.lr, momentum=SGD.momentum, weight_decay=SGD.weight_decay)
    for inputs, targets in samples(SIZES):
        optimizer.zero_grad()
        nn.functional.cross_entropy(plain(inputs), targets).backward()
        nn.utils.clip_grad_norm_(plain.parameters(), 0.3)
        optimizer.step()
    for parameter, wanted in zip(found.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(parameter, wanted, rtol=1e-12, atol=1e-14)


def test_a_pace_is_told_each_step_before_it_is_made() -> None:
    """A rate of 0 in the second step leaves the weights as the first one made them."""
    plain = Training(lr=0.1, momentum=0.0)
    net, told = network(), []
    optimizer = make_optimizer(net.parameters(), plain)

    def pace(step: int) -> None:
        told.append(step)
        optimizer.param_groups[0]["lr"] = 0.0 if step else 0.1

    epoch(Method(None, TrainingSession.of(net)), optimizer, samples(SIZES), grad_accum_steps=2, pace=pace)
    assert told == [0, 1, 2]
    once, *_ = train(SIZES, training=plain, grad_accum_steps=2, deadline=-math.inf)
    assert same_state(dict(net.state_dict()), dict(once.state_dict()))


def test_one_cycle_in_the_loop_is_torch_s_training() -> None:
    training = Training(epochs=1, lr=0.3, schedule=OneCycle())
    net = network()
    optimizer = make_optimizer(net.parameters(), training)
    pace = Pacer(optimizer, training).begin(0, len(SIZES), len(SIZES), len(SIZES))
    epoch(Method(None, TrainingSession.of(net)), optimizer, samples(SIZES), pace=pace)
    plain = network()
    theirs = torch.optim.SGD(plain.parameters(), 0.3, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(theirs, 0.3, total_steps=len(SIZES))
    for number, (inputs, targets) in enumerate(samples(SIZES)):
        theirs.zero_grad()
        nn.functional.cross_entropy(plain(inputs), targets).backward()
        theirs.step()
        if number < len(SIZES) - 1:
            scheduler.step()
    for parameter, wanted in zip(net.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(parameter, wanted, rtol=1e-12, atol=1e-14)


def test_label_smoothing_by_hand() -> None:
    """Logits ln 1, ln 2, ln 5 are probabilities 1/8, 2/8, 5/8; the label keeps 0.7 and a third of 0.3."""
    logits, target = torch.tensor([[1.0, 2.0, 5.0]]).log(), torch.tensor([1])
    expected = -(0.1 * math.log(1 / 8) + 0.8 * math.log(2 / 8) + 0.1 * math.log(5 / 8))
    task = Classification(label_smoothing=0.3)
    assert task.loss(logits, target).item() == pytest.approx(expected, rel=1e-6)
    assert task.measure(logits, target)[0].item() == pytest.approx(math.log(4), rel=1e-6)


def test_label_smoothing_is_torch_s_and_reported_is_the_plain_loss() -> None:
    found, measured, *_ = train((37,), task=Classification(label_smoothing=0.1))
    plain = network()
    [(inputs, targets)] = samples((37,))
    outputs = plain(inputs)
    nn.CrossEntropyLoss(label_smoothing=0.1)(outputs, targets).backward()
    for parameter, wanted in zip(found.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, wanted.grad, rtol=1e-12, atol=1e-14)
    assert measured[0] == pytest.approx(nn.CrossEntropyLoss()(outputs, targets).item(), rel=1e-12)


class Operations(TorchDispatchMode):
    """Counts what torch does."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.found[str(func)] += 1
        return func(*args, **(kwargs or {}))


def test_what_is_off_costs_no_operation() -> None:
    """The loop does what a hand-written one does, with the same meter."""
    with Operations() as ours:
        found, *_ = train(SIZES)
    with Operations() as theirs:
        net, meter = network(), Meter(CLASSES)
        optimizer = make_optimizer(net.parameters(), SGD)
        for inputs, targets in samples(SIZES):
            outputs = net(inputs)
            meter.add(outputs.detach(), targets)
            for parameter in net.parameters():
                parameter.grad = None
            nn.functional.cross_entropy(outputs, targets).backward()
            optimizer.step()
        meter.result()
    assert ours.found == theirs.found
    assert same_state(dict(found.state_dict()), dict(net.state_dict()))


@pytest.mark.parametrize("settings", [{}, {"grad_accum_steps": 2}, {"clip_grad_norm": 0.1}])
def test_a_step_never_waits_for_the_device(settings: dict[str, Any]) -> None:
    """torch's clipping moves norms `to` the device where they are, which is nothing."""
    net, training = network(), Training(schedule=OneCycle())
    optimizer = make_optimizer(net.parameters(), training)
    with Watch() as watch:
        pace = Pacer(optimizer, training).begin(0, 5, 5, 100)
        epoch(Method(None, TrainingSession.of(net)), optimizer, samples(SIZES), pace=pace, **settings)
    watch.found.pop("to", None)
    assert watch.found == {"tolist": 1}

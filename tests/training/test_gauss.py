"""A loss with a trained deviation: against torch's normal density, a plain loop, and by hand."""

from __future__ import annotations

import math
from itertools import groupby
from typing import Any

import pytest
import torch
from helpers.threads import one_thread
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.distributions import Normal

from sparsetune.base.errors import BadInput
from sparsetune.config.trial import TrialConfig
from sparsetune.data.scaling import Scaling
from sparsetune.measures.size import gauss_bits, gauss_error, gauss_loss
from sparsetune.testing.trained import run_through, trial_config
from sparsetune.training.gauss import Gauss
from sparsetune.training.loop import Diverged
from sparsetune.training.task import Meter
from sparsetune.training.trainer import Trainer

__all__ = ["one_thread"]
STUDENT = {"name": "mlp", "hidden": [25, 25], "activation": "tanh", "init": "lux"}
sigmas = st.floats(1e-3, 10).flatmap(lambda size: st.sampled_from([size, -size]))
pytestmark = pytest.mark.usefixtures("one_thread")


def student(
    method: dict[str, Any] | str = "dense", model: dict[str, Any] | None = None, **training: Any
) -> TrialConfig:
    usual = {
        "data": "teacher_student",
        "loss": "gauss",
        "epochs": 3,
        "batch_size": 100,
        "optimizer": "adam",
        "lr": 0.02,
    }
    return trial_config(method, model or STUDENT, **{**usual, **training})


def drawn(seed: int, outputs: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    values: Tensor = torch.randn(2, 30, outputs, generator=generator, dtype=torch.float64)
    return values[0].requires_grad_(), values[1]


def test_by_hand() -> None:
    """mse 0.01 with sigma 0.1: 1 / (2 ln 2) + log2(0.01) / 2."""
    assert gauss_loss(0.01, 0.01) == pytest.approx(-2.60058, abs=5e-6)
    task = Gauss(sigma=0.1, dtype=torch.float64)
    outputs, targets = torch.tensor([[0.3], [0.5]]).double(), torch.tensor([[0.4], [0.4]]).double()
    assert task.loss(outputs, targets).item() == pytest.approx(-2.60058, abs=5e-6)
    assert gauss_bits(0.01, 0.01) == pytest.approx(-2.60058 + 0.5 * math.log2(2 * math.pi), abs=5e-6)


@settings(deadline=None, derandomize=True)
@given(st.integers(0, 2**32), sigmas, st.integers(1, 3))
def test_it_is_the_density_s(seed: int, sigma: float, outputs: int) -> None:
    """Value and gradients, of outputs and of sigma, against torch's normal distribution; whatever sigma's sign."""
    task = Gauss(outputs=outputs, sigma=sigma, dtype=torch.float64)
    said, targets = drawn(seed, outputs)
    deviation = torch.tensor(abs(sigma), dtype=torch.float64, requires_grad=True)
    bits = -Normal(said, deviation).log_prob(targets).mean() / math.log(2)
    wanted = torch.autograd.grad(bits, (said, deviation))
    loss = task.loss(said, targets)
    ours = torch.autograd.grad(loss, (said, task.sigma))
    assert loss.item() + 0.5 * math.log2(2 * math.pi) == pytest.approx(bits.item())
    torch.testing.assert_close(ours[0], wanted[0])
    torch.testing.assert_close(math.copysign(1, sigma) * ours[1], wanted[1])


@settings(deadline=None, derandomize=True)
@given(st.integers(0, 2**32))
def test_it_is_least_where_sigma_squared_is_the_mean_squared_error(seed: int) -> None:
    said, targets = drawn(seed)
    error = (said - targets).square().mean().item()
    task = Gauss(sigma=math.sqrt(error), dtype=torch.float64)
    (slope,) = torch.autograd.grad(task.loss(said, targets), task.sigma)
    assert abs(slope.item()) < 1e-12
    assert all(gauss_loss(error, error) <= gauss_loss(error, error * factor) for factor in (0.5, 0.99, 1.01, 2))


@settings(deadline=None, derandomize=True)
@given(st.floats(1e-9, 1e3), st.floats(1e-6, 1e3))
def test_the_error_of_a_loss(mse: float, variance: float) -> None:
    assert gauss_error(gauss_loss(mse, variance), variance) == pytest.approx(mse, rel=1e-6, abs=1e-12 * variance)


def test_reports_follow_from_the_mean_squared_error_and_sigma() -> None:
    said, targets = drawn(0)
    task = Gauss(sigma=0.5, dtype=torch.float64)
    meter = Meter(task)
    for part, wanted in zip(said.detach().split(7), targets.split(7), strict=True):
        meter.add(part, wanted)
    error = (said - targets).square().mean().item()
    assert meter.result() == pytest.approx((gauss_loss(error, 0.25),))
    assert task.error_of(*meter.result()) == pytest.approx(error)
    assert task.error(said, targets).item() == pytest.approx(error)
    assert task.quality(said.detach(), targets)["loss"] == pytest.approx(gauss_loss(error, 0.25))
    assert task.numbers() == {"sigma": 0.5}


def test_bits_are_those_of_a_density_in_the_unit_of_the_targets() -> None:
    """Two outputs that are learned in units of 10 and 0.2: each has a density as much wider."""
    scaling = Scaling(torch.tensor([[3.0, -1.0]]), torch.tensor([[10.0, 0.2]]))
    task = Gauss(scaling, outputs=2, sigma=0.3)
    said, targets = torch.randn(2, 40, 2, generator=torch.Generator().manual_seed(0))
    targets = scaling.undone(targets)
    density = Normal(scaling.undone(said), 0.3 * scaling.scale)
    wanted = -density.log_prob(targets).sum(1).mean() / math.log(2)
    quality = task.quality(said, targets)
    assert task.bits({"val_loss": quality["loss"]}) == pytest.approx(wanted.item(), rel=1e-5)


def by_hand(trainer: Trainer, clip: float | None, decay: float, epochs: int) -> tuple[dict[str, Tensor], float]:
    """The same training written for this one case."""
    torch.manual_seed(0)
    network: nn.Module = trainer.setup.registries.model.get("mlp").build(trainer.config.model, (2,), 1)
    network.load_state_dict(Trainer(trainer.config).network.state_dict())
    sigma = nn.Parameter(torch.tensor(0.1))
    groups = [{"params": network.parameters(), "weight_decay": decay}, {"params": [sigma]}]
    optimizer = torch.optim.Adam(groups, 0.02)
    data, counters = trainer.data, Trainer(trainer.config).session.counters
    order = Trainer(trainer.config).setup.order
    for _ in range(epochs):
        chosen = order.next(counters, 3)
        for rows in chosen.split(100):
            said, wanted = network(data.train.inputs[rows]), data.train.targets[rows]
            error = (said - wanted).square().mean()
            loss = error / (2 * sigma**2 * math.log(2)) + torch.log2(sigma**2) / 2
            optimizer.zero_grad()
            loss.backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(network.parameters(), clip)
            optimizer.step()
        order.went(counters, 3)
    return network.state_dict(), sigma.item()


@pytest.mark.parametrize(("clip", "decay"), [(None, 0.0), (None, 0.1), (0.5, 0.0)])
def test_training_equals_a_plain_loop(clip: float | None, decay: float) -> None:
    """sigma has the network's learning rate, does not decay, and is not clipped nor part of the norm."""
    trainer = Trainer(student(clip_grad_norm=clip, weight_decay=decay))
    rows = list(trainer)
    weights, sigma = by_hand(trainer, clip, decay, 3)
    for name, value in weights.items():
        torch.testing.assert_close(trainer.network.state_dict()[name], value, rtol=1e-4, atol=1e-6)
    assert rows[-1].metrics["sigma"] == pytest.approx(sigma, rel=1e-5)
    assert len({row.metrics["sigma"] for row in rows}) == 3


def test_numbers_of_a_run() -> None:
    """sigma is no parameter of the network; losses are bits, and so are descriptions."""
    trainer, numbers = run_through(student())
    assert (numbers["parameters"], numbers["nonzeros"]) == (751, 751)
    assert not any("sigma" in name for name in trainer.network.state_dict())
    variance = numbers["sigma"] ** 2
    for split in ("val", "test"):
        assert numbers[f"{split}_loss"] == pytest.approx(gauss_loss(numbers[f"{split}_mse"], variance))
    bits = 300 * gauss_bits(numbers["val_mse"], variance)
    assert numbers["description_data_bits"] == pytest.approx(bits)


def test_the_best_state_has_its_sigma() -> None:
    """Kept, measured and then left behind: it has moved on since."""
    few = {"name": "teacher_student", "num_train": 3}
    trainer, numbers = run_through(student(data=few, epochs=200, keep="best"))
    rows = trainer.record
    best = min(rows, key=lambda row: row.metrics["val_loss"])
    assert best is not rows[-1]
    assert numbers["sigma"] == best.metrics["sigma"] != rows[-1].metrics["sigma"]
    assert numbers["test_loss"] == pytest.approx(gauss_loss(numbers["test_mse"], best.metrics["sigma"] ** 2))
    assert numbers["val_loss"] == best.metrics["val_loss"]


def test_levels_begin_with_the_sigma_that_their_weights_had() -> None:
    """Of a lottery that takes nothing away: each level is the dense training again."""
    none = {"name": "lottery", "levels": 2, "prune_fraction": 1e-6}
    dense, *levels = (
        [(row.metrics["sigma"], row.metrics["val_loss"]) for row in rows]
        for _, rows in groupby(Trainer(student(none)), lambda row: row.phase)
    )
    assert levels == [dense, dense]


def test_it_is_as_at_first_where_weights_are_drawn_anew() -> None:
    trainer = Trainer(student())
    next(trainer)
    assert trainer.setup.task.numbers() != {"sigma": pytest.approx(0.1)}
    trainer.session.redraw()
    assert trainer.setup.task.numbers() == {"sigma": pytest.approx(0.1)}


def test_a_sigma_of_nothing_is_a_failure() -> None:
    """Its square is 0 in float32."""
    trainer = Trainer(student())
    trainer.setup.task.load_state_dict({"sigma": torch.tensor(1e-30)})
    with pytest.raises(Diverged, match="train_loss became nan"):
        list(trainer)
    wide = Gauss(sigma=1e200, dtype=torch.float64)
    assert wide.means((1.0,)) == (math.inf,), "its square is no number"
    assert gauss_loss(0.0, 0.0) == gauss_error(0.0, 0.0) == math.inf
    assert math.isnan(gauss_error(math.nan, 1.0))


def test_a_perfect_fit_gives_numbers() -> None:
    """sigma falls to 0, and steps to and fro around it."""
    task, said = Gauss(sigma=0.1), torch.ones(5, 1)
    optimizer = torch.optim.Adam([task.sigma], 1e-3)
    losses = []
    for _ in range(400):
        optimizer.zero_grad()
        loss = task.loss(said, said)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(map(math.isfinite, losses))
    assert min(losses) < math.log2(0.004)


@pytest.mark.parametrize(
    ("method", "data", "settings", "message"),
    [
        ("dense", "digits", {}, "training.loss: found 'gauss', allowed: null for classification"),
        ("slt", "teacher_student", {}, "training.loss: found 'gauss': a ticket holds no sigma; allowed: null"),
        ("dense", "teacher_student", {"initial_sigma": 0}, "training.initial_sigma: found 0, allowed: at least 1e-15"),
        ("dense", "teacher_student", {"initial_sigma": 1e16}, "training.initial_sigma: found 1e+16, allowed: at most"),
        ("dense", "teacher_student", {"loss": "mse"}, "training.loss: found 'mse', allowed: 'gauss'"),
    ],
)
def test_bad_settings(method: str, data: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput) as refused:
        student(method, data=data, **settings)
    assert str(refused.value).startswith(message)

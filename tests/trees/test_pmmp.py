"""PMMP: a plain torch loop of it, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from sparsetune.base.errors import BadInput
from sparsetune.sparsity.minimax import Copies, copies_of
from sparsetune.testing.trained import same_state
from sparsetune.training.trainer import Trainer

from .plain import Plain
from .walking import KNOWN, STEPS, all_told, toy, walked

PMMP: dict[str, Any] = {"name": "pmmp", "alpha": 1e-3, "initial_u": 0.5, "delta": 0.1, "finetune_epochs": 1}
ADAM = {"optimizer": "adam", "lr": 0.02}


def through(trainer: Trainer, stage: str) -> Trainer:
    """To the end of that stage."""
    while trainer.cursor is None or trainer.node.stage.name != stage or not trainer.evaluating.over:  # type: ignore[union-attr]
        assert trainer.go_on()
    return trainer


def copies_in(trainer: Trainer) -> dict[str, Copies]:
    return copies_of(trainer.session)


class _Loop(Plain):
    """The stated objective is differentiated by autograd; everything else is written out, in double precision."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        method, training = config.method, config.training
        self.network.double()
        parameters = list(self.network.parameters())
        self.free = [weight.detach().clone().requires_grad_() for weight in parameters]
        self.keep = [torch.full_like(weight, method.initial_p).requires_grad_() for weight in parameters]
        self.multipliers = [torch.full_like(weight, method.initial_u).requires_grad_() for weight in parameters]
        groups = ((parameters, training.weight_decay), (self.free + self.keep, 0.0), (self.multipliers, 0.0))
        kind: Any = torch.optim.Adam if training.optimizer == "adam" else torch.optim.SGD
        more = {} if training.optimizer == "adam" else {"momentum": 0.9, "nesterov": True}
        self.optimizers = [kind(each, 1.0, weight_decay=decay, **more) for each, decay in groups]

    def loss_with_penalty(self) -> tuple[Tensor, Tensor, Tensor]:
        method, share = self.config.method, 1.0
        inputs, targets = self.batch()
        outputs = self.network(inputs.double())
        if method.alpha_convention == "sum":
            share = 1 / len(self.data.train)
        loss = cross_entropy(outputs, targets)
        for theta, w, p, u in zip(self.network.parameters(), self.free, self.keep, self.multipliers, strict=True):
            loss = loss + share * (method.rho * theta.square().sum() + method.l1_alpha * theta.abs().sum())
            constraint = (theta - w * p).square() + w.square() * p * (1 - p)
            loss = loss + share * method.alpha * p.sum() + method.multiplier_factor * (u * constraint).sum()
        return loss, outputs, targets

    def step(self, lr: float) -> tuple[Tensor, Tensor]:
        self.network.train()
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss, outputs, targets = self.loss_with_penalty()
        loss.backward()
        for each in self.multipliers:
            assert each.grad is not None
            each.grad.neg_()
        if self.config.training.clip_grad_norm is not None:
            clip_grad_norm_(self.network.parameters(), self.config.training.clip_grad_norm)
        ascent = lr if self.config.method.ascent_lr is None else lr / self.config.training.lr * 0.005
        for optimizer, rate in zip(self.optimizers, (lr, lr, ascent), strict=True):
            optimizer.param_groups[0]["lr"] = rate
            optimizer.step()
        with torch.no_grad():
            for each in self.keep:
                each.clamp_(0, 1)
        epoch, step = self.place[:2]
        more = step + 1 < STEPS
        self.place = (
            self.place._replace(step=step + 1, drawn=torch.get_rng_state()) if more else type(self.place)(epoch + 1)
        )
        return outputs.detach(), targets


@pytest.mark.parametrize(
    ("method", "training"),
    [
        ({}, ADAM),
        (
            {"ascent_lr": 0.005, "initial_p": 0.9, "multiplier_factor": 3.0, "rho": 1e-3, "l1_alpha": 1e-4},
            {**ADAM, "clip_grad_norm": 0.3, "weight_decay": 0.05, "schedule": {"name": "cosine", "per": "step"}},
        ),
        (
            {"alpha": 10.0, "rho": 1.0, "l1_alpha": 2.0, "alpha_convention": "sum"},
            {"momentum": 0.9, "nesterov": True, "clip_grad_norm": 0.3, "weight_decay": 0.05},
        ),
    ],
    ids=["adam", "adam, all at once", "sgd, sum"],
)
def test_training_equals_a_plain_loop(method: dict[str, Any], training: dict[str, Any]) -> None:
    """All four kinds in one step; clipping and weight decay are the weights' alone, schedules scale both rates."""
    config = toy({**PMMP, **method}, dtype="float64", **{"lr": 0.05, **training})
    trainer, loop = through(Trainer(config, registries=KNOWN), "train"), _Loop(config)
    for done in range(2 * STEPS):
        loop.step(loop.learning_rate(done, 3 * STEPS))
    weights = dict(trainer.network.named_parameters())
    copies = copies_in(trainer)
    for number, (name, wanted) in enumerate(loop.network.named_parameters()):
        ours = (weights[name], *copies[name])
        theirs = (wanted, loop.free[number], loop.keep[number], loop.multipliers[number])
        for which, one, other in zip(("theta", *Copies._fields), ours, theirs, strict=True):
            assert torch.allclose(one, other, rtol=1e-7, atol=1e-9), (name, which)
            assert len(other.detach().unique()) > 1, (name, which)
    assert all(((each.keep >= 0) & (each.keep <= 1)).all() for each in copies.values())


def rows_but_for_its_own(trainer: Trainer) -> Any:
    """What a method without copies has, too."""
    own = ("undecided", "constraint_violation")
    rows, results = all_told(trainer)[""]
    told = [replace(row, metrics={k: v for k, v in row.metrics.items() if k not in own}) for row in rows]
    return told, {name: {k: v for k, v in each.items() if k not in own} for name, each in results.items()}


@pytest.mark.parametrize(
    ("penalties", "other"),
    [
        ({"rho": 0.0}, {"name": "magnitude"}),
        ({"rho": 1e-4, "l1_alpha": 1e-3}, {"name": "rl1", "alpha": 1e-3, "rho": 1e-4}),
    ],
    ids=["magnitude", "rl1"],
)
def test_without_alpha_it_is_another_method_bit_for_bit(penalties: dict[str, float], other: dict[str, Any]) -> None:
    shared = {"delta": 0.1, "finetune_epochs": 1}
    training = {**ADAM, "clip_grad_norm": 0.5, "weight_decay": 1e-3}
    ours = walked(toy({**shared, "name": "pmmp", "alpha": 0.0, **penalties}, **training))
    theirs = walked(toy({**shared, **other}, **training))
    assert rows_but_for_its_own(ours) == rows_but_for_its_own(theirs)
    assert same_state(ours.network.state_dict(), theirs.network.state_dict())
    assert not copies_in(ours)


def test_in_fine_tuning_copies_rest() -> None:
    """No gradients, no step; what is reported of them is as training left it."""
    trainer = through(Trainer(toy(PMMP, epochs=4, **ADAM), registries=KNOWN), "train")
    left = trainer.record[-1].metrics
    through(trainer, "prune")
    before = {name: [each.detach().clone() for each in beside] for name, beside in copies_in(trainer).items()}
    weights = {name: each.detach().clone() for name, each in trainer.network.named_parameters()}
    through(trainer, "finetune")
    for name, beside in copies_in(trainer).items():
        assert all(each.grad is None for each in beside)
        assert all(torch.equal(one, other) for one, other in zip(beside, before[name], strict=True))
        assert not torch.equal(weights[name], dict(trainer.network.named_parameters())[name])
        mask = trainer.session.masks[name]
        assert not mask.all()
        assert not beside.keep[~mask].any(), "of what is pruned p is 0"
    assert {name: trainer.record[-1].metrics[name] for name in ("undecided", "constraint_violation")} == {
        name: left[name] for name in ("undecided", "constraint_violation")
    }
    assert 0 < left["undecided"] < 1
    assert left["constraint_violation"] > 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"l1_alpha": -1.0},
        {"initial_p": 0.0},
        {"initial_p": 1.1},
        {"initial_u": -0.1},
        {"multiplier_factor": 0.0},
        {"ascent_lr": 0.0},
        {"undecided_share": 1.5},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_impossible_settings(wrong: dict[str, float]) -> None:
    with pytest.raises(BadInput) as refused:
        toy({**PMMP, **wrong})
    assert refused.value.key == f"method.{next(iter(wrong))}"

"""PMMP: a plain torch loop of it, what it leaves alone, how it prunes and when it ends, what it takes of memory."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from sparsetune.base.errors import BadInput
from sparsetune.sparsity.history import Evaluation, History
from sparsetune.sparsity.methods.pmmp import Decided, MinimaxPruning, PmmpConfig
from sparsetune.sparsity.minimax import Copies, copies_of
from sparsetune.sparsity.saturation import Saturated
from sparsetune.testing.trained import same_state, trial_config
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

from .plain import Plain
from .walking import KNOWN, STEPS, all_told, toy, walked

PMMP: dict[str, Any] = {"name": "pmmp", "alpha": 1e-3, "initial_u": 0.5, "delta": 0.1, "finetune_epochs": 1}
SHRINKING = {
    **PMMP,
    "alpha": 0.01,
    "shrinking": True,
    "prune_window": 1,
    "smoothing_window": 4,
    "shrinking_margin": 9.0,
}
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


class WatchedConfig(PmmpConfig):
    name: Literal["watched"] = "watched"  # type: ignore[assignment]


class Watched(MinimaxPruning):
    """Looks at what is pruned in each step, and at what is there before it."""

    Config = WatchedConfig
    weighs = False
    zero: dict[str, Tensor] | None = None  # where p was 0 after the last step, of who asks whether only that goes
    seen: dict[str, Tensor] = {}

    def before_batch(self) -> None:
        if self.zero:
            for name, mask in self.session.masks.items():
                went = self.seen.get(name, torch.ones_like(mask)) & ~mask
                assert self.zero[name][went].all()
            self.seen = dict(self.session.masks)
        if self.weighs and self.session.network.training and self.session.masks:
            self._most("bytes", bytes_like(self.session.prunable.values()))
        super().before_batch()

    def after_backward(self) -> None:
        super().after_backward()
        for name, copies in self.copies.items() if self.config.alpha else ():
            gradients = [each.grad for each in copies]
            pruned = ~self.session.masks.get(name, torch.ones_like(copies.keep, dtype=torch.bool))
            assert all(each is not None and not each[pruned].any() for each in gradients)

    def after_step(self) -> None:
        super().after_step()
        for name, mask in self.session.masks.items():
            assert not self.copies[name].keep[~mask].any()
            assert not self.weights[name][~mask].any()
        if self.zero is not None:
            self.zero = {name: copies.keep == 0 for name, copies in self.copies.items()}
        if self.config.alpha and self.session.masks:
            self._most("steps under masks", self.session.memory.get("steps under masks", 0) + 1)

    def _most(self, name: str, value: float) -> None:
        self.session.memory[name] = max(value, self.session.memory.get(name, 0))


WATCHED = replace(REGISTRIES, method=REGISTRIES.method.extended({"watched": Watched}))


def watched(**changes: Any) -> Trainer:
    network = {"name": "mlp", "hidden": [23]}  # no other test has weights of these shapes
    method = {**SHRINKING, "name": "watched", **changes}
    training = {"batch_size": 128, "epochs": 12, **ADAM}
    return Trainer(trial_config(method, network, registries=WATCHED, **training), registries=WATCHED)


def test_shrinking_goes_by_probabilities_and_nothing_comes_back() -> None:
    trainer, kept = watched(random_gradient_pruning="none"), []
    trainer.method.zero = {}
    while trainer.cursor is None or trainer.node.stage.name == "train":
        assert trainer.go_on()
        if trainer.session.masks and trainer.node.stage.name == "train":
            kept.append(trainer.method.numbers()["density"])
            wanted = {name: copies.keep > 0 for name, copies in copies_in(trainer).items()}
            assert all((mask | ~wanted[name]).all() for name, mask in trainer.session.masks.items())
    assert len({*kept}) > 1
    assert kept == sorted(kept, reverse=True)
    assert 0 < kept[-1] < 1
    assert trainer.session.memory["steps under masks"] > STEPS


def test_what_has_no_probability_goes_and_no_more() -> None:
    trainer = through(watched(shrinking=False, smoothing_window=None), "train")
    wanted = {name: copies.keep > 0 for name, copies in copies_in(trainer).items()}
    step = MinimaxPruning.pruning_on_the_way(PmmpConfig(alpha=1.0, random_gradient_pruning="none"))
    assert list(step(trainer.session) or ()) == []
    assert same_state(trainer.session.masks, wanted)
    assert 0 < sum(int(mask.sum()) for mask in wanted.values()) < sum(map(Tensor.numel, wanted.values()))
    for name, weight in trainer.network.named_parameters():
        assert not weight[~wanted[name]].any()


def test_momentum_does_not_bring_probabilities_back() -> None:
    """What TAMADE removes has a p that was rising."""
    trainer = through(watched(finetune_epochs=0), "train")
    copies = copies_in(trainer)["linear1.weight"]
    mask = trainer.session.masks["linear1.weight"]
    pushed = trainer.optimizer.state[copies.keep]["exp_avg"]
    pushed[~mask] = -1.0
    trainer.method.after_backward()
    for each in trainer.network.parameters():
        each.grad = torch.zeros_like(each)
    trainer.optimizer.step()
    assert copies.keep[~mask].any(), "the optimiser's step alone would"
    trainer.session.wear()
    trainer.method.after_step()
    assert not copies.keep[~mask].any()


def history_of(losses: list[float]) -> History:
    history = History(len(losses))
    for number, loss in enumerate(losses):
        history.add(Evaluation(number + 1, 0, number, {"val_loss": loss}))
    return history


def test_training_ends_once_probabilities_are_decided() -> None:
    """Of those of weights that masks keep; of 100 in all one may be between 0.1 and 0.9."""
    session = Trainer(toy({**PMMP, "initial_p": 0.95}), registries=KNOWN).session
    rule, saturated, falling = Decided(Saturated(4), 0.01), history_of([1.0] * 6), history_of([6.0, 5, 4, 3, 2, 1])
    assert (rule.window, Decided(Saturated(9), 0.5).window) == (6, 11)
    assert rule(saturated, session)
    assert not rule(falling, session)
    keep = copies_of(session)["linear1.weight"].keep.detach()
    size = sum(each.keep.numel() for each in copies_of(session).values())
    keep.view(-1)[: int(0.01 * size)] = 0.5
    assert rule(saturated, session)
    keep.view(-1)[: int(0.01 * size) + 1] = 0.5
    assert not rule(saturated, session)
    keep.view(-1)[0] = 0.0
    assert rule(saturated, session)
    session.masks["linear1.weight"] = keep > 0
    session.masks["linear2.weight"] = torch.zeros_like(copies_of(session)["linear2.weight"].keep, dtype=torch.bool)
    copies_of(session)["linear2.weight"].keep.detach().zero_()
    assert not rule(saturated, session), "the same count of fewer"


def test_fine_tuning_does_not_ask_for_it() -> None:
    """What is undecided then can no longer change."""
    config = {**PMMP, "smoothing_window": 4, "finetune_epochs": 40}

    def lengths(share: float) -> dict[str, int]:
        rows = walked(toy({**config, "undecided_share": share}, epochs=40, **ADAM)).record
        return {stage: sum(row.phase == stage for row in rows) for stage in ("train", "finetune")}

    asked, never = lengths(0.0), lengths(1.0)
    assert never["train"] < asked["train"] == 40
    assert asked["finetune"] < 40


def bytes_like(weights: Iterable[Tensor]) -> int:
    """Of all tensors that are alive and have the shape of a weight, whatever holds them."""
    shapes = {weight.shape for weight in weights}
    alive = [each for each in gc.get_objects() if issubclass(type(each), Tensor) and each.shape in shapes]
    alive += [each.grad for each in alive if each.is_leaf and each.grad is not None]
    return sum({each.untyped_storage().data_ptr(): each.untyped_storage().nbytes() for each in alive}.values())


def test_memory_between_steps() -> None:
    """Of parameters four copies, eight moments, three gradients; a bool mask, and what the loop makes of it."""
    gc.collect()
    trainer = watched()
    while not trainer.session.masks:
        trainer.go_on()
    trainer.method.weighs = True
    trainer.go_on()
    size = sum(weight.numel() * weight.element_size() for weight in trainer.session.prunable.values())
    assert trainer.session.memory["bytes"] / size == 16.25
    trainer.session.memory = through(trainer, "prune").session.memory | {"bytes": 0}
    through(trainer, "finetune")
    assert trainer.session.memory["bytes"] / size == 16.25 - 3, "copies rest, and have no gradients"


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

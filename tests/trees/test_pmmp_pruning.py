"""PMMP: how it prunes and when it ends, what it takes of memory."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sparsetune.sparsity.history import Evaluation, History
from sparsetune.sparsity.methods.pmmp import Decided, MinimaxPruning, PmmpConfig
from sparsetune.sparsity.minimax import copies_of
from sparsetune.sparsity.saturation import Saturated
from sparsetune.testing.trained import same_state, trial_config
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

from .test_pmmp import ADAM, PMMP, copies_in, through
from .walking import KNOWN, STEPS, toy, walked

SHRINKING = {
    **PMMP,
    "alpha": 0.01,
    "shrinking": True,
    "prune_window": 1,
    "smoothing_window": 4,
    "shrinking_margin": 9.0,
}


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
    alive = [each for each in gc.get_objects() if type(each) in (Tensor, nn.Parameter) and each.shape in shapes]
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

"""Layerwise pruning within a training: what is shared, what comes to nothing, what is refused, and its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch

from sparsetune.base.errors import BadInput
from sparsetune.config.trial import resolve_trial
from sparsetune.sparsity.compression import PruningStep
from sparsetune.sparsity.in_turn import InTurn
from sparsetune.sparsity.layer_inputs import linear_maps
from sparsetune.sparsity.layerwise import LayerwisePruning
from sparsetune.sparsity.method import TrainingFailed
from sparsetune.sparsity.methods.layerwise import LayerwiseConfig
from sparsetune.sparsity.methods.pmmp import Unkept
from sparsetune.sparsity.minimax import copies_of
from sparsetune.sparsity.minimax_layers import KeptByLayer
from sparsetune.sparsity.stage import Stage
from sparsetune.sparsity.tamade import Tamade
from sparsetune.training.trainer import Trainer

from .walking import KNOWN, STEPS, branches, toy, walked

LAYERWISE: dict[str, Any] = {"name": "layerwise", "delta": 0.0, "layerwise_lr": 0.02, "layerwise_epochs": 1500}
TRAINING: dict[str, Any] = {"optimizer": "adam", "lr": 0.02, "epochs": 4}


def test_alphas_share_one_training_and_the_larger_leaves_less() -> None:
    alphas = (0.1, 1.0, 10.0)
    config = toy({**LAYERWISE, "finetune_epochs": 0}, **TRAINING)
    forked = walked(config, branches(config, "layerwise_alpha", alphas))
    assert forked.epochs * STEPS == pytest.approx(4 * STEPS)
    results = [next(iter(forked.results.measured[str(alpha)].values())).metrics for alpha in alphas]
    left = [each["nonzeros"] for each in results]
    assert left == sorted(left, reverse=True)
    assert left[0] < 0.9 * (64 * 12 + 12 + 12 * 10 + 10)
    assert left[2] < left[0] / 2
    assert results[0]["val_accuracy"] > 0.8


def test_what_stays_makes_up_for_what_goes() -> None:
    """Without fine-tuning: as few weights, chosen by magnitude and as they are, lose more."""
    config = toy({**LAYERWISE, "layerwise_alpha": 3.0, "finetune_epochs": 0}, **TRAINING)
    trainer = walked(config)
    layerwise = next(iter(trainer.results.measured[""].values())).metrics
    plain = Trainer(toy("dense", **TRAINING), registries=KNOWN)
    list(plain)
    weights = dict(plain.network.named_parameters())
    every = torch.cat([each.detach().abs().flatten() for each in weights.values()])
    least = every.sort(descending=True).values[int(layerwise["nonzeros"])]
    with torch.no_grad():
        for each in weights.values():
            each.masked_fill_(each.abs() <= least, 0)
    assert sum(int((each != 0).sum()) for each in weights.values()) == layerwise["nonzeros"]
    assert layerwise["val_accuracy"] > plain.session.evaluate("val")["accuracy"] + 0.05


def test_a_price_that_no_weight_is_worth_is_a_failure() -> None:
    trainer = Trainer(toy({**LAYERWISE, "layerwise_alpha": 1e6}, **TRAINING), registries=KNOWN)
    with pytest.raises(TrainingFailed, match="pruning has left 0 weights, and the network answers a constant"):
        list(trainer)


def test_fits_begin_with_pmmp_s_keep_probabilities_and_decide_them() -> None:
    """On the way, with biases and without them; what is left agrees with its copies."""
    method = {"name": "pmmp", "alpha": 1e-4, "initial_p": 0.7, "layerwise_pruning": True}
    for biases in (True, False):
        config = toy({**method, "prune_biases": biases}, epochs=2)
        trainer = Trainer(config, registries=KNOWN)
        next(trainer)
        session, copies = trainer.session, copies_of(trainer.session)
        pruning = KeptByLayer(1.0, 0.02, 0.3, 300, 30, biases)
        layer = linear_maps(session.network, session.prunable)[-1]
        start = pruning.keep_at_start(session, layer, layer.matrix)
        assert torch.equal(layer.parted(start)[0], copies["linear2.weight"].keep)
        assert torch.equal(layer.parted(start)[1], copies["linear2.bias"].keep if biases else torch.ones(10))
        for _ in pruning(session):
            pass
        weights = dict(session.network.named_parameters())
        for name, each in copies.items():
            assert torch.equal(each.keep, session.masks[name].float())
            assert torch.equal(each.free, weights[name])
        assert copies.keys() == session.masks.keys()
        assert 0 < session.masks["linear1.weight"].sum() < 12 * 64
        list(trainer)


def steps_of(stage: Stage) -> Iterator[tuple[str, PruningStep]]:
    """Every pruning of a tree, by its stage."""
    for each in (*stage.before, *(between.do for between in stage.between)):
        each = getattr(each, "procedure", each)  # of PMMP's
        if isinstance(each, PruningStep):
            yield stage.name, each
    for child in stage.then:
        yield from steps_of(child)


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({}, ["prune"]),
        ({"name": "drr"}, []),
        ({"name": "drr", "layerwise_pruning": True}, ["prune"]),
        ({"shrinking": True}, ["prune", "train"]),
        ({"finetune_shrinking": True}, ["prune"]),
        ({"name": "rl1", "finetune_shrinking": True, "finetune_layerwise_pruning": True}, ["finetune"]),
        ({"finetune_shrinking": True, "finetune_layerwise_pruning": True}, ["finetune", "prune"]),
        ({"name": "pmmp", "layerwise_pruning": True, "shrinking": True}, ["prune", "train"]),
    ],
)  # fmt: skip
def test_where_it_happens(settings: dict[str, Any], where: list[str]) -> None:
    """Before TAMADE, which is everywhere."""
    config = toy({"name": "layerwise", "smoothing_window": 20, **settings})
    tree = KNOWN.method.get(config.method.name).tree(config.method, config.training)
    happens = []
    for name, step in steps_of(tree):
        if isinstance(step.select, InTurn):
            layerwise, tamade = step.select.procedures
            assert isinstance(layerwise, LayerwisePruning)
            assert (layerwise.window, layerwise.gradients) == (20, step.gradients)
            assert isinstance(tamade, Tamade | Unkept)
            happens.append(name)
    assert sorted(happens) == where


@dataclass(frozen=True)
class Counted:
    """Yields so many numbers, and notes them."""

    name: str
    pieces: int
    noted: list[str]

    def __call__(self, session: Any, state: Any = None) -> Iterator[tuple[Any, float]]:
        for number in range(0 if state is None else state + 1, self.pieces):
            self.noted.append(f"{self.name}{number}")
            yield number, (number + 1) / self.pieces
        self.noted.append(f"{self.name}.")


@pytest.mark.parametrize("stopped", range(6))
def test_procedures_in_turn_go_on_where_they_were(stopped: int) -> None:
    """After any number of pieces; one of them has none."""
    noted: list[str] = []
    both = InTurn((Counted("a", 2, noted), Counted("b", 0, noted), Counted("c", 3, noted)))
    state, shares = None, []
    running = both(None, None)  # type: ignore[arg-type]
    for _ in range(stopped):
        state, share = next(running)
        shares.append(share)
    shares += [share for _, share in both(None, state)]  # type: ignore[arg-type]
    assert noted == ["a0", "a1", "a.", "b.", "c0", "c1", "c2", "c."]
    assert shares == pytest.approx([1 / 6, 1 / 3, 7 / 9, 8 / 9, 1])


@pytest.mark.parametrize(
    ("wrong", "allowed"),
    [
        ({"layerwise_alpha": -0.1}, "at least 0"),
        ({"layerwise_alpha": float("inf")}, "a finite number"),
        ({"layerwise_lr": 0.0}, "at least 1e-07"),
        ({"layerwise_lr": 1e-310}, "at least 1e-07"),
        ({"layerwise_lr": 3e38}, "at most 1"),
        ({"name": "magnitude", "layerwise_lr": 1e-310}, "at least 1e-07"),
        ({"layerwise_mask_start": 1.1}, "at most 1"),
        ({"layerwise_mask_start": -0.1}, "at least 0"),
        ({"layerwise_epochs": 0}, "at least 1"),
        ({"layerwise_pruning": False}, "True"),
    ],
)
def test_impossible_settings(wrong: dict[str, Any], allowed: str) -> None:
    with pytest.raises(BadInput) as refused:
        toy({"name": "layerwise", **wrong})
    assert refused.value.key == f"method.{[*wrong][-1]}"
    assert allowed in str(refused.value)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"name": "magnitude", "finetune_layerwise_pruning": True},
        {"name": "pmmp", "layerwise_pruning": True},
        {"layerwise_mask_start": 0.6},
    ],
)
def test_masks_that_none_could_keep_are_refused(settings: dict[str, Any]) -> None:
    """Adam goes from 0 to 1 in 1,000 steps of 0.001 at the earliest, wherever fits begin."""
    method = {"name": "layerwise", "layerwise_epochs": 999, **settings}
    with pytest.raises(BadInput, match=r"found 999 steps, .*allowed: at least 1000") as refused:
        toy(method)
    assert refused.value.key == "method.layerwise_epochs"
    toy({**method, "layerwise_epochs": 1000})
    toy({**method, "layerwise_lr": 1.1e-3})
    resolve_trial({"method": {"name": "magnitude", "layerwise_epochs": 1}, "data": "digits", "model": "mlp"}, KNOWN)


def test_the_program_s_defaults() -> None:
    config = LayerwiseConfig()
    assert (config.layerwise_alpha, config.layerwise_lr, config.layerwise_mask_start) == (0.1, 1e-3, 0.3)
    assert config.layerwise_epochs == 20_000

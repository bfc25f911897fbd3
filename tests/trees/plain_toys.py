"""What the toys do between trainings, and their trainings, in terms of a plain loop."""

from __future__ import annotations

import hashlib
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from sparsetune.base.seeds import mix
from sparsetune.config.trial import TrialConfig
from sparsetune.training.randomness import seed_piece

from .plain import Loss, Plain, Weights
from .walking import STEPS

CPU = torch.device("cpu")
LENGTH = 2 * STEPS  # of a toy's training, unless it says otherwise


def largest(weights: Weights, count: int) -> dict[str, Tensor]:
    """Masks that leave so many."""
    everything = torch.cat([each.abs().flatten() for each in weights.values()])
    limit = everything.sort(descending=True).values[count - 1]
    masks = {name: each.abs() >= limit for name, each in weights.items()}
    assert sum(int(mask.sum()) for mask in masks.values()) == count, "no two weights are equal there"
    return masks


def fit(plain: Plain, steps: int, lr: float) -> None:
    """Steps with noise on the first 64 samples."""
    inputs, targets = plain.data.train.inputs[:64], plain.data.train.targets[:64]
    for number in range(steps):
        seed_piece(plain.seed, "train", "before 0 0", number, CPU)
        noise = torch.randn(())
        parameters = list(plain.network.parameters())
        gradients = torch.autograd.grad(cross_entropy(plain.network(inputs), targets), parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.sub_(lr * (1 + noise) * gradient)


def cut(plain: Plain, units: int) -> None:
    """A smaller network with an optimiser of its own takes over what is left of weights and moments."""
    norms = plain.prunable["linear1.weight"].norm(dim=1).tolist()
    kept = torch.tensor(sorted(sorted(range(len(norms)), key=lambda unit: -norms[unit])[: len(norms) - units]))
    dims = {"linear1.weight": 0, "linear1.bias": 0, "linear2.weight": 1}

    def left(name: str, tensor: Tensor) -> Tensor:
        return tensor.index_select(dims[name], kept) if name in dims and tensor.ndim else tensor

    before, moments = plain.weights(), plain.optimizer.state_dict()["state"]
    names = [name for name, _ in plain.network.named_parameters()]
    plain.network = plain.built(plain.config.model.model_copy(update={"hidden": (len(kept),)}))
    plain.network.load_state_dict({name: left(name, value) for name, value in before.items()})
    plain.optimizer = plain.new_optimizer()
    state = {at: {key: left(names[at], each) for key, each in found.items()} for at, found in moments.items()}
    plain.optimizer.load_state_dict({**plain.optimizer.state_dict(), "state": state})


def reinitialise(plain: Plain, stage: str) -> None:
    named = int.from_bytes(hashlib.sha256(stage.encode()).digest()[:8], "big")
    generator = torch.Generator().manual_seed(mix(plain.seed, named))
    for weight in plain.prunable.values():
        weight.copy_(torch.randn(weight.shape, generator=generator) * 0.1)
    plain.wear()


def shuffle(plain: Plain, stage: str) -> None:
    seed_piece(plain.seed, stage, "before 0 2", 0, CPU)
    for name, mask in plain.masks.items():
        plain.masks[name] = mask.flatten()[torch.randperm(mask.numel())].reshape(mask.shape)
    plain.wear()


CONTROLS = {"reinit": reinitialise, "shuffled": shuffle}


def comb(config: TrialConfig, arm: str) -> tuple[list[Loss], dict[str, Weights]]:
    """An arm's rows, and its results by name: what leaves the chain at a level is trained in a copy of all there is."""
    method: Any = config.method
    spine = Plain(config)
    spine.through(LENGTH, horizon=LENGTH, keep=5)
    ticket = arm == "ticket"
    rows, ends = (spine.rows, {"level 0 last": spine.weights()}) if ticket else ([], {})
    path = "level 0"
    for level in range(1, method.levels + 1):
        above, path = path, f"{path}/level {level}"
        left = sum(int(torch.count_nonzero(each)) for each in spine.prunable.values())
        spine.masks = largest(spine.prunable, round(method.kept * left))
        weights, spine.place = spine.kept
        spine.network.load_state_dict(weights)
        spine.wear()
        spine.rows = []
        name, tooth = (path, spine) if ticket else (f"{above}/level {level} {arm}", deepcopy(spine))
        if not ticket:
            CONTROLS[arm](tooth, name)
            tooth.optimizer = tooth.new_optimizer()
        for each in {id(spine): spine, id(tooth): tooth}.values():
            each.through(8, 4, after=5, horizon=5 + 8)
        rows = [*rows, *tooth.rows]
        ends |= {f"{name} last": tooth.weights(), f"{name} best": tooth.best}
    return rows, ends


def deltas(config: TrialConfig, delta: float) -> Plain:
    """Train, prune as long as the loss on training data allows, fine-tune."""
    method: Any = config.method
    plain, train = Plain(config), Plain(config).data.train
    horizon = LENGTH + STEPS * method.finetune
    plain.through(LENGTH, horizon=horizon)
    limit, before = plain.loss(train) * (1 + delta), plain.weights()
    total = sum(weight.numel() for weight in plain.prunable.values())
    plain.masks = {name: torch.ones_like(weight, dtype=torch.bool) for name, weight in plain.prunable.items()}
    for kept in (0.8, 0.6, 0.4, 0.2):
        allowed, plain.masks = plain.masks, largest(plain.prunable, round(kept * total))
        plain.wear()
        if plain.loss(train) > limit:
            plain.network.load_state_dict(before)
            plain.masks = allowed
            plain.wear()
            break
    if method.finetune:
        plain.through(horizon - LENGTH, after=LENGTH, horizon=horizon)
    else:
        plain.rows.append((None, plain.loss(plain.data.val)))
    return plain

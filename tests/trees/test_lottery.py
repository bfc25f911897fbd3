"""Lottery tickets against plain torch loops, and what holds of a chain wherever it stands."""

from __future__ import annotations

import math
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.utils import prune

from sparsetune.base.messages import Result
from sparsetune.config.trial import TrialConfig
from sparsetune.sparsity.methods.lottery import LotteryConfig, LotteryTicket
from sparsetune.training.keys import digest_of_state
from sparsetune.training.left.files import leave_files
from sparsetune.training.randomness import seed_piece
from sparsetune.training.trainer import Trainer

from .plain import Loss, Plain, Weights
from .test_plain import assert_rows, assert_weights, toy, trained
from .walking import KNOWN, NETWORK, STEPS, branches

CPU = torch.device("cpu")
ARMS = ("ticket", "reinit_same_mask", "reinit_own_chain", "random_mask", "one_shot")
ADAM = {"optimizer": "adam", "lr": 0.02, "schedule": {"name": "cosine", "per": "step"}}
LENGTH, EVERY = 16, 6  # steps: nine are an epoch


def lottery(*, rewind: str = "5it", levels: int = 2, fraction: float = 0.4, **others: Any) -> TrialConfig:
    method = {"name": "lottery", "levels": levels, "prune_fraction": fraction, "rewind": rewind}
    return toy(method, **{"epochs": None, "iterations": LENGTH, "evaluate": f"{EVERY}it", **others})


def cut_back(plain: Plain, fraction: float, levels: int = 1) -> None:
    """By torch.nn.utils.prune, on a network of its own: a fraction of each layer, half of it of the last."""
    copied = deepcopy(plain.network)
    layers = [module for module in copied.modules() if isinstance(module, torch.nn.Linear)]
    for name, layer in zip(plain.prunable, layers, strict=True):
        share = fraction / 2 if layer is layers[-1] else fraction
        left = int(plain.masks[name].sum()) if name in plain.masks else layer.weight.numel()
        if name in plain.masks:
            prune.custom_from_mask(layer, "weight", plain.masks[name])  # type: ignore[no-untyped-call]
        for _ in range(levels):
            count = round(share * left)
            prune.l1_unstructured(layer, "weight", amount=count)  # type: ignore[no-untyped-call]
            left -= count
        plain.masks[name] = layer.weight_mask.bool()


def rewind(plain: Plain) -> None:
    weights, plain.place = plain.kept
    plain.network.load_state_dict(weights)
    plain.wear()


def redraw(plain: Plain, stage: str) -> None:
    seed_piece(plain.seed, stage, "before 0 1", 0, CPU)
    plain.network.load_state_dict(plain.built(plain.config.model).state_dict())
    plain.place = plain.place._replace(epoch=0, step=0)
    plain.wear()


def shuffle(plain: Plain, stage: str) -> None:
    seed_piece(plain.seed, stage, "before 0 1", 0, CPU)
    for name, mask in plain.masks.items():
        plain.masks[name] = mask.flatten()[torch.randperm(mask.numel())].reshape(mask.shape)
    rewind(plain)


class Chains:
    """The chains of a config in plain loops, from the dense network's end."""

    def __init__(self, config: TrialConfig, kept_at: int) -> None:
        self.method: Any = config.method
        self.kept_at = kept_at
        self.dense = Plain(config)
        self.start = self.dense.weights(), self.dense.place
        self.dense.through(LENGTH, EVERY, horizon=LENGTH, keep=kept_at)
        if not kept_at:
            self.dense.kept = self.start

    def level(self, plain: Plain, name: str, *, again: bool = False) -> tuple[list[Loss], dict[str, Weights]]:
        """Train it as a level, and say what it has come to."""
        plain.rows, plain.optimizer = [], plain.new_optimizer()
        after = 0 if again else self.kept_at
        plain.through(LENGTH - after, EVERY, after=after, horizon=LENGTH)
        return plain.rows, {f"{name} best": plain.best, f"{name} last": plain.weights()}

    def of(self, arm: str) -> tuple[list[Loss], dict[str, Weights]]:
        """Rows and results of an arm."""
        rows, ends = list(self.dense.rows), {"level 0 best": self.dense.best, "level 0 last": self.dense.weights()}
        spine, own, path, own_path = deepcopy(self.dense), deepcopy(self.dense), "level 0", "level 0"
        for level in range(1, self.method.levels + 1):
            name, own_name = f"{path}/level {level} {arm}", f"{own_path}/level {level} {arm}"
            before, path = deepcopy(spine), f"{path}/level {level}"
            cut_back(spine, self.method.prune_fraction)
            tooth = deepcopy(before)
            tooth.masks = dict(spine.masks)
            rewind(spine)
            of_spine = self.level(spine, path)
            if arm == "ticket":
                more = of_spine
            elif arm == "reinit_same_mask":
                redraw(tooth, name)
                more = self.level(tooth, name, again=True)
            elif arm == "random_mask":
                shuffle(tooth, name)
                more = self.level(tooth, name)
            elif arm == "reinit_own_chain":
                own_path = own_name
                cut_back(own, self.method.prune_fraction)
                redraw(own, own_path)
                more = self.level(own, own_path, again=True)
            else:
                shot = deepcopy(self.dense)
                cut_back(shot, self.method.prune_fraction, level)
                rewind(shot)
                more = self.level(shot, f"level 0/level {level} one_shot" if level > 1 else "level 0/level 1")
            rows, ends = [*rows, *more[0]], {**ends, **more[1]}
        return rows, ends


@pytest.mark.parametrize("kept_at", [0, 5])
@pytest.mark.parametrize("training", [{}, ADAM], ids=["sgd", "adam, cosine"])
def test_arms_equal_plain_loops(training: dict[str, Any], kept_at: int) -> None:
    """Each by a loop of its own, forked here."""
    config = lottery(rewind=f"{kept_at}it", **training)
    trainer, ends = trained(config, branches(config, "arm", ARMS))
    for arm in ARMS:
        rows, wanted = Chains(config, kept_at).of(arm)
        assert_rows(trainer, arm, rows)
        assert [each.name for each in trainer.results.of_run(arm)] == list(wanted)
        for name, weights in wanted.items():
            assert_weights(ends[arm][name], weights)


@pytest.mark.parametrize(
    "training", [{**ADAM, "weight_decay": 0.1}, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}]
)
def test_what_holds_wherever_a_chain_stands(training: dict[str, Any]) -> None:
    """What is pruned is 0.0 (not -0.0) and stays; what is rewound to never changes; negative weights learn."""
    trainer = Trainer(lottery(levels=3, **training), registries=KNOWN)
    first, started = trainer.network.state_dict(), dict[str, Tensor]()
    masks: dict[str, Tensor] = {}
    start, moved = "", 0
    while trainer.go_on():
        session = trainer.session
        for name, mask in session.masks.items():
            gone = session.prunable[name].detach()[~mask]
            assert gone.view(torch.int32).count_nonzero() == 0, "to the last bit"
            assert not (mask & ~masks.get(name, mask)).any()
        masks = dict(session.masks)
        kept = session.snapshots.get("start")
        if kept is not None:
            assert digest_of_state({name: part for name, part in kept.items() if name != "key"}) == kept["key"]
            start = start or kept["key"]
            assert kept["key"] == start, "also its biases"
            started = kept["network"]
        if started and masks:
            negative = {name: (started[name] < 0) & mask for name, mask in masks.items()}
            now = {name: session.prunable[name].detach() for name in masks}
            moved += sum(int((now[name] != started[name])[left].sum()) for name, left in negative.items())
            assert all((now[name] != started[name])[left].all() for name, left in negative.items() if left.any())
        for due in trainer.due:
            trainer.measure(due)
    assert set(first) == {*started}
    assert moved > 0


def test_the_chain_is_trained_once() -> None:
    """Five arms of eight levels: the dense level, the chain, and four controls' own trainings at each level, but for
    the first of one_shot, which is the chain's.
    """
    config = lottery(levels=8, rewind="0it", fraction=0.2)
    trainer, _ = trained(config, branches(config, "arm", ARMS))
    assert len(trainer.union.nodes) == 1 + 8 + 3 * 8 + 7
    assert trainer.epochs * STEPS == pytest.approx((1 + 8 + 3 * 8 + 7) * LENGTH)
    costs = {arm: [each.metrics["samples_trained"] for each in trainer.results.of_run(arm)][-1] for arm in ARMS}
    took = [trainer.results.of_run(arm)[-1].metrics["own_time_min"] for arm in ARMS]
    written = {
        trainer.journal.keys[node.number]: trainer.journal.of(node, node.views[0]) for node in trainer.union.nodes
    }
    assert sum(took) * 60 == pytest.approx(sum(each.last.cost.seconds for each in written.values() if each.last))
    assert all(own > 0 for own in took)
    assert costs["one_shot"] * 9 == costs["ticket"] * 2 == costs["reinit_own_chain"] * 2, "each as if alone"


@pytest.mark.parametrize(
    ("arm", "at", "trained_levels", "shown"),
    [
        ("ticket", (2,), [0, 1, 2, 3], [0, 1, 2, 3]),
        ("reinit_same_mask", (1, 2), [0, 1, 1, 2], [0, 1, 2]),
        ("random_mask", (3,), [0, 1, 2, 3], [0, 3]),
        ("reinit_own_chain", (2,), [0, 1, 2], [0, 2]),
        ("one_shot", (1, 3), [0, 1, 3], [0, 1, 3]),
    ],
)
def test_arms_at_some_levels(arm: str, at: tuple[int, ...], trained_levels: list[int], shown: list[int]) -> None:
    config = lottery(levels=3)
    part = config.method.model_copy(update={"arm": arm, "arms_at": at})
    trainer = Trainer(config, {arm: part}, registries=KNOWN)
    assert sorted(int(node.stage.name.split()[1]) for node in trainer.union.nodes) == trained_levels
    looked = [node for node in trainer.union.nodes if node.views[0].view.results]
    assert sorted(int(node.stage.name.split()[1]) for node in looked) == shown
    assert all(bool(node.views[0].view.keep_row) == (node in looked) for node in trainer.union.nodes)


def results(*levels: tuple[float, float]) -> list[Result]:
    """Of densities and accuracies; at a level's end they are another's."""
    made = []
    for density, accuracy in levels:
        for which, value in (("best", accuracy), ("last", 0.0 if density == 1 else 1.0)):
            metrics = {"density": density, "val_accuracy": value, "test_accuracy": value / 2}
            made.append(Result("level", which, 1, 1, metrics))  # type: ignore[arg-type]
    return made


@pytest.mark.parametrize(
    ("levels", "matching"),
    [
        (((1.0, 0.95), (0.8, 0.96), (0.6, 0.945), (0.5, 0.94)), 0.6),  # 0.945 is 0.005 below
        (((1.0, 0.95), (0.8, 0.9), (0.6, 0.95)), 0.6),  # a level may fail before one that does not
        (((1.0, 0.95), (0.8, 0.9)), 1.0),
    ],
)
def test_matching_density_by_hand(levels: tuple[tuple[float, float], ...], matching: float) -> None:
    config = LotteryConfig(matching_tolerance=0.0051)
    of_all = LotteryTicket.over_results(config, results(*levels))
    accuracy = dict(levels)[matching]
    assert of_all == {
        "dense_val_accuracy": 0.95,
        "matching_density": matching,
        "matching_val_accuracy": accuracy,
        "matching_test_accuracy": accuracy / 2,
    }
    assert LotteryTicket.over_results(config, [Result("level 0", "best", 1, 1, {"density": 1.0})]) == {}


@pytest.mark.parametrize(
    ("fraction", "density", "levels"),
    [(0.2, 0.135, 9), (0.2, 0.21, 7), (0.1, 0.028, 34), (0.5, 0.9, 1), (0.2, 0.036, 15)],
)
def test_levels_that_come_nearest_to_a_density(fraction: float, density: float, levels: int) -> None:
    config = LotteryConfig(prune_fraction=fraction, target_density=density)
    assert (config.levels, config.depth) == (None, levels)
    nearest = min(range(1, 60), key=lambda each: abs(math.log((1 - fraction) ** each / density)))
    assert nearest == levels


def test_a_model_that_draws_batch_norm_has_its_statistics_back() -> None:
    """Weights that are drawn anew begin with statistics that know nothing; scale and shift are never pruned."""
    model = {**NETWORK, "batch_norm": True}
    config = toy({"name": "lottery", "levels": 1}, model, epochs=1)
    trainer = Trainer(config, branches(config, "arm", ("ticket", "reinit_same_mask")), registries=KNOWN)
    assert all("norm" not in name for name in trainer.session.prunable)
    seen = {}
    while trainer.go_on():
        seen[trainer.node.path] = {n: int(v) for n, v in trainer.network.state_dict().items() if "num_batches" in n}
        for due in trainer.due:
            trainer.measure(due, partial(lambda numbers: None))
    assert [set(each.values()) for each in seen.values()] == [{STEPS}] * 3


def test_a_level_leaves_mask_and_weights(tmp_path: Path) -> None:
    """Each in a folder of its own but the last, where a run's files lie; they load without running code."""
    config = lottery(levels=2)
    trainer = Trainer(config, registries=KNOWN)
    folders = {}
    while trainer.go_on():
        for due in trainer.due:
            folder = folders[f"{trainer.node.path} {due.which}"] = tmp_path / str(len(folders))
            trainer.measure(due, partial(leave_files, trainer, [folder], {}))
    assert list(folders)[-2:] == ["level 0/level 1/level 2 best", "level 0/level 1/level 2 last"]
    before: dict[str, Tensor] = {}
    for name, folder in folders.items():
        weights = load_file(folder / "weights.safetensors")
        if name.startswith("level 0 "):
            assert not (folder / "masks.safetensors").exists(), "the dense network has none"
            continue
        masks = load_file(folder / "masks.safetensors")
        assert all(mask.dtype == torch.bool and not weights[key][~mask].any() for key, mask in masks.items())
        assert all(not (mask & ~before.get(key, mask)).any() for key, mask in masks.items())
        before = masks


@pytest.mark.parametrize(
    ("arm", "left"),
    [
        ("reinit_same_mask", ["level 0", "level 0/level 1 reinit_same_mask"]),
        ("one_shot", ["level 0", "level 0/level 1", "level 0/level 2 one_shot"]),
    ],
)
def test_the_clock_counts_all_that_is_trained(arm: str, left: list[str]) -> None:
    """Each level takes two thirds of what there is, so the second ends the walk; a silent one is no result."""
    config = lottery(levels=4, rewind="0it", max_minutes=60.0)
    part = config.method.model_copy(update={"arm": arm})
    trainer = Trainer(config.model_copy(update={"method": part}), registries=KNOWN)
    begun = {"level 0"}
    while not trainer.done and trainer.go_on():
        if trainer.node.path not in begun:
            trainer.session.cost.seconds += 2400
        begun.add(trainer.node.path)
        for due in trainer.due:
            trainer.measure(due)
    assert list(dict.fromkeys(each.stage for each in trainer.results.of_run(""))) == left
    assert len(begun) == 3


def test_clipping_looks_at_what_is_left() -> None:
    """The norm of a step's gradients is the largest that is allowed, of the weights that remain by themselves."""
    config = lottery(levels=1, fraction=0.9, rewind="0it", clip_grad_norm=1e-4)
    trainer = Trainer(config, registries=KNOWN)
    while trainer.go_on():
        for due in trainer.due:
            trainer.measure(due)
    gradients = [parameter.grad for parameter in trainer.network.parameters() if parameter.grad is not None]
    for name, mask in trainer.session.masks.items():
        gradient = trainer.session.prunable[name].grad
        assert gradient is not None
        assert not gradient[~mask].any()
    assert float(sum(each.double().square().sum() for each in gradients)) ** 0.5 == pytest.approx(1e-4, rel=1e-3)


@pytest.mark.parametrize(("rewind", "at"), [(0.25, 4), ("1ep", 9), ("4it", 4), (0.0, 0)])
def test_rewinding_in_epochs_and_iterations(rewind: str | float, at: int) -> None:
    """Of a level of two epochs, which are 18 iterations."""
    config = toy({"name": "lottery", "levels": 1, "rewind": rewind}, epochs=2)
    trainer = Trainer(config, registries=KNOWN)
    list(trainer)
    assert trainer.session.snapshots["start"]["counters"]["epochs"] == at // STEPS
    assert trainer.record[-1].iterations == 18 + 18 - at
    assert trainer.record[-1].metrics["best_iteration"] <= 18


def test_settings_that_mean_the_same_are_one() -> None:
    """Levels from a density, what convolutions have by default, all levels at which there are arms."""
    whole = LotteryTicket.canonical(LotteryConfig(levels=9))
    assert whole == LotteryTicket.canonical(LotteryConfig(target_density=0.135))
    assert whole == LotteryTicket.canonical(LotteryConfig(target_density=0.134, conv_prune_fraction=0.2))
    assert whole == LotteryTicket.canonical(LotteryConfig(levels=9, arms_at=(*range(9, 0, -1), 3)))
    assert whole != LotteryTicket.canonical(LotteryConfig(levels=9, arms_at=(9,)))
    assert whole != LotteryTicket.canonical(LotteryConfig(levels=9, conv_prune_fraction=0.1))
    training = toy({"name": "lottery"}).training
    for same in (LotteryConfig(target_density=0.5, arms_at=(3, 1)), LotteryConfig(arm="one_shot", arms_at=(2,))):
        assert LotteryTicket.tree(same, training) == LotteryTicket.tree(LotteryTicket.canonical(same), training)

"""Trees of every kind: what branches have in common is trained once, and each is as a run of its own."""

from __future__ import annotations

from typing import Any

import pytest

from sparsetune.training.trainer import Trainer

from .walking import KNOWN, STEPS, all_told, branches, measure, restarted_everywhere, told, toy, walked

ADAM = {"optimizer": "adam", "lr": 0.02, "schedule": {"name": "cosine", "per": "step"}, "keep": "best"}
ARMS = ("ticket", "reinit", "shuffled")
LOTTERY_ARMS = ("ticket", "reinit_same_mask", "reinit_own_chain", "random_mask", "one_shot")
LOTTERY = {"name": "lottery", "levels": 2, "prune_fraction": 0.4, "rewind": "5it"}
TAMADE = {
    "name": "drr",
    "alpha": 1e-4,
    "finetune_epochs": 1,
    "shrinking": True,
    "smoothing_window": 4,
    "prune_window": 2,
}
PMMP = {
    "name": "pmmp",
    "alpha": 0.01,
    "initial_u": 0.5,
    "finetune_epochs": 1,
    "shrinking": True,
    "smoothing_window": 4,
    "prune_window": 2,
    "shrinking_margin": 9.0,
}
DELETION = {**TAMADE, "alpha": 3e-3, "shrinking_margin": 9.0, "delete_neurons": True}
FIT = {"layerwise_lr": 0.01, "layerwise_epochs": 150}
LAYERWISE = {"name": "layerwise", "finetune_epochs": 1, **FIT}
SHRINKING = {**TAMADE, **FIT, "layerwise_pruning": True, "layerwise_alpha": 0.01}
ITERATIONS = {"epochs": None, "iterations": 16, "evaluate": "7it", "weight_decay": 1e-3}
STUDENT = {"data": "teacher_student", "loss": "gauss", "optimizer": "adam", "lr": 0.02}
DELTAS = (0.0, 0.1, 0.15, 1.0)  # two of them end in the same mask
FORKS: dict[str, tuple[dict[str, Any], str, tuple[Any, ...], dict[str, Any]]] = {
    "comb": ({"name": "comb", "levels": 2}, "arm", ARMS, {}),
    "comb, adam": ({"name": "comb", "levels": 2}, "arm", ARMS, ADAM),
    "lottery": (LOTTERY, "arm", LOTTERY_ARMS, {**ADAM, **ITERATIONS}),
    "tamade": (TAMADE, "delta", (0.05, 0.3, 1.0), {"optimizer": "adam", "lr": 0.02, "epochs": 3}),
    "tamade, gauss": (TAMADE, "delta", (0.02, 0.1, 0.2), {**STUDENT, "epochs": 20, "keep": "best"}),
    "deletion": (DELETION, "delta", (0.3, 1.0), {"optimizer": "adam", "lr": 0.02, "epochs": 9}),
    "pmmp, deletion": ({**PMMP, "delete_neurons": True}, "delta", (0.05, 0.3), {**ADAM, "epochs": 9}),
    "pmmp": (PMMP, "delta", (0.05, 0.3, 1.0), {"optimizer": "adam", "lr": 0.02, "epochs": 9}),
    "layerwise": (LAYERWISE, "layerwise_alpha", (0.1, 10.0), {"optimizer": "adam", "lr": 0.02}),
    "layerwise, shrinking": (SHRINKING, "delta", (0.1, 1.0), {"optimizer": "adam", "lr": 0.02, "epochs": 3}),
    "deltas": ({"name": "deltas"}, "delta", DELTAS, {}),
    "deltas, adam": ({"name": "deltas", "finetune": 1}, "delta", (0.1, 0.15), ADAM),
    "deltas without fine-tuning": ({"name": "deltas", "finetune": 0}, "delta", DELTAS, {}),
}
QUICK = ("comb", "lottery", "tamade", "deletion", "pmmp", "layerwise", "deltas, adam", "deltas without fine-tuning")
COURSES: dict[str, tuple[Any, dict[str, Any]]] = {
    "procedure": ({"name": "course", "fit": 3}, {}),
    "shrinking": ({"name": "course", "shrink": True}, {"epochs": 5}),
    "shrinking, adam": ({"name": "course", "shrink": True}, {"epochs": 5, **ADAM}),
    "shapes": ({"name": "course", "cut": 4}, {}),
    "shapes, adam": ({"name": "course", "cut": 4, "fit": 2}, ADAM),
    "pmmp": ({**PMMP, "ascent_lr": 0.05, "undecided_share": 0.1}, {"epochs": 12, **ADAM}),
    "pmmp, shapes": ({"name": "cutting"}, {"epochs": 5, **ADAM}),
    "saturation": ({"name": "course", "saturate": True}, {"epochs": 12, "lr": 1.0}),
    "iterations": ("dense", {"epochs": None, "iterations": 40, "evaluate": "7it"}),
    "iterations, ast": ("ast", {"epochs": None, "iterations": 25, "evaluate": "7it", **ADAM}),
    "gauss": ("dense", {**STUDENT, "epochs": None, "iterations": 12, "evaluate": "5it", "keep": "best"}),
    "iterations, slt": ({"name": "slt", "n_dropout_layers": 1}, {"epochs": None, "iterations": 12, "evaluate": "5it"}),
}


@pytest.mark.parametrize("fork", FORKS.values(), ids=FORKS)
def test_each_branch_equals_a_run_of_its_own(fork: tuple[Any, str, tuple[Any, ...], dict[str, Any]]) -> None:
    method, name, values, training = fork
    config = toy(method, **training)
    parts = branches(config, name, values)
    forked = walked(config, parts)
    assert not forked.journal.failed
    for branch, part in parts.items():
        alone = walked(config.model_copy(update={"method": part}))
        assert told(forked, branch) == told(alone, "")
    assert len({str(told(forked, branch)[1]) for branch in parts}) >= len(parts) - 1


@pytest.mark.parametrize(
    "fork",
    [pytest.param(fork, id=name, marks=() if name in QUICK else pytest.mark.slow) for name, fork in FORKS.items()],
)
def test_a_fork_that_is_restarted_everywhere(fork: tuple[Any, str, tuple[Any, ...], dict[str, Any]]) -> None:
    method, name, values, training = fork
    config = toy(method, **training)
    parts = branches(config, name, values)
    resumed, points = restarted_everywhere(config, parts)
    assert points > len(values)
    assert all_told(resumed) == all_told(walked(config, parts))


def test_checkpoints_from_before_tasks_had_parameters() -> None:
    """Taken up at each stopping point, also where the best evaluation has been before it."""
    config = toy({"name": "deltas", "finetune": 4}, keep="best", lr=1.0)
    parts = branches(config, "delta", DELTAS)
    trainer = Trainer(config, parts, registries=KNOWN)
    while trainer.go_on():
        measure(trainer)
        if not trainer.done:
            state = without_task(trainer.state_dict())
            trainer = Trainer(config, parts, registries=KNOWN)
            trainer.load_state_dict(state)
    assert all_told(trainer) == all_told(walked(config, parts))


def without_task(state: Any) -> Any:
    if isinstance(state, dict):
        return {name: without_task(part) for name, part in state.items() if name != "task"}
    return list(map(without_task, state)) if isinstance(state, list) else state


@pytest.mark.parametrize("course", COURSES.values(), ids=COURSES)
def test_a_course_that_is_restarted_everywhere(course: tuple[Any, dict[str, Any]]) -> None:
    config = toy(course[0], **course[1])
    straight = walked(config)
    resumed, points = restarted_everywhere(config)
    assert points >= len(straight.record)
    assert all_told(resumed) == all_told(straight)


def test_the_chain_of_a_comb_is_trained_once() -> None:
    """Four levels of eight steps with two controls at each, after two epochs: 18 + 4 x 3 x 8 steps, not 3 x 50 + 64."""
    config = toy({"name": "comb"})
    forked = walked(config, branches(config, "arm", ARMS))
    assert forked.epochs * STEPS == pytest.approx(2 * STEPS + 4 * 3 * 8)
    assert len(forked.union.nodes) == 1 + 4 * 3
    assert list(forked.results.measured["ticket"])[-1] == "level 0/level 1/level 2/level 3/level 4 best"


def test_deltas_that_end_in_equal_masks_share_what_follows() -> None:
    config = toy({"name": "deltas"})
    forked = walked(config, branches(config, "delta", DELTAS))
    assert forked.epochs == pytest.approx(2 + 3 * 2), "four deltas, three fine-tunings of two epochs"
    results = [told(forked, str(delta))[1] for delta in DELTAS]
    assert results[1]["train/prune/finetune last"]["val_loss"] == results[2]["train/prune/finetune last"]["val_loss"]
    assert results[0] != results[1] != results[3]


def test_few_ends_are_kept_at_once() -> None:
    """One of a comb: that from which the next level and its controls start."""
    config = toy({"name": "comb"})
    trainer, most = Trainer(config, branches(config, "arm", ARMS), registries=KNOWN), 0
    while trainer.go_on():
        most = max(most, len(trainer.ends.aside))
    assert most == 1

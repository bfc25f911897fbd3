"""A ticket trained again gives its level's numbers, bit for bit; its controls differ from it in what they say alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from sparsetune.base.paths import TICKET
from sparsetune.config.trial import TrialConfig
from sparsetune.testing.tickets import BRIEF, LOTTERY, MLP, lottery
from sparsetune.testing.trained import run_through, trial_config
from sparsetune.training.left.ticket import OfWeights, read_ticket
from sparsetune.training.trainer import Trainer

NORMED = {
    "data": {"name": "digits", "resize": 16, "num_train": 200},
    "model": {"name": "resnet20", "width_scale": 0.25},
    "training": {"epochs": 2, "optimizer": "adam", "lr": 0.01, "batch_size": 64},
}
KINDS: dict[str, dict[str, Any]] = {
    "mlp": {},
    "the last state": {"training": {"keep": "last"}},
    "by iterations": {"training": {"epochs": None, "iterations": 25, "evaluate": "10it"}},
    "batch norm": NORMED,
    "rewound to an epoch": {"rewind": "1ep"},
    "rewound to within one": {"rewind": "15it"},
    "rewound to a share": {"rewind": 0.25, "training": {"schedule": "onecycle"}},
}


def retraining(source: Path, seed: int = 0, **changes: Any) -> TrialConfig:
    sections = {"model": MLP, **changes}
    training = {**BRIEF, **sections.pop("training", {})}
    method = {"name": "ticket_retrain", "source": str(source), **sections.pop("method", {})}
    return trial_config(method, sections.pop("model"), seed=seed, **sections, **training)


@pytest.mark.parametrize("kind", KINDS)
def test_a_level_s_training_is_repeated(tmp_path: Path, kind: str) -> None:
    sections = dict(KINDS[kind])
    rewind = sections.pop("rewind", 0.0)
    out = lottery(tmp_path, seed=3, method={**LOTTERY, "rewind": rewind}, **sections)
    state = "last" if kind == "the last state" else "best"
    for level in (1, 2):
        trainer, metrics = run_through(retraining(out, seed=3, method={"level": level, "rewind": rewind}, **sections))
        kept = out if level == 2 else next(out.glob(f"results/*_level_1_{state}"))
        weights = load_file(kept / "weights.safetensors")
        assert trainer.network.state_dict().keys() == weights.keys()
        for name, value in trainer.network.state_dict().items():
            assert torch.equal(value, weights[name]), name
        recorded = read_ticket(kept / TICKET).about.metrics
        assert {name: metrics[name] for name in recorded} == recorded
        assert metrics["density"] == pytest.approx({1: 0.44, 2: 0.2}[level], abs=0.05)


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lottery(tmp_path_factory.mktemp("left"))


def begun(config: TrialConfig) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Weights and masks after the procedures, before the first step."""
    trainer = Trainer(config)
    seen: list[Any] = []

    def look(*_: Any) -> None:
        if not seen and trainer.network.training:
            weights = {name: value.clone() for name, value in trainer.network.state_dict().items()}
            seen.append((weights, dict(trainer.session.masks)))

    trainer.network.register_forward_pre_hook(look)
    next(trainer)
    return seen[0]  # type: ignore[no-any-return]


def test_controls(left: Path) -> None:
    """Weights and masks of each, beside the ticket's."""
    controls = ("ticket", "new_weights", "shuffled", "random_mask")
    starts = {each: begun(retraining(left / TICKET, method={"arm": each})) for each in controls}
    masks = starts["ticket"][1]
    drawn = {name: value.clone() for name, value in Trainer(retraining(left / TICKET)).network.state_dict().items()}
    counts = {name: int(mask.sum()) for name, mask in masks.items()}
    assert all(0 < counts[name] < mask.numel() for name, mask in masks.items())
    for control, (others, worn) in starts.items():
        assert sum(int(mask.sum()) for mask in worn.values()) == sum(counts.values())
        same_masks = all(torch.equal(worn[name], masks[name]) for name in masks)
        assert same_masks == (control in ("ticket", "new_weights"))
        assert ({name: int(mask.sum()) for name, mask in worn.items()} == counts) == (control != "shuffled")
        for name, value in others.items():
            of_the_ticket = value == (drawn[name] * worn[name] if name in worn else drawn[name])
            assert of_the_ticket.all() == (control != "new_weights"), (control, name)


def test_controls_are_branches_with_the_numbers_of_runs_of_their_own(left: Path) -> None:
    config = retraining(left / TICKET)
    parts = {each: config.method.model_copy(update={"arm": each}) for each in ("ticket", "shuffled", "random_mask")}
    forked = Trainer(config, parts)
    while forked.go_on():
        for due in forked.due:
            forked.measure(due)
    for control in parts:
        _, alone = run_through(retraining(left / TICKET, method={"arm": control}))
        together = forked.results.of_run(control)[-1].metrics
        timeless = ("val_accuracy", "val_loss", "test_accuracy", "test_loss", "density", "train_loss")
        assert [together[name] for name in timeless] == [alone[name] for name in timeless]


def test_masks_hold_to_the_end(left: Path) -> None:
    trainer, _ = run_through(retraining(left / TICKET, seed=9, training={"lr": 0.1, "optimizer": "adam"}))
    for name, mask in trainer.session.masks.items():
        assert bool((trainer.network.state_dict()[name][~mask] == 0).all())


def test_a_ticket_of_another_seed_is_the_ticket(left: Path) -> None:
    """Where there is one of a single seed; its weights are of the ticket's seed, the order of samples of its own."""
    (mine, _), (others, _) = (begun(retraining(left / TICKET, seed=seed)) for seed in (0, 8))
    assert all(torch.equal(mine[name], others[name]) for name in mine)


def test_of_several_seeds_each_takes_its_own(tmp_path: Path) -> None:
    for seed in (1, 2):
        lottery(tmp_path / f"seed {seed}", seed=seed)
    own = {seed: begun(retraining(tmp_path, seed=seed, method={"level": 1}))[0] for seed in (1, 2)}
    for seed in (1, 2):
        alone = begun(retraining(tmp_path / f"seed {seed}", seed=seed, method={"level": 1}))[0]
        assert all(torch.equal(own[seed][name], alone[name]) for name in alone)
    assert not all(torch.equal(own[1][name], own[2][name]) for name in own[1])


def test_levels_of_arms_that_draw_anew_leave_none(tmp_path: Path) -> None:
    out = lottery(tmp_path, method={"name": "lottery", "levels": 1, "arm": "reinit_same_mask"})
    assert (out / "masks.safetensors").exists()
    assert not list(out.rglob(TICKET))


def test_a_run_says_where_its_tickets_are_from(tmp_path: Path) -> None:
    out = lottery(tmp_path, study="lth", method={"name": "lottery", "levels": 2, "arm": "random_mask"})
    about = read_ticket(out / TICKET).about
    assert isinstance(about, OfWeights)
    assert about.origin.model_dump() == {"study": "lth", "trial": 0, "level": 2, "arm": "random_mask"}
    assert about.start.model_dump() == {"iterations": 0, "epoch": 0, "step": 0}
    masks = load_file(out / "masks.safetensors")
    assert about.density == sum(int(mask.sum()) for mask in masks.values()) / sum(m.numel() for m in masks.values())
    assert json.loads(about.model_dump_json())["config"]["method"]["arm"] == "random_mask"

"""A job that is killed, wherever in its trees, goes on from where it was last saved to the same end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from sparsetune.base.failpoints import VARIABLE
from sparsetune.base.paths import ENDS
from sparsetune.config.trial import TrialConfig
from sparsetune.testing.trained import trial_config
from sparsetune.training.checkpoint import read_checkpoint
from sparsetune.training.left.saved import CHECKPOINT
from sparsetune.training.trainer import Trainer

from . import killed
from .walking import BATCH, KNOWN, NETWORK, branches

ADAM = {"optimizer": "adam", "lr": 0.02, "schedule": {"name": "cosine", "per": "step"}}
NEVER = 0  # no checkpoint has that number


@dataclass(frozen=True)
class Asked:
    """A job: a toy, which one field of may tell branches apart."""

    method: dict[str, Any] | str
    training: dict[str, Any] = field(default_factory=dict)
    over: str = ""
    values: tuple[Any, ...] = ()
    before: str = ""  # another job that leaves what it has trained

    @property
    def config(self) -> TrialConfig:
        given = {"batch_size": BATCH, "epochs": 2, "lr": 0.1, **self.training}
        return trial_config(self.method, {**NETWORK, "dropout": 0.2}, registries=KNOWN, seed=7, **given)

    @property
    def paths(self) -> list[str]:
        """Of the nodes, by number."""
        parts = branches(self.config, self.over, self.values) if self.over else None
        return [node.path for node in Trainer(self.config, parts, registries=KNOWN).union.nodes]

    @property
    def branches(self) -> dict[str, dict[str, Any]]:
        return {str(value): {f"method.{self.over}": value} for value in self.values} if self.over else {"": {}}


JOBS = {
    "fit": Asked({"name": "course", "fit": 3}),
    "iterations": Asked("dense", {"epochs": None, "iterations": 25, "evaluate": "7it"}),
    "shrinking": Asked({"name": "course", "shrink": True}, {"epochs": 5}),
    "shrinking, adam": Asked({"name": "course", "shrink": True}, {"epochs": 5, **ADAM}),
    "shapes": Asked({"name": "course", "cut": 4}, ADAM),
    "saturation": Asked({"name": "course", "saturate": True}, {"epochs": 12, "lr": 1.0}),
    "deltas": Asked({"name": "deltas"}, {}, "delta", (0.1, 0.15)),
    "lottery": Asked(
        {"name": "lottery", "levels": 2}, {"epochs": 3, "evaluate": "1ep", **ADAM}, "arm", ("ticket", "random_mask")
    ),
    "tamade": Asked(
        {"name": "drr", "alpha": 1e-4, "finetune_epochs": 1}, {"optimizer": "adam", "lr": 0.02}, "delta", (0.05, 0.3)
    ),
    "gauss": Asked(
        {"name": "drr", "alpha": 1e-4, "finetune_epochs": 1},
        {**ADAM, "data": "teacher_student", "loss": "gauss"}, "delta", (0.05, 0.3),
    ),
    "pmmp": Asked(
        {
            "name": "pmmp",
            "alpha": 0.01,
            "initial_u": 0.5,
            "finetune_epochs": 1,
            "shrinking": True,
            "prune_window": 2,
            "shrinking_margin": 9.0,
            "smoothing_window": 4,
        },
        {"optimizer": "adam", "lr": 0.02, "epochs": 9},
        "delta",
        (0.05, 0.3),
    ),
    "deletion": Asked(
        {
            "name": "drr",
            "alpha": 3e-3,
            "finetune_epochs": 1,
            "shrinking": True,
            "prune_window": 2,
            "shrinking_margin": 9.0,
            "smoothing_window": 4,
            "delete_neurons": True,
        },
        {"optimizer": "adam", "lr": 0.02, "epochs": 9},
        "delta",
        (0.3, 1.0),
    ),
    "layerwise": Asked(
        {"name": "layerwise", "finetune_epochs": 1, "layerwise_lr": 0.005, "layerwise_epochs": 250},
        {"optimizer": "adam", "lr": 0.02},
        "layerwise_alpha",
        (0.1, 5.0),
    ),
    "comb": Asked({"name": "comb", "levels": 2}, ADAM, "arm", ("ticket", "reinit", "shuffled")),
    "shorter chain": Asked({"name": "lottery", "levels": 1}, ADAM),
    "chain": Asked({"name": "lottery", "levels": 3}, ADAM, before="shorter chain"),
}  # fmt: skip
FIRST, SECOND = "level 0/level 1", "level 0/level 1/level 2"
CASES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "between pieces of a procedure": ("fit", 2, {"stage": "train", "begun": False, "pieces": 2}),
    "in a tooth": ("comb", 3, {"stage": f"{FIRST} reinit", "position": 4, "masks": 2, "snapshots": ["k"]}),
    "within an epoch": ("iterations", 2, {"stage": "train", "position": 14, "step": 5}),
    "before a cut": ("shrinking", 2, {"stage": "train", "evaluations": 2, "due": [0], "units": 12}),
    "after a cut": ("shrinking", 3, {"stage": "train", "evaluations": 3, "due": [], "units": 10}),
    "after a cut of adam's": ("shrinking, adam", 3, {"stage": "train", "evaluations": 3, "due": [], "units": 10}),
    "after a cut between stages": ("shapes", 3, {"stage": "train/second", "position": 9, "units": 8}),
    "before a rule ends the stage": ("saturation", 3, {"stage": "train", "evaluations": 3}),
    "between pieces of pruning": ("deltas", 4, {"stage": "train/prune", "begun": False, "pieces": 2}),
    "at the end of pruning": ("deltas", 6, {"stage": "train/prune", "begun": True, "position": 0, "masks": 2}),
    "in what deltas share": ("deltas", 7, {"stage": "train/prune/finetune", "position": 9, "runs": []}),
    "where it is known": ("deltas", 14, {"stage": "train/prune/finetune", "begun": False, "runs": ["7 0.1"]}),
    "after a snapshot": ("comb", 1, {"stage": "level 0", "position": 9, "snapshots": ["k"], "masks": 0}),
    "before a stage that starts from an end that is kept": (
        "comb", 6, {"stage": f"{FIRST} shuffled", "position": 8, "coming": [(FIRST, True)]},
    ),
    "in a chain of levels": ("lottery", 7, {"stage": FIRST, "position": 9, "masks": 2, "snapshots": ["start"]}),
    "in a control of its second level": ("lottery", 14, {"stage": f"{SECOND} random_mask", "position": 9}),
    "between passes of TAMADE": ("tamade", 5, {"stage": "train/prune", "begun": False, "pieces": 3}),
    "with a trained deviation": ("gauss", 6, {"stage": "train/prune", "begun": False, "pieces": 4}),
    "after shrinking by probabilities": ("pmmp", 8, {"stage": "train", "evaluations": 8, "masks": 4}),
    "between passes of TAMADE after that": ("pmmp", 15, {"stage": "train/prune", "begun": False, "masks": 4}),
    "after neurons were deleted": ("deletion", 18, {"stage": "train", "evaluations": 8, "units": 8}),
    "between steps of a layer's fit": ("layerwise", 6, {"stage": "train/prune", "begun": False, "pieces": 4}),
    "on the spine": ("comb", 7, {"stage": FIRST, "position": 4, "coming": []}),
    "on the spine's last level": ("comb", 9, {"stage": SECOND, "position": 4, "runs": []}),
    "where a run has ended": ("comb", 11, {"stage": SECOND, "position": 8, "runs": ["7 ticket"]}),
    "in a stage that another trial has trained": ("chain", 1, {"stage": "level 0", "begun": False, "position": 0}),
    "in the next one": ("chain", 3, {"stage": FIRST, "begun": False, "pieces": 0}),
    "after those": ("chain", 5, {"stage": SECOND, "begun": True, "evaluations": 1, "masks": 2}),
    "where a stage is left for others": ("chain", 6, {"stage": SECOND, "begun": True, "evaluations": 2}),
}  # fmt: skip
QUICK = ("between pieces of a procedure", "in a chain of levels")
MARKS = {name: [] if name in QUICK else [pytest.mark.slow] for name in CASES}
PASSED_AGAIN = ("where it is known", "in a stage that another trial has trained", "in the next one")
"""That stopping point: nothing is trained before it."""
EMPTIED = ("after those",)  # what others have left, before it goes on


def run(
    asked: Asked, folder: Path, name: str, at: int = NEVER, shelf: Path | None = None
) -> tuple[int, dict[str, Any] | None]:
    """Start the job; how the process has ended, and what it has left: what it told, and how often it was saved.

    Args:
        at: number of the checkpoint after which it is killed, if no process was before.
        shelf: where it leaves what others may take; else its own, if another job is to be before it.
    """
    shelf = shelf or (folder / "shelf" if asked.before else None)
    if asked.before and shelf and not shelf.exists():
        (folder / "before").mkdir()
        assert run(JOBS[asked.before], folder / "before", "before", shelf=shelf)[0] == 0
    told, described = folder / f"{name}.json", folder / "asked.json"
    described.write_text(
        json.dumps({"config": asked.config.plain(), "branches": asked.branches, "shelf": str(shelf or "")})
    )
    environment = {**os.environ, VARIABLE: f"after-checkpoint:{at}:{folder / 'died'}"}
    command = [sys.executable, "-W", "error", killed.__file__, str(described), str(told)]
    ended = subprocess.run(command, env=environment, check=False)
    return ended.returncode, json.loads(told.read_text()) if told.exists() else None


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    """What a job leaves that nobody kills."""
    found: dict[str, dict[str, Any]] = {}

    def of(job: str) -> dict[str, Any]:
        if job not in found:
            code, left = run(JOBS[job], tmp_path_factory.mktemp("straight"), "straight")
            assert code == 0
            assert left is not None
            found[job] = left
        return found[job]

    return of


def standing(asked: Asked, folder: Path) -> dict[str, Any]:
    """Where the checkpoint stands; ``coming``: stages that are still to be trained, and if their start is kept."""
    whole = read_checkpoint(folder / CHECKPOINT)
    assert whole is not None
    cursor, live, ends = (whole["training"][name] for name in ("cursor", "live", "ends"))
    paths = asked.paths
    coming = [(paths[number], (folder / ENDS / f"{start}.pt").exists()) for number, start in ends["agenda"]]
    return {
        **cursor,
        "stage": paths[cursor["node"]],
        "step": live["counters"]["step"],
        "units": len(live["network"]["linear1.weight"]),
        "masks": len(live["masks"]),
        "snapshots": list(live["snapshots"]),
        "coming": coming,
        "runs": list(whole["runs"]),
    }


@pytest.mark.parametrize("name", [pytest.param(name, marks=marks) for name, marks in MARKS.items()])
def test_a_killed_job_goes_on(name: str, straight: Callable[[str], dict[str, Any]], tmp_path: Path) -> None:
    """To the same rows and outcomes, and without doing again what had been saved."""
    job, at, wanted = CASES[name]
    code, left = run(JOBS[job], tmp_path, "killed", at)
    assert (code, left) == (-signal.SIGKILL, None)
    stands = standing(JOBS[job], tmp_path / "job")
    assert {key: stands[key] for key in wanted} == wanted
    for left_by_others in (tmp_path / "shelf").glob("*") if name in EMPTIED else ():
        left_by_others.unlink()
    code, left = run(JOBS[job], tmp_path, "resumed", at)
    assert code == 0
    assert left is not None
    assert left["told"] == straight(job)["told"]
    assert left["saved"] == straight(job)["saved"] - at + (name in PASSED_AGAIN)


@pytest.mark.slow
def test_the_chain_that_is_killed_is_that_of_one_alone(
    straight: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    """But for the note that says what it has taken."""
    asked = replace(JOBS["chain"], before="")
    code, alone = run(asked, tmp_path, "alone")
    assert (code, alone is None) == (0, False)
    assert alone is not None
    (taken,), (wanted,) = straight("chain")["told"].values(), alone["told"].values()
    assert taken["outcome"]["notes"].pop("taken") == "2 of 4 stages from the shelf"
    assert taken == wanted


@pytest.mark.slow
def test_deltas_share_their_fine_tuning(straight: Callable[[str], dict[str, Any]]) -> None:
    """What the cases above are killed in."""
    one, other = (each["outcome"]["metrics"] for each in straight("deltas")["told"].values())
    assert one["val_loss"] == other["val_loss"]
    assert one["test_loss"] == other["test_loss"]

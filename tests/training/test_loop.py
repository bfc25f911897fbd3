"""The loop calls a method as the picture in sparsity/method.py says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
import torch

from sparsetune.sparsity.methods import METHODS
from sparsetune.sparsity.session import Session
from sparsetune.sparsity.stage import Between, Stage
from sparsetune.testing.trained import restarted, run_through, same_state, trial_config, untimed
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer
from training.recorder import Recorder

pytestmark = pytest.mark.usefixtures("recorder")

SMALL = {"name": "mlp", "hidden": [4]}
TRAIN = 1_079  # samples; two batches of 1,000


def recorded(method: dict[str, Any] | None = None, **training: Any) -> tuple[Trainer, list[str]]:
    trainer, _ = run_through(trial_config({"name": "recorder", **(method or {})}, SMALL, batch_size=1000, **training))
    assert isinstance(trainer.method, Recorder)
    return trainer, trainer.method.events


def epoch_of(phase: str, epoch: int, sizes: tuple[int, ...] = (1000, 79)) -> list[str]:
    events: list[str] = []
    for size in sizes:
        events += ["before_batch", f"select {phase} {epoch}", f"forward train {size}", "penalty", "after_backward"]
        events += ["after_step"]
    return [*events, "numbers", "before_batch", "forward eval 359"]


END = [*["before_batch", "forward eval 359"] * 2, "summary"]  # all that can be said of validation and test split


def test_one_stage() -> None:
    _, events = recorded(epochs=2)
    assert events == [*epoch_of("first", 0), *epoch_of("first", 1), *END]


def test_two_stages() -> None:
    """Epochs are counted through; the test split is measured once, at the end."""
    _, events = recorded({"second_phase": 1}, epochs=3)
    assert events == [*epoch_of("first", 0), *epoch_of("first", 1), *epoch_of("first/second", 2), *END]


class Turning(Recorder):
    """A recorder with procedures before its stages, and between their evaluations."""

    turns: ClassVar[list[str]] = []
    drawn: ClassVar[list[float]] = []

    @classmethod
    def tree(cls, config: Any, training: Any) -> Stage:
        first = super().tree(config, training)
        (second,) = first.then
        second = replace(second, before=(Turn("b"), Turn("c", pieces=2)), between=(Between(1, Turn("d", pieces=1)),))
        return replace(first, before=(Turn("a"),), between=(Between(1, Turn("e")),), then=(second,))

    def numbers(self) -> dict[str, float]:
        self.turns.append(f"numbers after {self.session.at.epochs}")
        return {}

    def summary(self) -> dict[str, float]:
        self.turns.append("summary")
        return {}


@dataclass(frozen=True)
class Turn:
    """A procedure that writes down when its pieces are done, and what they draw."""

    name: str
    pieces: int = 0

    def __call__(self, session: Session, state: Any = None) -> Iterator[tuple[int, float]]:
        for piece in range(state or 0, self.pieces + 1):
            Turning.turns.append(f"{self.name}{piece} {session.at.stage} {session.at.epochs}")
            Turning.drawn.append(torch.rand(()).item())
            if piece < self.pieces:
                yield piece + 1, (piece + 1) / (self.pieces + 1)


KNOWN = replace(REGISTRIES, method=METHODS.extended({"recorder": Turning}))
TURNS = [
    "a0 first 0", "numbers after 1", "e0 first 1", "numbers after 2",
    "b0 first/second 2", "c0 first/second 2", "c1 first/second 2", "c2 first/second 2",
    "numbers after 3", "d0 first/second 3", "d1 first/second 3",
    "numbers after 4", "d0 first/second 4", "d1 first/second 4",
    "numbers after 5", "summary",
]  # fmt: skip


def turned(restarting: bool) -> list[float]:
    """Train with these procedures, and what they have drawn."""
    Turning.turns.clear()
    Turning.drawn.clear()
    config = trial_config({"name": "recorder", "second_phase": 3}, SMALL, epochs=5, registries=KNOWN)
    trainer, stops = Trainer(config, registries=KNOWN), 0
    while not trainer.done:
        stops += trainer.go_on()
        trainer = restarted(trainer, KNOWN) if restarting else trainer
    trainer.finish()
    assert stops == 5 + 2 + 1 + 1, "an evaluation, or a piece of a procedure but for its last"
    return [*Turning.drawn]


def test_procedures_run_once_before_stages_and_between_evaluations() -> None:
    """Not after a stage's last evaluation; each piece of each draws numbers of its own."""
    drawn = turned(restarting=False)
    assert Turning.turns == TURNS
    assert len({*drawn}) == len(drawn) == 1 + 1 + 1 + 3 + 2 + 2


def test_pieces_of_procedures_run_once_wherever_a_training_is_taken_up_again() -> None:
    """And draw the same."""
    assert turned(restarting=True) == turned(restarting=False)
    turned(restarting=True)
    assert Turning.turns == TURNS


def test_a_selection_is_forwarded_alone() -> None:
    trainer, events = recorded({"first_only": True}, epochs=1)
    sizes = [event for event in events if event.startswith("forward train")]
    assert sizes == [f"forward train {size}" for size in (1000, 500, 79, 39)]  # scored, then the active half
    assert (trainer.cost.drawn, trainer.cost.scored, trainer.cost.trained) == (TRAIN, TRAIN, 539)


@pytest.mark.parametrize(
    ("script", "first", "second"),
    [
        ([1, 2, 3, 4, 5], [1, 2, 3], [4, 5]),  # nothing after the first epoch is lower; the second stage is too short
        ([4, 3, 2, 1, 9, 8, 7], [1, 2, 3, 4], [5, 6, 7]),  # far above those of the first stage, and better all the time
        ([4, 3, 2, 1, 5, 6, 7, 0], [1, 2, 3, 4], [5, 6, 7]),
        ([1, 2, 3, 9, 9, 9, 0], [1, 2, 3], [4, 5, 6]),  # patience counts anew
    ],
)
def test_early_stop_ends_the_stage_and_the_next_begins(
    script: list[float], first: list[int], second: list[int]
) -> None:
    length = 2 if len(script) == 5 else 3
    method = {"script": script, "second_phase": length}
    trainer, _ = recorded(method, epochs=4 + length, early_stop_patience=2)
    assert [row.epoch for row in trainer.record if row.phase == "first"] == first
    assert [(row.epoch, row.since, row.phase) for row in trainer.record[len(first) :]] == [
        (epoch, since, "second") for since, epoch in enumerate(second, start=1)
    ]
    assert trainer.done


def test_a_schedule_is_where_the_plan_has_the_epoch() -> None:
    """Two of the first stage's four epochs are left out, and the rate is halved for each of those before the last."""
    method = {"script": [1, 2, 3, 3], "second_phase": 2}
    settings = {"schedule": {"name": "step", "every": 1, "gamma": 0.5}, "lr": 1.0, "early_stop_patience": 1}
    trainer, _ = recorded(method, epochs=6, **settings)
    assert [row.phase for row in trainer.record] == ["first", "first", "second", "second"]
    assert trainer.optimizer.param_groups[0]["lr"] == 0.5**5


def test_running_out_of_time_ends_the_training() -> None:
    _, events = recorded({"second_phase": 1}, epochs=5, max_minutes=1e-9)
    assert events == [*epoch_of("first", 0, (1000,)), *END]


def test_the_penalty_is_added_to_the_loss_that_is_trained_on() -> None:
    """2 x weight x w is sgd's weight_decay of 2 x weight; the reported loss is the task's alone."""
    settings = {"epochs": 2, "dtype": "float64", "lr": 0.1}
    penalised, with_penalty = run_through(trial_config({"name": "recorder", "penalty": 0.05}, SMALL, **settings))
    decayed, with_decay = run_through(trial_config("dense", SMALL, weight_decay=0.1, **settings))
    for ours, theirs in zip(penalised.network.parameters(), decayed.network.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)
    assert with_penalty["train_loss"] == pytest.approx(with_decay["train_loss"], rel=1e-10)


def test_a_method_that_only_looks_on_is_dense_training() -> None:
    recorder, metrics = run_through(trial_config("recorder", SMALL, epochs=2))
    dense, expected = run_through(trial_config("dense", SMALL, epochs=2))
    assert untimed(metrics) == untimed(expected)
    assert same_state(recorder.network.state_dict(), dense.network.state_dict())


def test_what_numbers_does_is_evaluated() -> None:
    """The state that a row describes is the one that the method leaves: here all logits equal."""
    trainer, _ = recorded({"script": [0.0]}, epochs=1)
    assert trainer.record[0].metrics["val_loss"] == pytest.approx(2.302585093, rel=1e-6)  # ln 10

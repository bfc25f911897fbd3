"""A training that comes first is interrupted, fails, and is shared: with the numbers of one that ran through."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from sparsetune.base.failpoints import VARIABLE
from sparsetune.base.messages import Branch, Job, Key, Metrics, Outcome, Report
from sparsetune.base.shelf import GB
from sparsetune.config.trial import TrialConfig
from sparsetune.testing.tickets import BRIEF, LOTTERY, MLP
from sparsetune.testing.trained import trial_config, untimed
from sparsetune.training.left.saved import CHECKPOINT
from sparsetune.training.randomness import Counters, Order
from sparsetune.training.trainer import Trainer
from sparsetune.training.trial import run_trial

from . import first_killed

FIRST, EPOCHS = 3 * 3, 3  # epochs of the lottery, and of what follows
EACH = "0.000001s"


def config(seed: int = 0, training: dict[str, Any] | None = None, **changes: Any) -> TrialConfig:
    first = {"method": LOTTERY, "training": {**BRIEF, "device": "cpu", **(training or {})}}
    return trial_config({"name": "ticket_retrain", "first": first}, MLP, seed=seed, **{**BRIEF, **changes})


def job(folder: Path, trial: TrialConfig | None = None, **changes: Any) -> Job:
    trial = trial or config()
    return Job(Key(0, trial.seed), trial.plain(), str(folder), **{"checkpoint_every": EACH, **changes})


def ends(reports: Iterator[Report]) -> list[tuple[Key | None, Outcome]]:
    return [(report.key, report.outcome) for report in reports if report.outcome is not None]


def metrics(reports: Iterator[Report]) -> Metrics:
    ((_, outcome),) = ends(reports)
    assert outcome.state == "COMPLETE", outcome
    return untimed(outcome.metrics)


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch, trained: list[int]) -> Callable[[int, Path], None]:
    """Makes a file as an epoch begins, counted from 1; the job looks for it after each."""

    def make(epoch: int, file: Path) -> None:
        counting = Order.next

        def making(order: Order, counters: Counters, steps: int) -> Tensor:
            drawn = counting(order, counters, steps)
            if len(trained) == epoch:
                file.touch()
            return drawn

        monkeypatch.setattr(Order, "next", making)

    monkeypatch.setattr("sparsetune.training.trial._LOOK_EVERY", EACH)
    return make


@pytest.mark.parametrize(("epoch", "saved"), [(1, EACH), (5, EACH), (8, "1000s"), (10, EACH), (10, "1000s")])
def test_one_that_is_asked_to_stop_goes_on(
    epoch: int, saved: str, tmp_path: Path, trained: list[int], reached: Callable[[int, Path], None]
) -> None:
    """Within the first training or after its nine, and no epoch is trained twice."""
    straight = metrics(run_trial(job(tmp_path / "straight")))
    assert len(trained) == FIRST + EPOCHS
    trained.clear()
    stop = tmp_path / "stop"
    reached(epoch, stop)
    stopped = job(tmp_path / "stopped", stop_file=str(stop), checkpoint_every=saved)
    assert [*run_trial(stopped)][-1] == Report(outcome=Outcome("STOPPED"))
    assert len(trained) == epoch
    assert [*run_trial(stopped)] == [Report(outcome=Outcome("STOPPED"))], "as long as it is there"
    stop.unlink()
    trained.extend([0] * 100)  # so that it is not made again
    assert metrics(run_trial(stopped)) == straight
    assert len(trained) == FIRST + EPOCHS + 100


@pytest.mark.parametrize("at", [4, pytest.param(FIRST + 4, marks=pytest.mark.slow)])
def test_one_that_is_killed_goes_on(at: int, tmp_path: Path) -> None:
    """Within the first training, and in what follows."""
    asked, out, marker = tmp_path / "asked.json", tmp_path / "told.json", tmp_path / "died"
    asked.write_text(json.dumps(config().plain()))
    environment = {**os.environ, VARIABLE: f"after-checkpoint:{at}:{marker}"}
    command = [sys.executable, "-W", "error", first_killed.__file__, str(asked), str(out)]
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    assert (tmp_path / "job" / CHECKPOINT).exists() == (at > FIRST)
    assert not out.exists()
    assert subprocess.run(command, env=environment, check=False).returncode == 0
    assert json.loads(out.read_text()) == ["COMPLETE", metrics(run_trial(job(tmp_path / "straight")))]


def test_one_that_comes_to_nothing_fails_the_runs_of_its_seed(tmp_path: Path) -> None:
    """All branches, with a reason that says so; other seeds go on."""
    fork = tuple(Branch(f"arm={arm}", {"method.arm": arm}) for arm in ("ticket", "shuffled"))
    several = job(tmp_path, config(training={"lr": 1e30}), seeds=(3, 4), branches=fork)
    told = ends(run_trial(several))
    assert [key for key, _ in told] == [Key(0, seed, branch.name) for seed in (3, 4) for branch in fork]
    for _, outcome in told:
        assert outcome.state == "FAIL"
        assert outcome.reason.startswith("the training that comes first failed: train_loss became ")


def test_the_first_training_of_another_seed_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One seed's data loss is no number; the runs of the next one are those of that seed alone."""
    real = Trainer.go_on

    def failing(trainer: Trainer) -> bool:
        if trainer.config.seed == 3 and trainer.config.method.name == "lottery":
            next(trainer.network.parameters()).data.fill_(math.nan)
        return real(trainer)

    monkeypatch.setattr(Trainer, "go_on", failing)
    (three, failed), (four, ended) = ends(run_trial(job(tmp_path / "both", config(3), seeds=(3, 4))))
    assert (three, failed.state) == (Key(0, 3), "FAIL")
    assert failed.reason.startswith("the training that comes first failed: ")
    assert (four, ended.state) == (Key(0, 4), "COMPLETE")
    assert untimed(ended.metrics) == metrics(run_trial(job(tmp_path / "alone", config(4))))


def test_trials_with_the_same_first_training_share_it_over_a_shelf(tmp_path: Path, trained: list[int]) -> None:
    """Each has the numbers of one alone."""
    shared = {"shelf": str(tmp_path / "shelf"), "shelf_bytes": GB}
    for number, lr in enumerate((0.5, 0.2)):
        alone = metrics(run_trial(job(tmp_path / f"alone {number}", config(lr=lr))))
        trained.clear()
        assert metrics(run_trial(job(tmp_path / f"shared {number}", config(lr=lr), **shared))) == alone
        assert len(trained) == EPOCHS + (0 if number else FIRST)
    trained.clear()
    metrics(run_trial(job(tmp_path / "other", config(training={"lr": 0.2}), **shared)))
    assert len(trained) == EPOCHS + FIRST

"""A lottery that is trained first gives the numbers of one that was trained alone and is named as the source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sparsetune.base.messages import Branch, Job, Key, Outcome, Row
from sparsetune.base.paths import TICKET
from sparsetune.config.trial import TrialConfig
from sparsetune.sparsity.methods.ticket_retrain import TicketRetraining
from sparsetune.testing.tickets import BRIEF, LOTTERY, MLP, lottery
from sparsetune.testing.trained import trial_config, untimed
from sparsetune.training.trial import run_trial

ARMS = ("ticket", "shuffled", "new_weights")
OTHERS: dict[str, dict[str, Any]] = {
    "all as the trial's": {},
    "other data": {"data": {"name": "digits", "num_train": 300}},
    "other optimiser": {"training": {**BRIEF, "device": "cpu", "optimizer": "adam", "lr": 0.01}},
}


def retraining(seed: int = 0, **method: Any) -> TrialConfig:
    return trial_config({"name": "ticket_retrain", **method}, MLP, seed=seed, **BRIEF)


def numbers(config: TrialConfig, folder: Path, **job: Any) -> dict[Key, tuple[list[Row], Outcome]]:
    """Rows and outcome of each run, but for timings."""
    rows: dict[Key, list[Row]] = {}
    ends: dict[Key, Outcome] = {}
    for report in run_trial(Job(Key(0, config.seed), config.plain(), str(folder), **job)):
        assert report.key is not None
        new = [replace(row, timestamp_ms=0, done=0, metrics=untimed(row.metrics)) for row in report.rows]
        rows.setdefault(report.key, []).extend(new)
        if report.outcome is not None:
            ends[report.key] = replace(report.outcome, metrics=untimed(report.outcome.metrics))
    assert {end.state for end in ends.values()} == {"COMPLETE"}
    return {key: (rows[key], end) for key, end in ends.items()}


def branches(arms: tuple[str, ...] = ARMS) -> tuple[Branch, ...]:
    return tuple(Branch(f"arm={arm}", {"method.arm": arm}) for arm in arms)


def test_it_trains_on_the_trial_s_device() -> None:
    """Whatever a section of its own that is written says."""
    first = {"method": LOTTERY, "training": {**BRIEF, "device": "auto"}}
    before = TicketRetraining.comes_first(retraining(first=first))
    assert before is not None
    assert before.training.device == "cpu"


@pytest.mark.parametrize("kind", OTHERS)
def test_it_is_the_lottery_that_was_trained_alone(tmp_path: Path, kind: str) -> None:
    """Of several seeds, each with all branches of a fork; no level is the last."""
    job: dict[str, Any] = {"seeds": (3, 4), "branches": branches()}
    for seed in job["seeds"]:
        lottery(tmp_path / "alone" / str(seed), seed=seed, **OTHERS[kind])
    first = {"method": LOTTERY, **OTHERS[kind]}
    told = {
        level: numbers(retraining(3, first=first, level=level), tmp_path / f"first {level}", **job)
        for level in (None, 1)
    }
    for level in (None, 1):
        source = str(tmp_path / "alone")
        assert told[level] == numbers(retraining(3, source=source, level=level or 2), tmp_path / f"of {level}", **job)
        assert len(told[level]) == 2 * len(ARMS)
    of_levels = [told[level][Key(0, 3, "arm=ticket")][1].metrics["density"] for level in (None, 1)]
    assert of_levels[0] < of_levels[1]


def test_its_kind_of_training_matters(tmp_path: Path) -> None:
    """Or the test above would compare what is the same anyway."""
    ends = [
        numbers(retraining(first={"method": LOTTERY, **others}), tmp_path / kind) for kind, others in OTHERS.items()
    ]
    losses = [end.metrics["val_loss"] for told in ends for _, end in told.values()]
    assert len({*losses}) == len(OTHERS)


def test_the_last_level_is_the_last_with_a_ticket(tmp_path: Path) -> None:
    """Arms may be trained at some levels only."""
    arm = {**LOTTERY, "arm": "random_mask", "arms_at": [1]}
    first, last = (
        numbers(retraining(first={"method": arm}, level=level), tmp_path / str(level)) for level in (1, None)
    )
    assert first == last


def test_a_branch_may_have_a_first_training_of_its_own(tmp_path: Path) -> None:
    """Each takes up what was trained for it."""
    fork = tuple(Branch(str(each), {"method.first.method.prune_fraction": each}) for each in (0.3, 0.6))
    together = numbers(retraining(first={"method": LOTTERY}), tmp_path / "fork", branches=fork)
    for branch in fork:
        method = {**LOTTERY, "prune_fraction": float(branch.name)}
        alone = numbers(retraining(first={"method": method}), tmp_path / branch.name)
        assert together[Key(0, 0, branch.name)] == alone[Key(0, 0)]


def test_it_costs_the_trial_nothing(tmp_path: Path) -> None:
    """What a trial says that it has trained is what comes after."""
    ((rows, end),) = numbers(retraining(first={"method": LOTTERY}), tmp_path).values()
    assert [row.epoch for row in rows] == [1, 2, 3]
    assert len(end.results) == 0
    assert len([*(tmp_path / "before").rglob(TICKET)]) > 0
    assert not (tmp_path / TICKET).exists()

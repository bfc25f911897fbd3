"""A fork over a setting that matters from the pruning step on: trained once up to there, and as if each were alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from sparsetune.base.messages import Branch, Job, Key, Metrics, Outcome, Report
from sparsetune.config.trial import resolve_trial
from sparsetune.testing.trained import untimed
from sparsetune.training.registries import registries_of
from sparsetune.training.trial import run_trial

from .files import toy

FILES = (toy(),)
KNOWN = registries_of(FILES)
STOPPED = Report(outcome=Outcome("STOPPED"))


def job(
    folder: Path, method: dict[str, Any], training: dict[str, Any], branches: Sequence[Branch] = (), **more: Any
) -> Job:
    """Three epochs, and two after pruning, unless it says otherwise."""
    raw = {
        "method": {"name": "toy", **method},
        "data": "digits",
        "model": {"name": "mlp", "hidden": [8]},
        "training": {"epochs": 3, "device": "cpu", **training},
    }
    config = resolve_trial(raw, KNOWN).plain()
    return Job(Key(0), config, str(folder), branches=tuple(branches) or (Branch(),), imports=FILES, **more)


def over(field: str, values: Iterable[Any]) -> list[Branch]:
    return [Branch(str(value), {f"method.{field}": value}) for value in values]


def ended(reports: Iterable[Report]) -> dict[str, Metrics]:
    """What each branch of a job ends with; all are complete."""
    ends = [report for report in reports if report.outcome is not None]
    assert all(report.outcome is not None and report.outcome.state == "COMPLETE" for report in ends)
    return {
        report.key.branch: untimed(report.outcome.metrics, KNOWN)
        for report in ends
        if report.key is not None and report.outcome is not None
    }


@pytest.mark.parametrize(
    "training", [{}, {"optimizer": "adam", "schedule": "cosine"}, {"keep": "best"}], ids=["sgd", "adam", "best"]
)
@pytest.mark.parametrize(
    ("field", "values"), [("density", [0.1, 0.3, 0.5]), ("mc_samples", [0, 3])], ids=["density", "mc_samples"]
)
def test_branches_equal_separate_trainings(
    field: str, values: list[Any], training: dict[str, Any], tmp_path: Path
) -> None:
    """The optimiser's momentum at the fork is each branch's own."""
    dropout = {"n_dropout_layers": 1, "p_dropout": 0.2}
    forked = ended(run_trial(job(tmp_path / "forked", dropout, training, over(field, values))))
    for value in values:
        alone = ended(run_trial(job(tmp_path / str(value), {**dropout, field: value}, training)))
        assert forked[str(value)] == alone[""]
    assert len({metrics["val_loss"] for metrics in forked.values()}) == len(values)


@pytest.mark.parametrize("field", ["density", "finetune_epochs"])
def test_patience_ends_what_branches_share_as_it_ends_each_alone(field: str, tmp_path: Path) -> None:
    values = {"density": (0.1, 0.5), "finetune_epochs": (1, 3)}[field]
    training = {"epochs": 40, "lr": 2.0, "early_stop_patience": 1}
    forked = ended(run_trial(job(tmp_path / "forked", {}, training, over(field, values))))
    for value in values:
        alone = ended(run_trial(job(tmp_path / str(value), {field: value}, training)))
        assert forked[str(value)] == alone[""]
        assert forked[str(value)]["density"] < 0.6
        assert 2 < forked[str(value)]["best_epoch"] < 40


@pytest.mark.parametrize("schedule", ["constant", {"name": "step", "every": 2, "gamma": 0.5}], ids=str)
@pytest.mark.parametrize("lengths", [(1, 3), (3, 1)], ids=str)
def test_branches_may_be_of_different_length(schedule: Any, lengths: tuple[int, int], tmp_path: Path) -> None:
    training = {"schedule": schedule}
    forked = ended(run_trial(job(tmp_path / "forked", {}, training, over("finetune_epochs", lengths))))
    for epochs in lengths:
        alone = ended(run_trial(job(tmp_path / str(epochs), {"finetune_epochs": epochs}, training)))
        assert forked[str(epochs)] == alone[""]


@pytest.mark.parametrize("schedule", ["cosine", "onecycle"])
@pytest.mark.parametrize("lengths", [(1, 3), (3, 1)], ids=str)
def test_branches_of_different_length_share_nothing_where_a_schedule_spans_all(
    schedule: str, lengths: tuple[int, int], tmp_path: Path, trained: list[int]
) -> None:
    """Each epoch has another learning rate in each of them."""
    training = {"schedule": schedule}
    forked = ended(run_trial(job(tmp_path / "forked", {}, training, over("finetune_epochs", lengths))))
    assert trained == [epoch for epochs in lengths for epoch in range(3 + epochs)]
    for epochs in lengths:
        alone = ended(run_trial(job(tmp_path / str(epochs), {"finetune_epochs": epochs}, training)))
        assert forked[str(epochs)] == alone[""]


def asked_to_stop(running: Iterator[Report], where: str, stop: Path) -> list[Report]:
    """The reports of a job that is asked to stop before the last epoch that is shared, or when a branch has ended."""
    heard = []
    for report in running:
        heard.append(report)
        in_trunk = [row.epoch for row in report.rows] == [2]
        if in_trunk if where == "where branches part" else report.outcome is not None:
            stop.touch()
    return heard


@pytest.mark.parametrize(
    ("where", "before", "after"),
    [("where branches part", [0, 1, 2], [3, 4, 3, 4]), ("in the second branch", [0, 1, 2, 3, 4, 3], [4])],
)
def test_a_fork_that_is_asked_to_stop_repeats_nothing(
    where: str,
    before: list[int],
    after: list[int],
    tmp_path: Path,
    trained: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sparsetune.training.trial._LOOK_EVERY", "1ep")
    branches, stop = over("density", (0.1, 0.5)), tmp_path / "stop"
    straight = ended(run_trial(job(tmp_path / "straight", {}, {}, branches)))
    trained.clear()
    forked = job(tmp_path / "stopped", {}, {}, branches, stop_file=str(stop), checkpoint_every="9ep")
    heard = asked_to_stop(run_trial(forked), where, stop)
    assert (trained, heard[-1]) == (before, STOPPED)
    assert list(ended(heard[:-1])) == ([] if where == "where branches part" else ["0.1"])
    stop.unlink()
    trained.clear()
    assert ended(run_trial(forked)) == straight
    assert trained == after

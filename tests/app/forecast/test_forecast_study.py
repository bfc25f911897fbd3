"""What of a study is left to be run, where, and what is reckoned from its probes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sparsetune.app.forecast.estimate import Probed
from sparsetune.app.forecast.machine import Room, find_room
from sparsetune.app.forecast.probe import Process
from sparsetune.app.forecast.study import Forecast, forecast, reckon, trials_left
from sparsetune.app.parts import visible_gpus
from sparsetune.app.study import load
from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Key, Run, State
from sparsetune.base.surroundings.processors import processors
from sparsetune.config.study.study import Study
from sparsetune.testing.studies import write_study

PROBED = Probed(
    ended=True,
    epochs=4.0,
    rows=4,
    planned=4,
    epoch_seconds=0.25,
    fixed_seconds=1.0,
    metrics=10,
    files={"weights.safetensors": 1_000},
    checkpoint_bytes=300.0,
)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


def small(root: Path, **changes: Any) -> Study:
    return load(write_study(root, **changes))


def run_trials(study: Study, states: Sequence[State]) -> None:
    """Fill the study's storage without training; RUNNING is a trial that was cut short."""
    from sparsetune.search.ledger import Ledger
    from sparsetune.search.points import Points

    ledger = Ledger(study, {}, print, points=Points.of(study, print))
    values = {objective.metric: 0.5 for objective in study.objectives}
    for state in states:
        trial = ledger.ask()
        while trial.state != "RUNNING":  # taken over
            trial = ledger.ask()
        if state != "RUNNING":
            ledger.tell(trial.number, state, [Run(Key(trial.number), state, values)])


def test_a_new_study_has_all_its_trials_left(tmp_path: Path) -> None:
    assert trials_left(small(tmp_path)) == (0, 5)
    assert not (tmp_path / "mlruns").exists()


def test_what_has_ended_is_not_done_again_and_what_was_cut_short_is(tmp_path: Path) -> None:
    study = small(tmp_path)
    study.project.runs.mkdir()
    run_trials(study, ["COMPLETE", "FAIL", "RUNNING"])
    assert trials_left(study) == (2, 3)
    assert trials_left(replace(study, name="another")) == (0, 5)
    run_trials(study, ["COMPLETE", "PRUNED", "COMPLETE", "COMPLETE"])  # someone lowered the budget since
    assert trials_left(study) == (6, 1)


def test_a_grid_has_no_more_left_than_points(tmp_path: Path) -> None:
    grid = small(tmp_path, sampler="grid", space={"training.lr": {"choice": [0.1, 0.2, 0.3]}}, budget={"trials": 99})
    assert trials_left(grid) == (0, 3)
    grid.project.runs.mkdir()
    run_trials(grid, ["COMPLETE", "RUNNING"])
    assert trials_left(grid) == (1, 2)


def test_a_grid_has_its_given_points_left_too(tmp_path: Path) -> None:
    lr = {"training.lr": {"choice": [0.1, 0.2, 0.3]}}
    grid = small(tmp_path, sampler="grid", space=lr, budget={"trials": 99}, start_with=[{"training.lr": 0.2}])
    assert trials_left(grid) == (0, 4)
    grid.project.runs.mkdir()
    run_trials(grid, ["COMPLETE", "RUNNING"])
    ended, left = trials_left(grid)
    assert ended >= 1
    assert ended + left == 4


def test_what_was_taken_over_leaves_the_budget_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mlruns").mkdir()
    run_trials(small(tmp_path, study="old"), ["COMPLETE", "COMPLETE"])
    study = small(tmp_path, study="new", start_with=[{"all_of": "old"}])
    assert trials_left(study) == (0, 5)
    run_trials(study, ["COMPLETE", "RUNNING"])
    assert trials_left(study) == (3, 4)


def test_a_spent_budget_leaves_nothing_to_probe(tmp_path: Path) -> None:
    study = small(tmp_path, budget={"trials": 1})
    study.project.runs.mkdir()
    run_trials(study, ["COMPLETE"])
    found = forecast(study, [{}], workers=None, in_process=True, say=print)
    assert (found.ended, found.left, found.probed) == (1, 0, ())
    assert "has ended" in found.nothing


def test_what_a_start_would_refuse_is_refused(tmp_path: Path) -> None:
    from sparsetune.search import lock

    study = small(tmp_path)
    with (
        lock.hold(lock.place(study.storage, study.project.runs, study.name), study.name),
        pytest.raises(BadInput, match="is being run by"),
    ):
        forecast(study, [{}], workers=None, in_process=True, say=print)
    run_trials(study, ["COMPLETE"])
    changed = small(tmp_path, seed=1)
    with pytest.raises(BadInput, match="seed: 0 -> 1"):
        forecast(changed, [{}], workers=None, in_process=True, say=print)


def test_in_process_there_is_one_worker(tmp_path: Path) -> None:
    study = small(tmp_path)
    assert find_room(study, None, in_process=True) == Room(1, visible_gpus() and 1, in_process=True)
    with pytest.raises(BadInput, match="--workers"):
        find_room(study, 3, in_process=True)


def test_workers_are_as_many_as_the_processors_hold(tmp_path: Path) -> None:
    held = processors().usable
    study = small(tmp_path, resources={"gpus": 0})
    assert find_room(study, None, in_process=False) == Room(held, 0)
    assert find_room(study, 1, in_process=False) == Room(1, 0)
    with pytest.raises(BadInput, match=f"here is room for {held} such trials") as refused:
        find_room(study, held + 1, in_process=False)
    assert (refused.value.key, refused.value.found) == ("--workers", str(held + 1))
    wide = small(tmp_path, resources={"cpus": held + 1, "gpus": 0})
    with pytest.raises(BadInput, match=f"here are {held} and") as refused:
        find_room(wide, None, in_process=False)
    assert refused.value.key == "resources.cpus"
    whole = small(tmp_path, resources={"cpus": held, "gpus": 0})
    assert find_room(whole, None, in_process=False) == Room(1, 0)


def test_gpus_that_are_not_here_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"resources\.gpus"):
        find_room(small(tmp_path, resources={"gpus": 512}), None, in_process=False)
    cuda = small(tmp_path, training={"device": "cuda", "epochs": 1}, resources={"gpus": 0})
    with pytest.raises(BadInput, match=r"training\.device"):
        find_room(cuda, None, in_process=False)


def test_how_large_a_cluster_is_only_ray_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    study = small(tmp_path, resources={"gpus": 0})
    assert find_room(study, None, in_process=False) == Room(None, 0)
    assert find_room(study, 500, in_process=False) == Room(500, 0)
    with_gpus = small(tmp_path, resources={"gpus": 512})
    found = forecast(with_gpus, [{}], workers=None, in_process=False, say=print)
    assert found.probed == ()
    assert "GPU" in found.nothing


def test_the_dearest_probe_decides_about_disk_and_the_mean_about_time(tmp_path: Path) -> None:
    study = small(tmp_path)
    dear = replace(PROBED, fixed_seconds=3.0, files={"weights.safetensors": 5_000}, checkpoint_bytes=700.0)
    probed = [PROBED, dear, Probed(reason="diverged")]
    found = reckon(study, Forecast(0, 5, Room(2, 0), probed=probed, process=Process(peak_bytes=7)))
    assert (found.at_once, len(found.costs)) == (2, 2)
    assert found.trial_seconds is not None
    assert found.wall_seconds is not None
    assert (found.trial_seconds.low, found.trial_seconds.mean, found.trial_seconds.high) == (2.0, 3.0, 4.0)
    assert (found.wall_seconds.low, found.wall_seconds.mean, found.wall_seconds.high) == (6.0, 9.0, 12.0)  # 3 rounds
    (disk,) = found.disks
    files, numbers = 5 * 5_000, 5 * 4 * 10 * 300
    running = 2 * (2 * 700 + 5_000)  # a new checkpoint is written beside the old one
    assert (disk.folder, disk.need) == (tmp_path / "mlruns", files + numbers + running)
    assert not (tmp_path / "mlruns").exists()


def test_each_replicate_is_trained_and_each_branch_has_a_row(tmp_path: Path) -> None:
    """A training takes 2 s and leaves 1,000 bytes of files and 4 rows of 10 numbers; here are 3 of 5 branches each."""
    changes = {"method": {"name": "dense", "n_dropout_layers": 1}, "fork": {"method.mc_samples": [1, 2, 5, 10, 20]}}
    study = small(tmp_path, space=None, replicates=3, **changes)
    found = reckon(study, Forecast(0, 5, Room(2, 0), probed=[PROBED], process=Process(peak_bytes=7)))
    assert found.trial_seconds is not None
    assert found.wall_seconds is not None
    assert (found.trial_seconds.mean, found.wall_seconds.mean) == (6.0, 18.0)  # 3 rounds
    (disk,) = found.disks
    running = 2 * (2 * 300 + 3 * 1_000)
    assert disk.need == 5 * 3 * 1_000 + 5 * 3 * 5 * 4 * 10 * 300 + running


def test_files_of_trials_may_go_to_a_server(tmp_path: Path) -> None:
    study = small(tmp_path, tracking={"uri": "https://example.org"})
    found = reckon(study, Forecast(0, 5, Room(None, 0), probed=[PROBED], process=Process(peak_bytes=7)))
    assert found.remote
    assert found.wall_seconds is None
    (disk,) = found.disks
    assert disk.need == 2 * 300 + 1_000  # of one running trial; how many there are is not known


def test_without_a_probe_that_came_through_nothing_is_reckoned(tmp_path: Path) -> None:
    found = Forecast(0, 5, Room(2, 0), probed=[Probed(reason="diverged")])
    assert reckon(small(tmp_path), found) == found

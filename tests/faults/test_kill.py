"""A study that is killed and started again ends as if nothing had happened."""

from __future__ import annotations

import random
import signal
import subprocess
from pathlib import Path

import pytest

from sparsetune.testing.studies import assert_same, finish, start, stored_trials, tracked_runs, write_study

POINTS = (
    "after-ask:3",
    "between-suggests:4",
    "after-checkpoint:6",
    "before-tell:2",
    "after-tell:2",
    "before-mlflow-end:3",
)
QUICK = ("after-checkpoint:6",)
SERIAL = {"in_process": ("--in-process",), "ray": ("--workers", "1")}


def killed_at(file: Path, point: str, *options: str) -> None:
    """Run until the driver dies at the point."""
    process = start(file, *options, failpoint=point)
    said, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, said


@pytest.mark.parametrize(
    "point", [pytest.param(point, marks=() if point in QUICK else pytest.mark.slow) for point in POINTS]
)
def test_driver_killed_at_each_point_in_process(point: str, tmp_path: Path, reference: Path) -> None:
    file = write_study(tmp_path)
    killed_at(file, point, "--in-process")
    finish(file, "--in-process")
    assert_same(tmp_path, reference)


@pytest.mark.slow
def test_ray_with_one_worker_gives_the_numbers_of_in_process(tmp_path: Path, reference: Path) -> None:
    finish(write_study(tmp_path), "--workers", "1")
    assert_same(tmp_path, reference)


@pytest.mark.slow
def test_driver_on_ray_killed_before_tell(tmp_path: Path, reference: Path) -> None:
    file = write_study(tmp_path)
    killed_at(file, "before-tell:2", "--workers", "1")
    finish(file, "--workers", "1")
    assert_same(tmp_path, reference)


@pytest.mark.slow
def test_worker_killed_after_a_checkpoint(tmp_path: Path, reference: Path) -> None:
    """The driver lives: one command is enough, and the trial goes on in another worker."""
    process = start(write_study(tmp_path), "--workers", "1", failpoint="after-checkpoint:6")
    said, _ = process.communicate()
    assert process.returncode == 0, said
    assert (tmp_path / "died").exists()
    assert_same(tmp_path, reference)


@pytest.mark.slow
@pytest.mark.parametrize("options", SERIAL.values(), ids=SERIAL)
def test_ctrl_c_is_130_and_the_study_goes_on(options: tuple[str, ...], tmp_path: Path, reference: Path) -> None:
    file = write_study(tmp_path)
    process = start(file, *options)
    assert process.stdout is not None
    while "[1/5]" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate()
    assert process.returncode == 130, said
    assert "goes on from here" in said
    assert "Traceback" not in said
    finish(file, *options)
    assert_same(tmp_path, reference)


@pytest.mark.slow
@pytest.mark.parametrize("point", [point for point in POINTS if not point.startswith("after-checkpoint")])
def test_driver_killed_at_each_point_on_ray(point: str, tmp_path: Path, reference: Path) -> None:
    file = write_study(tmp_path)
    killed_at(file, point, "--workers", "1")
    finish(file, "--workers", "1")
    assert_same(tmp_path, reference)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("options", SERIAL.values(), ids=SERIAL)
def test_driver_killed_at_seeded_moments(options: tuple[str, ...], seed: int, tmp_path: Path, reference: Path) -> None:
    file = write_study(tmp_path)
    moments = random.Random(seed)
    for _ in range(3):
        kill_after(start(file, *options), moments.uniform(2.0, 12.0))
    finish(file, *options)
    assert_same(tmp_path, reference)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_two_workers_lose_and_double_nothing(seed: int, tmp_path: Path) -> None:
    """Which trial sees which others is open with two workers; how many there are is not."""
    file = write_study(tmp_path, budget={"trials": 12})
    moments = random.Random(100 + seed)
    for _ in range(3):
        kill_after(start(file, "--workers", "2"), moments.uniform(5.0, 14.0))
    finish(file, "--workers", "2")
    trials, runs = stored_trials(tmp_path), tracked_runs(tmp_path)
    assert [trial["number"] for trial in trials] == list(range(12))
    assert {trial["state"] for trial in trials} == {"COMPLETE"}
    assert sorted(runs) == list(range(12))
    assert all(len(each) == 1 and each[0]["status"] == "FINISHED" for each in runs.values())


def kill_after(process: subprocess.Popen[str], seconds: float) -> None:
    """SIGKILL a driver after so long, unless it has ended by itself."""
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()

"""What Ray adds to the promises of every executor: warm workers, their deaths, GPUs, and what it refuses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import ray
from ray import cloudpickle

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Job, Key, Outcome, Report, Row, Work
from sparsetune.execution.ray_tune import RayTune, slots
from sparsetune.testing.executors import Script, behave, jobs

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import a test file

EPOCHS = 4


def run(script: Script, work: Work, folder: Path, *, gpus: float = 0, workers: int | None = 1) -> Script:
    executor = RayTune(cpus=1, gpus=gpus, workers=workers)
    executor.start()
    executor.run(script, work)
    return script


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def resume(job: Job) -> Iterator[Report]:
    """Four epochs with a checkpoint after each; the worker dies after the second, always or once."""
    folder = Path(job.folder)
    folder.mkdir(exist_ok=True)
    checkpoint, marker = folder / "epoch", folder / "died"
    done = int(checkpoint.read_text()) if checkpoint.exists() else 0
    if done:
        yield Report(rows=tuple(Row(epoch, epoch, {}) for epoch in range(1, done + 1)))
    for epoch in range(done + 1, EPOCHS + 1):
        checkpoint.write_text(str(epoch))
        yield Report(rows=(Row(epoch, epoch, {"pid": os.getpid()}),))
        if job.config["behaviour"] == "dies once" and epoch == 2 and not marker.exists():
            marker.touch()
            die()
        if job.config["behaviour"] == "dies always":
            die()
    yield Report(outcome=Outcome("COMPLETE"))


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_job_whose_worker_dies_goes_on_in_another(tmp_path: Path, workers: int) -> None:
    script = run(Script(jobs(tmp_path, "works", "dies once", "works")), resume, tmp_path, workers=workers)
    assert script.epochs(Key(1)) == [1, 2, 1, 2, 3, 4]  # the known rows come again
    pids = {row.metrics["pid"] for key, report in script.heard if key == Key(1) for row in report.rows if row.metrics}
    assert len(pids) == 2
    assert [script.outcome(Key(number)).state for number in range(3)] == ["COMPLETE"] * 3
    assert not script.losses


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_a_job_whose_workers_die_is_lost_once_and_the_others_go_on(tmp_path: Path) -> None:
    script = run(Script(jobs(tmp_path, "dies always", "works", "works")), resume, tmp_path)
    [(key, reason)] = script.losses
    assert key == Key(0)
    assert reason.startswith("worker died twice: The actor died unexpectedly")
    assert "\n" not in reason
    assert not script.outcomes(Key(0))
    assert [script.outcome(Key(number)).state for number in (1, 2)] == ["COMPLETE"] * 2


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_an_idle_worker_that_dies_costs_no_job(tmp_path: Path) -> None:
    class Killer(Script):
        def receive(self, key: Key, report: Report) -> bool:
            if report.outcome and key == Key(0):
                worker = psutil.Process(int(report.outcome.metrics["pid"]))
                worker.kill()
                psutil.wait_procs([worker], timeout=10)
            return super().receive(key, report)

    script = run(Killer(jobs(tmp_path, "works", "works")), behave, tmp_path)
    assert script.outcome(Key(1)).state == "COMPLETE"
    assert not script.losses


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_what_cannot_be_sent_is_lost_with_its_reason(tmp_path: Path) -> None:
    def sends_a_lock(job: Job) -> Iterator[Report]:
        yield Report(outcome=Outcome("COMPLETE", {"lock": threading.Lock()}))  # type: ignore[dict-item]

    script = run(Script(jobs(tmp_path, "")), sends_a_lock, tmp_path)
    [(_, reason)] = script.losses
    assert "cannot pickle '_thread.lock' object" in reason


@pytest.mark.usefixtures("cluster")
def test_one_worker_does_all_jobs_in_one_process(tmp_path: Path) -> None:
    script = run(Script(jobs(tmp_path, "works", "raises", "works", "works"), stops={Key(2): 1}), behave, tmp_path)
    assert script.outcome(Key(0)).metrics["pid"] == script.outcome(Key(3)).metrics["pid"] != os.getpid()


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_half_a_gpu_packs_four_trials_on_two(tmp_path: Path) -> None:
    """The barrier opens only when four run at once, and each says which devices it sees."""

    def meet(job: Job) -> Iterator[Report]:
        hall = Path(job.folder).parent / "hall"
        hall.mkdir(exist_ok=True)
        (hall / str(job.key.number)).touch()
        for _ in range(600):
            if len(list(hall.iterdir())) == 4:
                break
            time.sleep(0.05)
        else:
            raise TimeoutError("nobody came")
        yield Report(outcome=Outcome("COMPLETE", {"device": float(os.environ["CUDA_VISIBLE_DEVICES"])}))

    script = run(Script(jobs(tmp_path, *[""] * 4)), meet, tmp_path, gpus=0.5, workers=None)
    assert not [outcome.reason for key in script.started for outcome in script.outcomes(key) if outcome.reason]
    assert sorted(script.outcome(key).metrics["device"] for key in script.started) == [0, 0, 1, 1]


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_a_trial_without_gpus_sees_none(tmp_path: Path) -> None:
    def look(job: Job) -> Iterator[Report]:
        yield Report(outcome=Outcome("COMPLETE", {"none": float(os.environ["CUDA_VISIBLE_DEVICES"] == "")}))

    script = run(Script(jobs(tmp_path, "")), look, tmp_path, gpus=0)
    assert script.outcome(Key(0)).metrics == {"none": 1.0}


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_no_files_of_tune_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    script = Script(jobs(tmp_path / "jobs", "works"))
    run(script, behave, tmp_path)
    assert script.outcome(Key(0)).state == "COMPLETE"
    assert [path.name for path in tmp_path.iterdir()] == ["jobs"]


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_ctrl_c_raises_at_once_and_frees_the_workers(tmp_path: Path) -> None:
    def endless(job: Job) -> Iterator[Report]:
        while True:
            time.sleep(0.01)
            yield Report()

    class Impatient(Script):
        def receive(self, key: Key, report: Report) -> bool:
            if len(self.heard) == 3:
                threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
            return super().receive(key, report)

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt) as interrupt:
        run(Impatient(jobs(tmp_path, *[""] * 4)), endless, tmp_path, workers=4)
    assert time.monotonic() - started < 20
    script = run(Script(jobs(tmp_path, *["works"] * 4)), behave, tmp_path, workers=4)
    assert len(script.started) == 4
    assert interrupt.tb is not None  # it kept the first run's frames from garbage collection until here


def settled(*nodes: dict[str, float], cpus: int = 1, gpus: float | str = "auto", workers: int | None = None) -> RayTune:
    executor = RayTune(cpus=cpus, gpus=gpus, workers=workers)  # type: ignore[arg-type]
    executor._settle(list(nodes))
    return executor


def test_as_many_workers_as_the_machines_hold() -> None:
    assert settled({"CPU": 8}, {"CPU": 5}, cpus=2).workers == 6
    assert settled({"CPU": 8, "GPU": 2}, {"CPU": 1, "GPU": 2}, {"CPU": 4}).workers == 3
    assert settled({"CPU": 8}, workers=3).workers == 3


def test_auto_is_one_gpu_where_there_are_any() -> None:
    assert settled({"CPU": 8}).gpus == 0
    assert settled({"CPU": 8, "GPU": 2}, {"CPU": 4}).gpus == 1


def test_a_share_of_a_gpu_lies_on_one_gpu() -> None:
    node = {"CPU": 64, "GPU": 3}
    assert [slots(node, 1, gpus) for gpus in (0, 0.1, 0.4, 0.5, 1, 2, 4)] == [64, 30, 6, 6, 3, 1, 0]


@pytest.mark.parametrize(
    ("asked", "key", "found", "problem"),
    [
        ({"cpus": 9}, "resources.cpus", "9 CPUs for a trial", "Ray has 12"),
        ({"gpus": 0.5}, "resources.gpus", "0.5 GPUs for a trial", "Ray has 0; use gpus: auto or 0"),
        ({"workers": 13}, "workers", "13", "Ray has room for 12 such trials at once"),
        ({"workers": 0}, "workers", "0", "Ray has room for 12 such trials at once"),
    ],
)
def test_what_ray_cannot_hold_is_refused(asked: dict[str, float], key: str, found: str, problem: str) -> None:
    with pytest.raises(BadInput) as refusal:
        settled({"CPU": 8}, {"CPU": 4}, **asked)  # type: ignore[arg-type]
    assert str(refusal.value) == f"{key}: found {found}: {problem}"
    assert (refusal.value.found, refusal.value.problem, refusal.value.code) == (found, problem, "not_allowed")


@pytest.mark.usefixtures("cluster")
def test_ray_that_was_there_before_stays(tmp_path: Path) -> None:
    executor = RayTune(cpus=1, gpus=3, workers=None)
    with pytest.raises(BadInput, match=r"found 3 GPUs for a trial: Ray has 2; use gpus: auto or 0$"):
        executor.start()
    executor.close()
    assert ray.is_initialized()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ray://head:10001", "RAY_ADDRESS: found ray://head:10001: .* `ray job submit`"),
        ("127.0.0.1:1", "RAY_ADDRESS: found 127.0.0.1:1: no Ray cluster answers there"),
    ],
)
def test_an_address_without_a_cluster_is_refused(
    address: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(BadInput, match=message):
        RayTune(cpus=1, gpus="auto", workers=None).start()
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_job_that_ray_kills_for_lack_of_memory_is_lost_alone(tmp_path: Path) -> None:
    """In a Ray of its own, whose memory monitor strikes 2 GB above what the machine uses now."""
    script = """
import sys
from pathlib import Path
from sparsetune.base.messages import Key
from sparsetune.execution.ray_tune import RayTune
from sparsetune.testing.executors import Script, behave, jobs

def devour(job):
    if job.config["behaviour"] == "devours":
        [bytearray(20_000_000) for _ in range(1_000)]
    yield from behave(job)

folder = Path(sys.argv[1])
script = Script(jobs(folder, "devours", "works"))
executor = RayTune(cpus=1, gpus=0, workers=1)
executor.start()
executor.run(script, devour)
print(script.losses[0][1].split(":")[:2], script.outcome(Key(1)).state)
"""
    memory = psutil.virtual_memory()
    threshold = (memory.total - memory.available + 2e9) / memory.total
    answer = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env=os.environ | {"RAY_memory_usage_threshold": str(threshold), "RAY_memory_monitor_refresh_ms": "50"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.stdout.splitlines()[-1:] == ["['worker died twice', ' out of memory'] COMPLETE"], answer.stderr

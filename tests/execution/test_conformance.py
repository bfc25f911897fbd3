"""Every executor keeps every promise: an executor joins by one row."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sparsetune.base.messages import Executor
from sparsetune.execution.in_process import InProcess
from sparsetune.execution.ray_tune import RayTune
from sparsetune.testing.executors import EXECUTOR_CHECKS, MakeExecutor

MakeRow = Callable[[Path], Executor]


def ray_with(workers: int) -> MakeRow:
    def make(folder: Path) -> Executor:
        executor = RayTune(cpus=1, gpus="auto", workers=workers)
        executor.start()
        return executor

    return make


EXECUTORS: dict[str, MakeRow] = {
    "in_process": lambda folder: InProcess(),
    "ray_1": ray_with(1),
    "ray_2": ray_with(2),
}


QUICK = "every_job_runs_once_with_its_reports_in_order"  # what the default suite asks of Ray


def rows() -> Iterator[Any]:
    """Each promise of each executor."""
    for check, name in itertools.product(EXECUTOR_CHECKS, EXECUTORS):
        said = check.__name__.removeprefix("check_")
        quick = name == "in_process" or (name, said) == ("ray_2", QUICK)
        yield pytest.param(check, name, id=f"{name}-{said}", marks=() if quick else pytest.mark.slow)


@pytest.fixture
def make_executor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeExecutor]:
    if request.param.startswith("ray"):
        request.getfixturevalue("cluster")
    return lambda: EXECUTORS[request.param](tmp_path / "ray")


@pytest.mark.parametrize(("check", "make_executor"), list(rows()), indirect=["make_executor"])
def test_promise(check: Callable[[MakeExecutor, Path], None], make_executor: MakeExecutor, tmp_path: Path) -> None:
    check(make_executor, tmp_path)

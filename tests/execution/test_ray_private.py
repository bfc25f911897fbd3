"""Ray's private parts, for the versions with which they were tried; and where workers look for modules."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import ray

from sparsetune.execution import ray_private
from sparsetune.execution.ray_private import JobWithPath
from sparsetune.execution.ray_start import before_library, environment, joined_job, module_path, own_job

ROOM = Path(ray_private.__file__).parent
PRIVATE = re.compile(r"\bray(\.\w+)*\._|\b_(serialize|actor_task_failed|py_driver_sys_path)\b")
LIBRARY = str(Path(os.__file__).parent)


def test_the_installed_version_is_one_with_which_they_were_tried() -> None:
    installed = ".".join(ray.__version__.split(".")[:2])
    assert installed in ray_private.TRIED, (
        f"ray {ray.__version__} is installed, its private parts were tried with {ray_private.TRIED}: "
        "run `make test-slow`, then name it in TRIED of execution/ray_private.py"
    )


def test_no_other_file_uses_any() -> None:
    users = {path.name for path in ROOM.parent.rglob("*.py") if PRIVATE.search(path.read_text())}
    assert users == {Path(ray_private.__file__).name}


def sent(job: JobWithPath, added_by_ray: str) -> list[str]:
    """The path that arrives in a worker, which puts each folder in front of what it has."""
    from ray.core.generated.common_pb2 import JobConfig

    job._py_driver_sys_path.append(added_by_ray)  # as ``ray.init`` does with the current folder
    message = JobConfig.FromString(job._serialize())  # type: ignore[arg-type]
    return list(reversed(message.py_driver_sys_path))


def test_the_current_folder_is_no_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["/script", "/zip", LIBRARY, "/site-packages", "/project"])
    assert sent(own_job(), str(tmp_path)) == sys.path
    assert sent(joined_job(), str(tmp_path)) == ["/script", "/zip"]


def test_unless_this_process_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an interpreter, where it is the empty text."""
    monkeypatch.chdir(tmp_path)
    assert module_path(["", "below", "/x"]) == [str(tmp_path), str(tmp_path / "below"), "/x"]


def test_a_path_without_a_library_goes_as_it_is() -> None:
    assert before_library(["/a", "/b"]) == ["/a", "/b"]


@pytest.mark.parametrize(
    "python", ["/a b/python", "/50% #1 {a}?/.venv/bin/python", "/a'b/python", "/$HOME/python", "/a;b/p"]
)
def test_an_interpreter_that_a_shell_would_misread_is_quoted(python: str) -> None:
    quoted = (environment(python) or {})["py_executable"]
    assert (
        subprocess.run(["bash", "-c", f"printf %s {quoted}"], capture_output=True, text=True, check=True).stdout
        == python
    )


def test_a_job_of_ones_own_has_this_interpreter_and_one_on_a_cluster_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/a b/python")
    assert (own_job().runtime_env, joined_job().runtime_env) == ({"py_executable": "'/a b/python'"}, {})


@pytest.mark.parametrize("python", ["/usr/bin/python3.11", "/home/me/a-b_c/.venv/bin/python"])
def test_others_need_no_environment_of_their_own(python: str) -> None:
    assert environment(python) is None

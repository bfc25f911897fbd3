"""Starting a Ray of one's own, or joining a cluster: workers look for modules where this process does, in its order."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from pathlib import Path

import ray
from ray.exceptions import AuthenticationError

from sparsetune.base.disk import private_folder
from sparsetune.base.errors import BadInput
from sparsetune.base.surroundings import cluster
from sparsetune.base.surroundings.home import TOKEN, why_no_token
from sparsetune.base.surroundings.processors import processors
from sparsetune.base.surroundings.temporary import temporary
from sparsetune.base.yaml_io import write_atomic
from sparsetune.execution.ray_private import JobWithPath, lean_start, new_token, quiet_start

SECONDS = 10.0  # that a cluster has for an answer


def initialise(address: str) -> None:
    """Start a local Ray or join the cluster of that address; raises BadInput if that cannot be."""
    if trouble := cluster.trouble_with(address):
        raise trouble.refused(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        with quiet_start():
            if address == cluster.LOCAL:
                _start()
            else:
                _join(address)
    except AuthenticationError as error:
        raise BadInput(f"Ray's token: {str(error).partition('. ')[0]}", code="unavailable") from error


def _start() -> None:
    """A Ray on as many processors as this process may use."""
    if why_no_token(os.environ):
        token = private_folder() / TOKEN
        if not token.exists():
            write_atomic(token, new_token())
        os.environ["RAY_AUTH_TOKEN_PATH"] = str(token)
    with lean_start():
        ray.init(
            address=cluster.LOCAL,
            num_cpus=processors().usable,
            job_config=own_job(),
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _temp_dir=str(temporary(os.environ).folder / "ray"),
        )


def _join(address: str) -> None:
    if address != cluster.AUTO and (trouble := cluster.trouble_at(address, SECONDS)):
        raise trouble.refused(address)
    os.environ[cluster.VARIABLE] = address  # for `auto` Ray reads it again, blanks and all
    try:
        ray.init(address=address, job_config=joined_job(), log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        problem = f"no Ray cluster can be joined there ({error})"
        raise BadInput(problem, key=cluster.VARIABLE, found=address, code="unavailable") from error


def own_job() -> JobWithPath:
    """For workers of the same environment: all of this process's path."""
    return JobWithPath(module_path(sys.path), environment(sys.executable))


def joined_job() -> JobWithPath:
    """For workers of a cluster, whose library may lie elsewhere: what comes before it, and no interpreter."""
    return JobWithPath(before_library(module_path(sys.path)), None)


def environment(python: str) -> dict[str, str] | None:
    """What workers need to start where a shell misreads the interpreter's path, which Ray hands to one unquoted."""
    return None if shlex.quote(python) == python else {"py_executable": shlex.quote(python)}


def module_path(path: list[str]) -> list[str]:
    """The path for a process in another folder: absolute."""
    return [str(Path(each).absolute()) for each in path]


def before_library(path: list[str]) -> list[str]:
    """The folders that come before the standard library: of the script, of PYTHONPATH."""
    library = str(Path(os.__file__).parent)
    return path[: path.index(library)] if library in path else path

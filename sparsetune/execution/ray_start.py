"""Starting a Ray of one's own, or joining a cluster."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import ray
from ray._private import ray_constants
from ray._private import worker as ray_worker
from ray._private.authentication.authentication_token_generator import generate_new_authentication_token
from ray._private.node import Node
from ray.exceptions import AuthenticationError

from sparsetune.base.disk import private_folder
from sparsetune.base.errors import BadInput
from sparsetune.base.surroundings import cluster
from sparsetune.base.surroundings.home import TOKEN, why_no_token
from sparsetune.base.surroundings.processors import processors
from sparsetune.base.surroundings.temporary import temporary
from sparsetune.base.yaml_io import write_atomic
from sparsetune.execution.ray_path import SamePath

SECONDS = 10.0  # that a cluster has for an answer
_UV = "RAY_ENABLE_UV_RUN_RUNTIME_ENV"


def initialise(address: str) -> None:
    """Start a local Ray or join the cluster of that address; raises BadInput if that cannot be."""
    if trouble := cluster.trouble_with(address):
        raise trouble.refused(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        with _quiet():
            if address == cluster.LOCAL:
                _start()
            else:
                _join(address)
    except AuthenticationError as error:
        raise BadInput(f"Ray's token: {str(error).partition('. ')[0]}") from error


def _start() -> None:
    """A Ray on as many processors as this process may use."""
    if why_no_token(os.environ):
        token = private_folder() / TOKEN
        if not token.exists():
            write_atomic(token, generate_new_authentication_token())
        os.environ["RAY_AUTH_TOKEN_PATH"] = str(token)
    with _lean():
        ray.init(
            address=cluster.LOCAL,
            num_cpus=processors().usable,
            job_config=SamePath(whole=True),
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
        job = SamePath(whole=False)
        ray.init(address=address, job_config=job, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        problem = f"found {address}: no Ray cluster can be joined there ({error})"
        raise BadInput(problem, key=cluster.VARIABLE) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what Ray would do of itself: print its errors (the source hears of lost jobs), and under `uv run` pack
    the project and install it anew for each worker."""
    with ExitStack() as patches:
        patches.enter_context(patch.object(ray_worker, "listen_error_messages", _nothing))
        if _UV not in os.environ:
            patches.enter_context(patch.object(ray_constants, _UV, False))
        yield


@contextmanager
def _lean() -> Iterator[None]:
    """Without the processes that serve a dashboard, an autoscaler and forwarded logs.

    A study on one machine uses none of them, and waiting for them costs a second at the start and one at the end. The
    first also sends usage statistics, so it stays where these are turned on.
    """
    unused = ["start_monitor", "start_log_monitor"]
    if os.environ["RAY_USAGE_STATS_ENABLED"] == "0":
        unused.append("start_api_server")
    with ExitStack() as patches:
        for name in unused:
            patches.enter_context(patch.object(Node, name, _nothing))
        yield


def _nothing(*arguments: object, **options: object) -> None:
    """Start no process, listen to nothing."""

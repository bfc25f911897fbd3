"""Ray's and Tune's private parts, as far as this package stands on them; nothing else in it does.

Each is here because no public setting does the same: workers that die of their memory, the path of modules, a start
without processes that nobody uses, trials without files that nobody reads. ``tests/execution/test_ray_private.py`` asks
whether the installed version is one with which they were tried.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib import import_module
from typing import Any, ClassVar
from unittest.mock import patch

from ray import tune
from ray._private import ray_constants
from ray._private import worker as ray_worker
from ray._private.authentication import authentication_token_generator
from ray._private.node import Node
from ray.actor import ActorHandle
from ray.air.execution._internal import RayActorManager
from ray.exceptions import RayActorError, RayTaskError
from ray.job_config import JobConfig
from ray.tune import registry
from ray.tune.execution import tune_controller
from ray.tune.experiment import trial as trial_module

from sparsetune.execution.worker import describe

TRIED = ("2.60",)  # versions of Ray; one more after `make test-slow` with it

tune_module = import_module(tune.run.__module__)
new_token = authentication_token_generator.generate_new_authentication_token
_UV = "RAY_ENABLE_UV_RUN_RUNTIME_ENV"


class Actors(RayActorManager):
    """Tune's manager of workers, to which one that Ray kills for lack of memory is one that died.

    Without it that (OutOfMemoryError is no RayActorError) raises in the driver and ends the study.
    """

    newest: ClassVar[Actors]

    def __init__(self, resource_manager: Any) -> None:
        super().__init__(resource_manager)
        Actors.newest = self

    def _actor_task_failed(self, tracked_actor_task: Any, exception: Exception) -> None:
        if not isinstance(exception, RayActorError | RayTaskError):
            exception = RayActorError(error_msg=describe(exception))
        super()._actor_task_failed(tracked_actor_task, exception)


vars(tune_controller)["RayActorManager"] = Actors


class JobWithPath(JobConfig):
    """A job whose workers look for modules in these folders before their own.

    Ray would put the current folder before all others, so that a ``statistics.py`` that lies there is run by each
    worker in place of Python's.
    """

    def __init__(self, path: list[str], runtime_env: dict[str, str] | None) -> None:
        super().__init__(runtime_env=runtime_env)
        self._path = path

    def _serialize(self) -> str:
        self._py_driver_sys_path = self._path[::-1]  # each is put in front
        self._cached_pb = None
        serialized: str = super()._serialize()
        return serialized


@contextmanager
def quiet_start() -> Iterator[None]:
    """Without what Ray would do of itself: print its errors (the source hears of lost jobs), and under `uv run` pack
    the project and install it anew for each worker."""
    with ExitStack() as patches:
        patches.enter_context(patch.object(ray_worker, "listen_error_messages", _nothing))
        if _UV not in os.environ:
            patches.enter_context(patch.object(ray_constants, _UV, False))
        yield


@contextmanager
def lean_start() -> Iterator[None]:
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


@contextmanager
def lean_tune() -> Iterator[None]:
    """Without what Tune does for each trial and nobody asks for.

    It fetches the trainable's class from the cluster's store three times and unpickles it, asks the worker twice where
    it is, and in the end writes what it knows of all trials and looks for their files: a third of its time.
    """
    with ExitStack() as patches:
        for function in (registry.get_trainable_cls, registry.validate_trainable):
            patches.enter_context(patch.object(trial_module, function.__name__, cache(function)))
        patches.enter_context(patch.object(trial_module.Trial, "set_ray_actor", _set_actor))
        patches.enter_context(patch.object(tune_controller.TuneController, "checkpoint", _nothing))
        patches.enter_context(patch.object(tune_module, "ExperimentAnalysis", _nothing))
        yield


def _set_actor(trial: trial_module.Trial, actor: ActorHandle[Any] | None) -> None:
    trial.temporary_state.ray_actor = actor


def _nothing(*arguments: object, **options: object) -> None:
    """Start no process, listen to nothing, write nothing."""

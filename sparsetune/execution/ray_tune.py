"""Jobs spread over the CPUs and GPUs of this machine or of a cluster. Ray enters here and in ``ray_start.py``.

Ray Tune places jobs on warm workers and carries their reports; who asks, prunes and remembers is the source.
Nothing of Tune's own records is used: a job that is set up again finds its own checkpoint in its folder.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal
from unittest.mock import patch

import ray
from ray import tune
from ray.air.execution._internal import RayActorManager
from ray.exceptions import RayActorError, RayTaskError
from ray.tune import registry
from ray.tune.execution import tune_controller
from ray.tune.experiment import Trial
from ray.tune.experiment import trial as trial_module
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from sparsetune.config.errors import BadInput
from sparsetune.config.messages import Job, Key, Report, Source, Work
from sparsetune.execution.ray_start import initialise
from sparsetune.execution.worker import LONGEST_REASON, describe, perform

ENVIRONMENT = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # MLflow keeps the results
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C raises KeyboardInterrupt at once
    "TUNE_GLOBAL_CHECKPOINT_S": "1e9",  # the study's storage is the state
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",  # they go to the source
    "TUNE_RESULT_BUFFER_LENGTH": "1",  # no worker runs ahead of a decision
    "RAY_AIR_NEW_OUTPUT": "0",  # its reporter looks at all trials at each step, also when silent
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
}


class RayTune:
    """Runs as many jobs at once as ``workers`` says or, without it, as Ray's resources hold.

    ``cpus`` and ``gpus`` are what one job gets; "auto" is one GPU where there are any. ``start`` comes first, ``close``
    last.
    """

    def __init__(self, *, cpus: int, gpus: float | Literal["auto"], workers: int | None) -> None:
        self.cpus = cpus
        self.gpus: float = 0  # what one job gets, known after ``start``
        self._asked = gpus
        self.workers = workers
        self._ours = False  # did we start or join Ray?

    def start(self) -> None:
        """Start Ray, join the cluster of RAY_ADDRESS, or use what this process has; then settle gpus and workers.

        Raises BadInput if Ray cannot hold what was asked for.
        """
        os.environ.update(ENVIRONMENT)
        logging.getLogger("ray.tune.tune").setLevel(logging.CRITICAL)  # the source hears of lost jobs
        if not ray.is_initialized():
            initialise(os.environ.get("RAY_ADDRESS", "local"))
            self._ours = True
        try:
            self._settle([node["Resources"] for node in ray.nodes() if node["Alive"]])  # type: ignore[no-untyped-call]
        except BadInput:
            self.close()
            raise

    def _settle(self, nodes: list[dict[str, float]]) -> None:
        cpus, gpus = (int(sum(node.get(kind, 0) for node in nodes)) for kind in ("CPU", "GPU"))
        self.gpus = min(1, gpus) if self._asked == "auto" else self._asked
        if not sum(places(node, self.cpus, 0) for node in nodes):
            raise BadInput(f"found {self.cpus} CPUs for a trial, Ray has {cpus}", key="resources.cpus")
        held = sum(places(node, self.cpus, self.gpus) for node in nodes)
        if not held:
            raise BadInput(
                f"found {self.gpus:g} GPUs for a trial, Ray has {gpus}; use gpus: auto or 0", key="resources.gpus"
            )
        self.workers = held if self.workers is None else self.workers
        if not 1 <= self.workers <= held:
            raise BadInput(f"found {self.workers}, Ray has room for {held} such trials at once", key="workers")

    def run(self, source: Source, work: Work) -> None:
        """Return when the source has no job left and all have ended. What the source raises passes through."""
        desk = Desk(source)
        name = f"{time.time_ns()}"
        folder = tempfile.mkdtemp(prefix="sparsetune-ray-")  # Tune wants one; nothing in it is used again
        try:
            with _trainable_fetched_once():
                tune.run(
                    type("Jobs", (Worker,), {"work": staticmethod(work)}),
                    name=name,
                    storage_path=folder,
                    trial_dirname_creator=lambda trial: trial.trial_id,
                    search_alg=Asking(desk),
                    scheduler=Judging(desk),
                    num_samples=-1,
                    max_concurrent_trials=self.workers,
                    resources_per_trial={"cpu": self.cpus, "gpu": self.gpus},
                    reuse_actors=True,
                    raise_on_failed_trial=False,
                    verbose=0,
                )
        except Exception:
            if desk.error is not None:
                raise desk.error from None  # Tune wraps it in text
            raise
        except BaseException:  # Ctrl-C: Tune would leave the workers and their places to garbage collection
            Actors.newest.cleanup()  # type: ignore[no-untyped-call]
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Shut down or leave Ray, if ``start`` started or joined it."""
        if self._ours:
            ray.shutdown()
            self._ours = False


def places(node: Mapping[str, float], cpus: int, gpus: float) -> int:
    """How many trials a node holds. A share of a GPU lies on one GPU: of 0.4 two fit on each."""
    by_cpus = int(node.get("CPU", 0) // cpus)
    if not gpus:
        return by_cpus
    cards = node.get("GPU", 0)
    return min(by_cpus, int(cards) * int(1 / gpus + 1e-9) if gpus < 1 else int(cards // gpus))


@contextmanager
def _trainable_fetched_once() -> Iterator[None]:
    """Tune asks the cluster's store for the class of each trial three times, and unpickles it: 10 ms a trial."""
    with ExitStack() as patches:
        for function in (registry.get_trainable_cls, registry.validate_trainable):
            patches.enter_context(patch.object(trial_module, function.__name__, cache(function)))
        yield


class Worker(tune.Trainable):
    """Lives in its own process and does one job after another, one report for each call of ``step``."""

    work: Work

    def setup(self, config: dict[str, Any]) -> None:
        if not ray.get_runtime_context().get_accelerator_ids().get("GPU"):
            os.environ["CUDA_VISIBLE_DEVICES"] = ""  # Ray leaves all of them visible to a trial that asked for none
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.cleanup()
        job: Job = new_config["job"]
        self.config = {}  # Tune would send it back with each result
        self._reports = perform(job, self.work)
        return True

    def step(self) -> dict[str, Any]:
        return {"report": next(self._reports)}

    def cleanup(self) -> None:
        if hasattr(self, "_reports"):
            self._reports.close()


class Desk:
    """What the two adapters below share: the source, which job each Tune trial does, and who died."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.running: dict[str, Job] = {}  # by Tune's trial id
        self.again: deque[Job] = deque()  # their worker died once
        self.died: set[Key] = set()
        self.exhausted = False
        self.error: Exception | None = None

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Remember what the source raises."""
        try:
            yield
        except Exception as error:
            self.error = self.error or error
            raise

    def next_job(self) -> Job | None:
        if self.again:
            return self.again.popleft()
        if not self.exhausted:
            with self.keeping():
                job = self.source.next_job()
            self.exhausted = job is None
            return job
        return None

    def worker_died(self, trial_id: str, reason: str) -> None:
        """The job goes on in another worker once; Tune's own retry would fail a job that met an already dead one."""
        job = self.running.pop(trial_id)
        if job.key not in self.died:
            self.died.add(job.key)
            self.again.append(job)
        else:
            with self.keeping():
                self.source.lost(job.key, f"worker died twice: {reason}")


class Asking(Searcher):
    """Tune asks for trials; the source answers with jobs."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override]
        job = self.desk.next_job()
        if job is None:
            return None if self.desk.running else Searcher.FINISHED  # a running one may have to start again
        self.desk.running[trial_id] = job
        return {"job": job}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        self.desk.running.pop(trial_id, None)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the source has its own storage."""

    def get_state(self) -> dict[str, Any]:
        return {}


class Judging(FIFOScheduler):
    """Tune brings results; the source says which job stops."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.desk = desk

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        report: Report = result["report"]
        with self.desk.keeping():
            stop = self.desk.source.receive(self.desk.running[trial.trial_id].key, report)
        decision: str = self.STOP if stop or report.last else self.CONTINUE
        return decision

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        self.desk.worker_died(trial.trial_id, _cause(Path(trial.error_file).read_text(encoding="utf-8")))

    def choose_trial_to_run(self, tune_controller: Any) -> None:
        """Leave the order to Tune's queue: FIFOScheduler reads the list of all trials twice at each step."""


def _cause(text: str) -> str:
    """One line of Tune's error file: without its headings, Ray's list of ids and the lines of a traceback."""
    lines = [line for line in text.splitlines() if not line.startswith(("Failure #", "\t", " "))]
    return " ".join(dict.fromkeys(lines))[:LONGEST_REASON]


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

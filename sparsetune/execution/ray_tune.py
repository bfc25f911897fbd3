"""Jobs spread over the CPUs and GPUs of this machine or of a cluster. Ray enters here and in the other ``ray_*.py``.

Ray Tune places jobs on warm workers and carries their reports; who asks, prunes and remembers is the source.
Nothing of Tune's own records is used: a job that is set up again finds its own checkpoint in its folder.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from typing import Literal

import ray
from ray import tune
from ray.tune.experiment import Trial

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Source, Work
from sparsetune.base.surroundings import cluster
from sparsetune.execution.ray_desk import Asking, Desk, Judging
from sparsetune.execution.ray_private import Actors, lean_tune
from sparsetune.execution.ray_start import initialise
from sparsetune.execution.ray_workers import Worker

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
            initialise(cluster.address(os.environ))
            self._ours = True
        try:
            self._settle([node["Resources"] for node in ray.nodes() if node["Alive"]])  # type: ignore[no-untyped-call]
        except BadInput:
            self.close()
            raise

    def _settle(self, nodes: list[dict[str, float]]) -> None:
        cpus, gpus = (int(sum(node.get(kind, 0) for node in nodes)) for kind in ("CPU", "GPU"))
        self.gpus = min(1, gpus) if self._asked == "auto" else self._asked
        if not sum(slots(node, self.cpus, 0) for node in nodes):
            wanted = f"{self.cpus} CPUs for a trial"
            raise BadInput(f"Ray has {cpus}", found=wanted, key="resources.cpus", code="not_allowed")
        held = sum(slots(node, self.cpus, self.gpus) for node in nodes)
        if not held:
            wanted, problem = f"{self.gpus:g} GPUs for a trial", f"Ray has {gpus}; use gpus: auto or 0"
            raise BadInput(problem, found=wanted, key="resources.gpus", code="not_allowed")
        self.workers = held if self.workers is None else self.workers
        if not 1 <= self.workers <= held:
            problem = f"Ray has room for {held} such trials at once"
            raise BadInput(problem, found=str(self.workers), key="workers", code="not_allowed")

    def run(self, source: Source, work: Work) -> None:
        """Return when the source has no job left and all have ended. What the source raises passes through."""
        desk = Desk(source)
        name = f"{time.time_ns()}"
        folder = tempfile.mkdtemp(prefix="sparsetune-ray-")  # Tune wants one; nothing in it is used again
        try:
            with lean_tune():
                tune.run(
                    type("Jobs", (Worker,), {"work": staticmethod(work)}),
                    name=name,
                    storage_path=folder,
                    trial_dirname_creator=_folder_of,
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
        except BaseException:  # Ctrl-C: Tune would leave the workers and what they hold to garbage collection
            Actors.newest.cleanup()  # type: ignore[no-untyped-call]
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Shut down or leave Ray, if ``start`` started or joined it."""
        if self._ours:
            ray.shutdown()
            self._ours = False


def slots(node: Mapping[str, float], cpus: int, gpus: float) -> int:
    """How many trials a node holds. A share of a GPU lies on one GPU: of 0.4 two fit on each."""
    by_cpus = int(node.get("CPU", 0) // cpus)
    if not gpus:
        return by_cpus
    cards = node.get("GPU", 0)
    return min(by_cpus, int(cards) * int(1 / gpus + 1e-9) if gpus < 1 else int(cards // gpus))


def _folder_of(trial: Trial) -> str:
    return trial.trial_id

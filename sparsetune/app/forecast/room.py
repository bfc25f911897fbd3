"""Where trials would run, found out without starting Ray."""

from __future__ import annotations

import os
from dataclasses import dataclass

from sparsetune.app.parts import start_executor, visible_gpus
from sparsetune.base.errors import BadInput
from sparsetune.base.surroundings import cluster
from sparsetune.base.surroundings.processors import processors
from sparsetune.config.study.study import Study


@dataclass(frozen=True)
class Room:
    """Where trials run.

    Attributes:
        workers: trials at once; None on a cluster, whose size only Ray knows.
        gpus: what one trial gets.
        in_process: without Ray.
        unfit: why a trial cannot be tried here, although the cluster may run it.
    """

    workers: int | None
    gpus: float
    in_process: bool = False
    unfit: str = ""


def find_room(study: Study, workers: int | None, *, in_process: bool) -> Room:
    """As many workers as asked for or, without that, as fit; raises :class:`BadInput` as the executors do."""
    if in_process:
        return Room(1, start_executor(study, workers=workers, in_process=True).gpus, in_process=True)
    asked, visible = study.resources.gpus, visible_gpus()
    gpus = float(min(1, visible)) if asked == "auto" else asked
    cuda = study.trial.training.device == "cuda"
    if cluster.address(os.environ) != cluster.LOCAL:
        short = gpus > visible or (cuda and not gpus)
        return Room(workers, gpus, unfit="a trial asks for GPUs that this machine does not have" if short else "")
    if cuda and not gpus:
        raise BadInput("found 'cuda', but a trial gets no GPU here", source=study.source, key="training.device")
    return Room(_fitting(study, workers, gpus, visible), gpus)


def _fitting(study: Study, workers: int | None, gpus: float, visible: int) -> int:
    from sparsetune.execution.ray_tune import places

    cpus = processors().usable
    held = places({"CPU": cpus, "GPU": visible}, study.resources.cpus, gpus)
    if not held:
        short = "cpus" if study.resources.cpus > cpus else "gpus"
        problem = f"found {study.resources.cpus} CPUs and {gpus:g} GPUs for a trial, here are {cpus} and {visible}"
        raise BadInput(problem, source=study.source, key=f"resources.{short}")
    if workers is not None and workers > held:
        raise BadInput(f"found {workers}, here is room for {held} such trials at once", key="--workers")
    return workers or held

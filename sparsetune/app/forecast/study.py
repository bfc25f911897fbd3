"""The forecast of a study: what is left to do, where, and what some of its configs cost here."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sparsetune.app import inputs
from sparsetune.app.forecast.estimate import Probed, Spread, TrialCost, trial_cost, wall_seconds
from sparsetune.app.forecast.machine import Disk, Room, disks, find_room, free_memory
from sparsetune.app.forecast.probe import PROBE_SECONDS, Order, Process, Say, probe
from sparsetune.app.parts import job_options, localiser, tracked_at
from sparsetune.base.messages import GIVEN
from sparsetune.base.stores.sqlite import sqlite_path
from sparsetune.base.stores.tracking_uri import is_database
from sparsetune.config.study.study import Study
from sparsetune.drive.driver import counts
from sparsetune.execution.in_process import InProcess

_EACH_SECONDS = 2.0  # of training, where there are many configs


@dataclass(frozen=True)
class Forecast:
    """What a study will cost. All of it is an estimate from ``probed``, and empty if none of them came through.

    Attributes:
        ended: trials of earlier runs.
        left: trials still to be run, those included that were cut short.
        configs: how many different ones were to be probed.
        nothing: why nothing was probed.
        trial_seconds: of a worker.
        wall_seconds: from the workers' first trial to the last one's end; None where their number is not known.
        free_memory: None: not known.
        remote: trials leave their files with a tracking server, not on these ``disks``.
    """

    ended: int
    left: int
    room: Room
    configs: int = 0
    nothing: str = ""
    probed: Sequence[Probed] = ()
    process: Process = field(default_factory=Process)
    costs: Sequence[TrialCost] = ()
    trial_seconds: Spread | None = None
    wall_seconds: Spread | None = None
    free_memory: int | None = None
    remote: bool = False
    disks: Sequence[Disk] = ()

    @property
    def at_once(self) -> int | None:
        """Trials at once: no more than are left."""
        return None if self.room.workers is None else min(self.room.workers, self.left)


def forecast(
    study: Study, sampled: Sequence[dict[str, Any]], *, workers: int | None, in_process: bool, say: Say
) -> Forecast:
    """Probe these configs, and reckon from them; writes nothing, starts no Ray.

    Args:
        workers, in_process: as :func:`~sparsetune.app.study.run_study` takes them.
        say: is told what is being done.

    Raises:
        BadInput: as a start of the study would, but for what only Ray and MLflow know.
    """
    from sparsetune.search import lock
    from sparsetune.search.definition import refuse_other_meaning

    lock.refuse_if_held(lock.place(study.storage, study.project.runs, study.name), study.name)
    refuse_other_meaning(study)
    paths = inputs.locate(study.trial, study.project, study.registries, study.source)
    inputs.prepare(study.trial, paths, study.registries, study.source, _told(say), study.space, study.bases)
    room = find_room(study, workers, in_process=in_process)
    ended, left = trials_left(study)
    nothing = room.unfit if left else "every trial of the budget has ended"
    if nothing:
        return Forecast(ended, left, room, nothing=nothing)
    localise = localiser(paths, InProcess(gpus=room.gpus))
    configs: list[dict[str, Any]] = []
    for drawn in sampled:
        config = localise(drawn)
        configs += [config] if config not in configs else []
    order = Order(
        configs,
        study.judged_by,
        job_options(study),
        further=study.judged_in,
        branches=study.branches,
        seconds=max(PROBE_SECONDS, _EACH_SECONDS * len(configs)),
        as_ray=not in_process,
    )
    environment = {} if in_process else _as_ray_sets(study, room)
    process, probed = probe(order, environment, say)
    return reckon(study, Forecast(ended, left, room, len(configs), probed=probed, process=process))


def _told(say: Say) -> inputs.Progress:
    return lambda done, total: say(f"decoding {done:,} of {total:,} samples" if total else inputs.WAITS)


def trials_left(study: Study) -> tuple[int, int]:
    """Trials of the storage that have ended, and those that the budget leaves to be run."""
    from sparsetune.search.points import Points, crossed
    from sparsetune.search.storage import exists, read_study, study_names

    begun = Points.of(study, lambda _: None)  # what it warns of has been said
    extent = study.extent(len(crossed(begun.points, study.space)))
    if not exists(study.storage) or study.name not in study_names(study.storage):
        return 0, extent.total()
    trials = read_study(study.storage, study.name).trials
    running, taken = counts(trials)["RUNNING"], sum(GIVEN in trial.notes for trial in trials)
    return len(trials) - running, running + max(0, extent.total(taken) - len(trials))


def reckon(study: Study, probed: Forecast) -> Forecast:
    """The forecast with what follows from its probes."""

    each_training = [trial_cost(each, study.tracking.checkpoint_every) for each in probed.probed if not each.reason]
    costs = [cost.times(study.replicates, len(study.branches)) for cost in each_training]
    if not costs:
        return probed
    trial = Spread.of(cost.seconds for cost in costs)
    wall = None
    if (workers := probed.room.workers) is not None:
        wall = trial.each(lambda seconds: wall_seconds(probed.left, workers, seconds))
    return replace(
        probed,
        costs=costs,
        trial_seconds=trial,
        wall_seconds=wall,
        free_memory=free_memory(),
        remote=not is_database(tracked_at(study)),
        disks=disks(_needs(study, probed, costs)),
    )


def _needs(study: Study, probed: Forecast, costs: Sequence[TrialCost]) -> dict[Path, float]:
    """Bytes by the folder that they go to, all trials being like the largest probed one."""

    uri, left = tracked_at(study), probed.left
    files, numbers = max(cost.left_bytes for cost in costs), max(cost.stored_bytes for cost in costs)
    running = max(2 * cost.checkpoint_bytes + cost.left_bytes for cost in costs)  # a new checkpoint beside the old
    needs = {study.project.runs / "checkpoints": (probed.at_once or 1) * running}
    if is_database(uri):
        needs[study.project.artifacts] = left * files
    store = sqlite_path(uri)
    if store is not None:
        needs[store.parent] = needs.get(store.parent, 0.0) + left * numbers
    return needs


def _as_ray_sets(study: Study, room: Room) -> dict[str, str]:
    """What Ray puts into a worker's environment."""
    threads = {} if "OMP_NUM_THREADS" in os.environ else {"OMP_NUM_THREADS": str(study.resources.cpus)}
    return threads if room.gpus else {**threads, "CUDA_VISIBLE_DEVICES": ""}

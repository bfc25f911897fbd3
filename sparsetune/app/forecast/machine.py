"""What this machine has for a study: workers, memory, disk."""

from __future__ import annotations

import os
import resource
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sparsetune.app.parts import start_executor, visible_gpus
from sparsetune.base.errors import BadInput
from sparsetune.base.surroundings import cluster
from sparsetune.base.surroundings.processors import GROUPS, PROC, control_groups, processors
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
        raise BadInput("a trial gets no GPU here", found="'cuda'", source=study.source, key="training.device")
    return Room(_fitting(study, workers, gpus, visible), gpus)


def _fitting(study: Study, workers: int | None, gpus: float, visible: int) -> int:
    from sparsetune.execution.ray_tune import slots

    cpus = processors().usable
    held = slots({"CPU": cpus, "GPU": visible}, study.resources.cpus, gpus)
    if not held:
        short = "cpus" if study.resources.cpus > cpus else "gpus"
        raise BadInput(
            f"here are {cpus} and {visible}",
            source=study.source,
            key=f"resources.{short}",
            found=f"{study.resources.cpus} CPUs and {gpus:g} GPUs for a trial",
        )
    if workers is not None and workers > held:
        raise BadInput(f"here is room for {held} such trials at once", key="--workers", found=str(workers))
    return workers or held


def free_memory(proc: Path = PROC, groups: Path = GROUPS) -> int | None:
    """Bytes that new processes can use: the machine's, or less within a container or a batch job; None: not known."""
    room = list(_within_groups(proc, groups))
    with suppress(OSError):
        lines = (proc / "meminfo").read_text().splitlines()
        room += [1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return min(room, default=None)


def _within_groups(proc: Path, groups: Path) -> Iterator[int]:
    """What each control group (version 2) of this process still allows."""
    for folder in control_groups(proc, groups):
        try:
            limit, used = (int((folder / f"memory.{name}").read_text()) for name in ("max", "current"))
            kept = (folder / "memory.stat").read_text().split()
        except (OSError, ValueError):  # another version, or no limit
            continue
        reclaimable = int(kept[kept.index("inactive_file") + 1]) if "inactive_file" in kept else 0
        yield max(0, limit - used + reclaimable)


def peak_memory(proc: Path = PROC) -> int:
    """The most bytes of this process that were resident, shared libraries included."""
    try:
        lines = (proc / "self" / "status").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):  # getrusage alone would count, on Linux, what the parent had before exec
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1024 * peak


@dataclass(frozen=True)
class Disk:
    """A file system: the folder that holds all that is to be written there, how much that is, and what is free."""

    folder: Path
    need: float  # bytes
    free: int  # bytes


def disks(needs: Mapping[Path, float]) -> list[Disk]:
    """Bytes wanted by folder (absolute; need not exist yet), added up by file system."""
    by_device: dict[int, Disk] = {}
    for folder, need in needs.items():
        there = next(path for path in (folder, *folder.parents) if path.exists())
        device = there.stat().st_dev
        before = by_device.get(device, Disk(folder, 0.0, 0))
        common = Path(os.path.commonpath((before.folder, folder)))
        by_device[device] = Disk(common, before.need + need, shutil.disk_usage(there).free)
    return list(by_device.values())

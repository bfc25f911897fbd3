"""What this machine has for a study: memory, disk."""

from __future__ import annotations

import os
import resource
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_PROC, _GROUPS = Path("/proc"), Path("/sys/fs/cgroup")


def free_memory(proc: Path = _PROC, groups: Path = _GROUPS) -> int | None:
    """Bytes that new processes can use: the machine's, or less within a container or a batch job; None: not known."""
    found = [*_available(proc), *_within_groups(proc, groups)]
    return min(found, default=None)


def _available(proc: Path) -> Iterator[int]:
    try:
        lines = (proc / "meminfo").read_text().splitlines()
    except OSError:
        return
    yield from (1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))


def _within_groups(proc: Path, groups: Path) -> Iterator[int]:
    """What each control group (version 2) from this process's own upward still allows."""
    try:
        entries = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return
    own = next((entry.removeprefix("0::/") for entry in entries if entry.startswith("0::/")), "")
    for folder in (groups / own, *(groups / own).parents):
        try:
            limit, used = (int((folder / f"memory.{name}").read_text()) for name in ("max", "current"))
            kept = (folder / "memory.stat").read_text().split()
        except (OSError, ValueError):  # another version, or no limit
            continue
        reclaimable = int(kept[kept.index("inactive_file") + 1]) if "inactive_file" in kept else 0
        yield max(0, limit - used + reclaimable)


def peak_memory(proc: Path = _PROC) -> int:
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
    found: dict[int, Disk] = {}
    for folder, need in needs.items():
        there = next(path for path in (folder, *folder.parents) if path.exists())
        device = there.stat().st_dev
        known = found.get(device)
        common = folder if known is None else Path(os.path.commonpath((known.folder, folder)))
        more = need if known is None else known.need + need
        found[device] = Disk(common, more, shutil.disk_usage(there).free)
    return list(found.values())

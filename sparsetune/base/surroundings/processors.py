"""How many processors this process may keep busy: fewer than there are within a container, a batch job or taskset."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PROC, GROUPS = Path("/proc"), Path("/sys/fs/cgroup")


class Processors(NamedTuple):
    """Those of the machine, those that this process may run on, and how many its groups may keep busy (None: all)."""

    there: int
    allowed: int
    quota: float | None = None

    @property
    def usable(self) -> int:
        """Whole ones that can be worked with."""
        return max(1, min(self.there, self.allowed, int(self.quota or self.allowed)))


def processors(proc: Path = PROC, groups: Path = GROUPS) -> Processors:
    """What the system says of them now."""
    there = os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else there
    return Processors(there, allowed, min(_quotas(proc, groups), default=None))


def _quotas(proc: Path, groups: Path) -> Iterator[float]:
    """Processors that each control group of this process may keep busy, where it has a limit."""
    for group in control_groups(proc, groups):
        for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
            try:
                most, period = " ".join((group / name).read_text() for name in names).split()
                if most not in ("max", "-1"):
                    yield int(most) / int(period)
            except (OSError, ValueError, ZeroDivisionError):  # of the other version
                continue


def control_groups(proc: Path, groups: Path) -> Iterator[Path]:
    """The groups of this process, of version 2 and of 1, each from its own upward.

    In a container its path may be the host's, which is not there; the topmost is then its own.
    """
    try:
        entries = [line.split(":", 2) for line in (proc / "self" / "cgroup").read_text().splitlines()]
    except OSError:
        entries = []
    paths = {controller: path.strip("/") for _, controllers, path in entries for controller in controllers.split(",")}
    for mount, controller in ((groups, ""), (groups / "cpu", "cpu"), (groups / "cpu,cpuacct", "cpu")):
        own = mount / paths.get(controller, "")
        yield from (each for each in (own, *own.parents) if each.is_relative_to(mount))

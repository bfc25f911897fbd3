"""What this machine has, but for its GPUs."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sparsetune.base.disk import in_words
from sparsetune.base.errors import BadInput
from sparsetune.base.paths import Project
from sparsetune.base.surroundings.home import settle
from sparsetune.base.surroundings.processors import Processors, processors
from sparsetune.base.surroundings.temporary import temporary
from sparsetune.doctor.finding import Finding, State

GB = 10**9
FULL = 0.95  # of a disk: from there on Ray's raylets complain, and spill nothing
_SHARED = Path("/dev/shm")


def home(project: Project | None) -> Iterator[Finding]:
    """Where libraries keep caches and settings."""
    remarks = settle()
    for remark in remarks:
        yield Finding("note", "home", remark, "set HOME to a folder that you may write to")
    if not remarks:
        yield Finding("ok", "home", str(Path.home()))


def cpus(project: Project | None) -> Iterator[Finding]:
    """The cores that trials can have."""
    yield cpu_finding(processors())


def cpu_finding(cores: Processors) -> Finding:
    """What to say of cores that are there, that this process may use, and that its container may keep busy."""
    if cores.usable >= cores.there:
        return Finding("ok", "CPUs", f"{cores.there}; a trial uses resources.cpus threads, 1 by default")
    bound = cores.allowed <= (cores.quota or cores.allowed)
    by = f"this process may use {cores.allowed}" if bound else f"the container may keep {cores.quota:g} busy"
    return Finding("note", "CPUs", f"{cores.there}, but {by}: studies share {cores.usable} among their workers")


def room(what: str, path: Path, use: str) -> Finding:
    """The free space of the disk that a path lies on, or will."""
    there = next(each for each in (path, *path.parents) if each.exists())
    usage = shutil.disk_usage(there)
    state = room_state(usage.free, usage.total)
    mend = "" if state == "ok" else f"make room on the disk of {there}"
    return Finding(state, what, f"{usage.free / GB:.1f} GB free for {use}", mend)


def room_state(free: int, total: int) -> State:
    """Of a disk, by its bytes: below 1 GB a study may not end, below 5 GB a long one may not."""
    if free < GB:
        return "problem"
    return "note" if free < 5 * GB or 1 - free / total > FULL else "ok"


def disk_of_ray(project: Project | None) -> Iterator[Finding]:
    """Where Ray keeps its logs, and objects that memory cannot hold."""
    try:
        folder, remark = temporary(os.environ)
    except BadInput as error:
        yield Finding("problem", "Ray's disk", error.sentence, f"set {error.key} to another, or use --in-process")
        return
    if remark:
        yield Finding("note", "Ray's disk", remark, "set RAY_TMPDIR to a folder with a short path")
    finding = room("Ray's disk", folder, f"Ray in {in_words(folder)}")
    yield finding if finding.state == "ok" else replace(finding, mend=f"{finding.mend}, or set RAY_TMPDIR to another")


def shared_memory(project: Project | None) -> Iterator[Finding]:
    """Where Ray's object store lies on Linux."""
    if _SHARED.is_dir():
        usage = shutil.disk_usage(_SHARED)
        says = f"{usage.free / GB:.1f} GB free in {_SHARED}"
        if usage.free < GB:
            mend = "start the container with --shm-size=2g; else Ray uses a slower file on disk"
            yield Finding("note", "shared memory", says, mend)
        else:
            yield Finding("ok", "shared memory", says)


def open_files(project: Project | None) -> Iterator[Finding]:
    """Ray's processes hold many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= 4096:
        yield Finding("ok", "open files", "no limit" if soft == resource.RLIM_INFINITY else f"{soft:,} at once")
    else:
        most = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
        mend = f"ulimit -n {most}" if most > soft else "ask the machine's administrator for a higher limit"
        yield Finding("note", "open files", f"{soft:,} at once, which many workers may exceed", mend)


def terminal(project: Project | None) -> Iterator[Finding]:
    """Where progress is shown."""
    from sparsetune.base.layout.console import Console

    screen = Console(stderr=True)
    if not screen.is_terminal:
        yield Finding("ok", "terminal", "none: progress is shown as plain lines")
        return
    colours = {None: "no colour", "standard": "16 colours", "256": "256 colours", "truecolor": "true colour"}
    says = f"{screen.width} columns, {colours.get(screen.color_system, screen.color_system)}, {screen.encoding}"
    if screen.width < 80:
        yield Finding("note", "terminal", says, "widen it to 80 columns: tables leave columns out")
    elif not screen.encoding.startswith("utf"):
        yield Finding("note", "terminal", says, "export LC_ALL=C.UTF-8: bars and frames are drawn with its characters")
    else:
        yield Finding("ok", "terminal", says)

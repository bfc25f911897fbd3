"""Training some configs for seconds, in a process of their own: what they cost is theirs, and nothing is left."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sparsetune.app.forecast.estimate import Probed
from sparsetune.base.messages import Branch

PROBE_SECONDS = 10.0  # of training, for all configs together
PATIENCE_SECONDS = 120.0  # without a sign: a network file system that loads, an evaluation that takes minutes
_START = """
import sys
from multiprocessing.connection import Connection

asking = Connection(int(sys.argv[1]))
sys.path[:] = asking.recv()
from sparsetune.app.forecast.prober import main
main(asking)
"""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Order:
    """What is to be probed.

    Attributes:
        configs: whole trial configs with absolute paths.
        judged: metrics that a trial must give.
        further: more of them, by the method whose trials must give them.
        job_options: of the study's trials.
        branches: of a fork.
        seconds: of training, for all configs together.
        as_ray: load what one of Ray's workers has loaded.
    """

    configs: Sequence[dict[str, Any]]
    judged: Sequence[str]
    job_options: Mapping[str, Any]
    further: Mapping[str, Sequence[str]] = field(default_factory=dict)
    branches: tuple[Branch, ...] = (Branch(),)
    seconds: float = PROBE_SECONDS
    as_ray: bool = False


@dataclass(frozen=True)
class Process:
    """What a worker's process costs.

    Attributes:
        start_seconds: from its start to its first steps: imports, data, first use of everything.
        peak_bytes: the most memory that was resident, shared libraries included; None: it died.
        device: ``cpu`` or the GPU's name.
        gpu_peak_bytes: the most that torch held on the GPU; None on a CPU.
        gpu_free_bytes: on that GPU beside what torch held.
    """

    start_seconds: float = 0.0
    peak_bytes: int | None = None
    device: str = ""
    gpu_peak_bytes: int | None = None
    gpu_free_bytes: int | None = None


def probe(order: Order, environment: Mapping[str, str], say: Say) -> tuple[Process, list[Probed]]:
    """Train each config for its share of the time; those for which none is left are missing at the end.

    Args:
        environment: variables of the process beside those of this one.
        say: is told what is being done.

    Returns:
        At least one result; a config that failed, or ended the process, has the reason.
    """
    here, there = Pipe()
    with tempfile.TemporaryDirectory(prefix="sparsetune-probe-") as folder, here:
        errors = Path(folder) / "errors.txt"
        started = time.perf_counter()
        with there, errors.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", _START, str(there.fileno())],
                env={**os.environ, **environment},
                pass_fds=[there.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,  # Ctrl-C is for this process, which then ends that one
            )
        try:
            say("starting a process")
            worker, probed, silent = _hear(here, (sys.path, (order, folder)), started, say)
            if not silent and process.wait():
                probed.append(Probed(reason=_why(process.returncode, errors.read_text(errors="replace"))))
        finally:
            process.kill()
            process.wait()
        return worker, probed


def _hear(process: Connection, words: Sequence[Any], started: float, say: Say) -> tuple[Process, list[Probed], bool]:
    """Tell the process these words, and listen until it ends or, which comes last, is silent for too long."""
    worker, probed, start = Process(), list[Probed](), 0.0
    try:
        for each in words:
            process.send(each)
        while process.poll(PATIENCE_SECONDS):
            match process.recv():
                case str(doing):
                    say(doing)
                case float(trained):
                    start = time.perf_counter() - started - trained
                case Probed() as result:
                    probed.append(result)
                case ended:
                    worker = replace(ended, start_seconds=start)
    except (EOFError, OSError):  # it has ended
        return worker, probed, False
    reason = f"no sign for {PATIENCE_SECONDS:g} s, longer than a forecast may take"
    return worker, [*probed, Probed(reason=reason)], True


def _why(code: int, said: str) -> str:
    if code < 0:
        hint = "; did the machine run out of memory?" if code == -9 else ""
        return f"the process was killed by signal {-code}{hint}"
    return (said.strip().splitlines() or [f"the process ended with code {code}"])[-1]

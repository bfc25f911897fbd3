"""Training some configs for seconds, in a process of their own: what they cost is theirs, and nothing is left."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from sparsetune.app.forecast.estimate import Probed

PROBE_SECONDS = 10.0  # of training, for all configs together
PATIENCE_SECONDS = 120.0  # without a sign: a network file system that loads, an evaluation that takes minutes
_START = """
import json, os, shutil, sys, threading

def end_when_alone():
    os.read(0, 1)  # ends when the process that asked has
    shutil.rmtree(os.path.dirname(sys.argv[2]), ignore_errors=True)
    os._exit(1)

threading.Thread(target=end_when_alone, daemon=True).start()
sys.path[:] = json.loads(sys.argv[1])
from sparsetune.app.forecast.prober import main
main()
"""


@dataclass(frozen=True)
class Order:
    """What is to be probed; plain values that go to the other process.

    Attributes:
        configs: whole trial configs with absolute paths.
        objectives: metrics that a trial must give.
        cpus: threads.
        seconds: of training, for all configs together.
        as_ray: load what one of Ray's workers has loaded.
        imports: files of the user's own, as ``OwnFile`` has them.
        branches: of a fork, as ``Branch`` has them.
        scores: formulas of metrics, by the name of the objective.
        figures: which runs the study draws.
        further: more metrics that a trial must give, by its method.
    """

    configs: Sequence[dict[str, Any]]
    objectives: Sequence[str]
    cpus: int
    seconds: float = PROBE_SECONDS
    as_ray: bool = False
    imports: Sequence[dict[str, Any]] = ()
    branches: Sequence[dict[str, Any]] = ({},)
    scores: Mapping[str, str] = field(default_factory=dict)
    figures: Literal["front", "all", "none"] = "all"
    further: Mapping[str, Sequence[str]] = field(default_factory=dict)


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


Say = Callable[[str], None]


def probe(order: Order, environment: Mapping[str, str], say: Say) -> tuple[Process, list[Probed]]:
    """Train each config for its share of the time; those for which none is left are missing at the end.

    Args:
        environment: variables of the process beside those of this one.
        say: is told what is being done.

    Returns:
        At least one result; a config that failed, or ended the process, has the reason.
    """
    with tempfile.TemporaryDirectory(prefix="sparsetune-probe-") as folder:
        file = Path(folder) / "order.json"
        file.write_text(json.dumps(asdict(order)))
        errors = Path(folder) / "errors.txt"
        with errors.open("wb") as stderr:
            started = time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", _START, json.dumps(sys.path), str(file)],
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,  # Ctrl-C is for this process, which then ends that one
            )
            try:
                say("starting a process")
                return _listen(process, started, errors, say)
            finally:
                process.kill()
                process.communicate()


def _listen(process: subprocess.Popen[bytes], started: float, errors: Path, say: Say) -> tuple[Process, list[Probed]]:
    worker, probed, start = Process(), list[Probed](), 0.0
    try:
        for line in _lines(process):
            event = json.loads(line)
            if "doing" in event:
                say(event["doing"])
            elif "trained_seconds" in event:
                start = time.perf_counter() - started - event["trained_seconds"]
            elif "probed" in event:
                probed.append(Probed(**event["probed"]))
            else:
                worker = replace(Process(**event["process"]), start_seconds=start)
    except TimeoutError:
        return worker, [*probed, Probed(reason=f"no sign for {PATIENCE_SECONDS:g} s, longer than a forecast may take")]
    code = process.wait()
    if code:
        probed.append(Probed(reason=_why(code, errors.read_text(errors="replace"))))
    return worker, probed


def _lines(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """The lines that the process prints, to its end; raises TimeoutError when none comes for long."""
    assert process.stdout is not None
    rest = b""
    while select.select([process.stdout], [], [], PATIENCE_SECONDS)[0]:
        chunk = os.read(process.stdout.fileno(), 1 << 16)
        if not chunk:
            return
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    raise TimeoutError


def _why(code: int, said: str) -> str:
    if code < 0:
        hint = "; did the machine run out of memory?" if code == -9 else ""
        return f"the process was killed by signal {-code}{hint}"
    return (said.strip().splitlines() or [f"the process ended with code {code}"])[-1]

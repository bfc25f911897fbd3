"""Processor seconds of a way's programs and of all that they start, while it runs."""

from __future__ import annotations

import bisect
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import psutil

EVERY = 0.5  # seconds; a look takes some milliseconds
DRIVER, WORKERS, RAY = "driver", "workers", "Ray"


class Usage(threading.Thread):
    """Looks now and then. The programs themselves count as ``role``; what they start is a worker or Ray's own."""

    def __init__(self, programs: Sequence[int], role: str) -> None:
        super().__init__(daemon=True)
        self._role = dict.fromkeys(programs, role)
        self._seconds: dict[int, tuple[str, float]] = {}  # by process: those that have ended keep their last
        self._looks: list[tuple[float, Counter[str]]] = []
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(EVERY):
            self._look()

    def close(self) -> None:
        self._over.set()
        self.join()

    def between(self, start: float, end: float) -> dict[str, float]:
        """Seconds that each role used between two times."""
        first, last = self._at(start), self._at(end)
        return {role: last[role] - first[role] for role in (DRIVER, WORKERS, RAY)}

    def _at(self, moment: float) -> dict[str, float]:
        """What was used until then, on a line between two looks."""
        place = min(max(1, bisect.bisect(self._looks, moment, key=lambda look: look[0])), len(self._looks) - 1)
        (before, low), (after, high) = self._looks[place - 1], self._looks[place]
        share = (moment - before) / (after - before)
        return {role: low[role] + share * (high[role] - low[role]) for role in (DRIVER, WORKERS, RAY)}

    def _look(self) -> None:
        for pid in self._role:
            with suppress(psutil.Error):
                program = psutil.Process(pid)
                for process in (program, *program.children(recursive=True)):
                    with suppress(psutil.Error):
                        times = process.cpu_times()
                        self._seconds[process.pid] = self._role_of(process), times.user + times.system
        used: Counter[str] = Counter()
        for role, seconds in self._seconds.values():
            used[role] += seconds  # type: ignore[assignment]
        self._looks.append((time.time(), used))

    def _role_of(self, process: psutil.Process) -> str:
        if process.pid in self._role:
            return self._role[process.pid]
        return WORKERS if process.name().startswith("ray::") else RAY

"""Jobs one after another in this process: for debugging, for tests and for machines without Ray."""

from __future__ import annotations

from contextlib import closing
from typing import Literal

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Source, Work
from sparsetune.execution.worker import perform


class InProcess:
    """Runs one job at a time, here. ``visible`` is how many GPUs this process sees; "auto" is one if there are any."""

    def __init__(self, *, gpus: float | Literal["auto"] = "auto", visible: int = 0) -> None:
        self.gpus: float = min(1, visible) if gpus == "auto" else gpus
        self._visible = visible

    def start(self) -> None:
        """Raises BadInput if there are fewer GPUs than a job asks for."""
        if self.gpus > self._visible:
            wanted, problem = f"{self.gpus:g} GPUs for a trial", f"torch sees {self._visible}; use gpus: auto or 0"
            raise BadInput(problem, found=wanted, key="resources.gpus", code="not_allowed")

    def run(self, source: Source, work: Work) -> None:
        """Return when the source has no job left. What the source raises passes through."""
        while job := source.next_job():
            with closing(perform(job, work)) as reports:
                for report in reports:
                    if source.receive(job.key, report):
                        break

    def close(self) -> None:
        """Nothing is held."""

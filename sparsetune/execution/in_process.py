"""Jobs one after another in this process: for debugging, for tests and for machines without Ray."""

from __future__ import annotations

from contextlib import closing

from sparsetune.config.messages import Source, Work
from sparsetune.execution.worker import perform


class InProcess:
    """Runs one job at a time, here."""

    def run(self, source: Source, work: Work) -> None:
        """Return when the source has no job left. What the source raises passes through."""
        while job := source.next_job():
            with closing(perform(job, work)) as reports:
                for report in reports:
                    if source.receive(job.key, report):
                        break

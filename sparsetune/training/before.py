"""The job of a training that comes before a trial's own, in the trial's folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sparsetune.base.messages import Branch, Job, Key
from sparsetune.config.trial import TrialConfig
from sparsetune.training.keys import digest

BEFORE = "before"  # a folder with one for each


def job_before(job: Job, config: TrialConfig) -> Job:
    """One that trains ``config`` alone, and leaves its files in a folder of its own; nobody hears of its rows."""
    return replace(
        job,
        key=Key(job.key.number, config.seed),
        config=config.plain(),
        folder=str(Path(job.folder) / BEFORE / digest(config.portable())),
        seeds=(),
        branches=(Branch(),),
        objectives=(),
        scores={},
    )

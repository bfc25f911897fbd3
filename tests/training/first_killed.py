"""Runs a job whose first training a failpoint may kill, as a process of its own, and writes down its numbers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from sparsetune.base.messages import Job, Key
from sparsetune.testing.trained import untimed
from sparsetune.training.trial import run_trial

if __name__ == "__main__":
    asked, out = Path(sys.argv[1]), Path(sys.argv[2])
    job = Job(Key(0), json.loads(asked.read_text()), str(asked.parent / "job"), checkpoint_every="0.000001s")
    (told,) = [report.outcome for report in run_trial(job) if report.outcome is not None]
    out.write_text(json.dumps([told.state, untimed(told.metrics)]))

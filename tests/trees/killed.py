"""Runs a job of the toys, as a process of its own that a failpoint may kill, and writes down what it has reported."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sparsetune.base import failpoints
from sparsetune.base.messages import Branch, Job, Key, Outcome, OwnFile
from sparsetune.base.shelf import GB
from sparsetune.testing.trained import untimed
from sparsetune.training.trial import run_trial


def reported(
    config: dict[str, Any], branches: Mapping[str, dict[str, Any]], folder: Path, shelf: str = ""
) -> dict[str, Any]:
    """Rows and outcome of each branch, but for timings; the job is saved at each of its stopping points.

    Args:
        branches: what each sets, by name.
        shelf: where trainings leave what others may take.
    """
    job = Job(
        Key(0, config["seed"], next(iter(branches))),
        config,
        str(folder),
        branches=tuple(Branch(name, values) for name, values in branches.items()),
        imports=(OwnFile("toys.py", Path(__file__).with_name("toys.py").read_text()),),
        report_every="1ep",
        checkpoint_every="0.000001s",
        figures="none",
        shelf=shelf,
        shelf_bytes=GB,
    )
    found: dict[str, Any] = {name: {"rows": [], "outcome": None} for name in branches}
    for report in run_trial(job):
        assert report.key is not None
        of_branch = found[report.key.branch]
        rows = (replace(row, timestamp_ms=0, metrics=untimed(row.metrics)) for row in report.rows)
        of_branch["rows"].extend(map(asdict, rows))
        if report.outcome is not None:
            of_branch["outcome"] = asdict(without_timings(report.outcome))
    return found


def without_timings(outcome: Outcome) -> Outcome:
    results = tuple(replace(each, metrics=untimed(each.metrics)) for each in outcome.results)
    return replace(outcome, metrics=untimed(outcome.metrics), results=results)


if __name__ == "__main__":
    asked, out = Path(sys.argv[1]), Path(sys.argv[2])
    told = reported(**json.loads(asked.read_text()), folder=asked.parent / "job")
    out.write_text(json.dumps({"told": told, "saved": failpoints._passed.total()}))

"""Trials of several replicates and branches, made by hand: nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sparsetune.base.messages import Branch, Key, Metrics, Run, State, Trial
from sparsetune.config.study.rows import mean_and_error

COUNTS = (1, 5, 50)
FORK = tuple(Branch(f"mc_samples={count}", {"method.mc_samples": count}) for count in COUNTS)
PLAIN = (Branch(),)


def several(
    number: int,
    results: Mapping[tuple[int, str], Metrics],
    *,
    state: State = "COMPLETE",
    branches: Sequence[Branch] = FORK,
    **more: Any,
) -> Trial:
    """A trial with these results.

    Args:
        results: the metrics of each run, by seed and name of the branch, in that order.
        more: fields of the trial.
    """
    said = "" if state == "COMPLETE" else more.get("reason", "")
    runs = tuple(Run(Key(number, seed, name), state, dict(found), said) for (seed, name), found in results.items())
    metrics, errors = mean_and_error([run.metrics for run in runs]) if len(branches) == 1 else ({}, {})
    config = {"method": {"name": "dense", "mc_samples": 0}, "training": {"epochs": 10}, "seed": 0}
    given = {"params": {"training.lr": 0.01 * (number + 1)}, "config": config, "metrics": metrics, "errors": errors}
    fields = {**given, "started_ms": 1_000, "ended_ms": 9_000, **more}
    return Trial(number, state, runs=runs, branches=tuple(branches), **fields)

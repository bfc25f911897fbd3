"""Rows of a study that compares methods, of three seeds each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sparsetune.base.messages import Trial
from sparsetune.config.study.file import Objective

from .trials import PLAIN, several

PAIR = (Objective(metric="accuracy", goal="maximize"), Objective(metric="bits", goal="minimize"))


def row(number: int, method: str, accuracies: Sequence[float], bits: float, **more: object) -> Trial:
    """A row of a study with seeds 0, 1, ...: it has two objectives."""
    results = {(seed, ""): {"accuracy": each, "bits": bits} for seed, each in enumerate(accuracies)}
    trial = several(number, results, branches=PLAIN, config={"method": {"name": method}}, **more)
    return replace(trial, values=(trial.metrics["accuracy"], bits))


A = row(0, "drr", (0.96, 0.98, 1.0), 300.0)
B = row(1, "slt", (0.93, 0.96, 0.96), 100.0)
C = row(2, "drr", (0.90, 0.92, 0.94), 200.0)
LOST = row(3, "rl1", (0.5, 0.5, 0.5), 50.0, feasible=False)
ROWS = (A, B, C, LOST)

"""A fork over a setting that matters from the pruning step on: trained once up to there, and as if each were alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sparsetune.config.messages import Branch, Job, Key, Metrics
from sparsetune.config.trial import resolve_trial
from sparsetune.testing.methods import untimed
from sparsetune.training.registries import registries_of
from sparsetune.training.trial import run_trial

from .files import toy

FILES = (toy(),)
KNOWN = registries_of(FILES)


def ended(folder: Path, method: dict[str, Any], training: dict[str, Any], *branches: Branch) -> dict[str, Metrics]:
    """What each branch of a job ends with."""
    raw = {
        "method": {"name": "toy", **method},
        "data": "digits",
        "model": {"name": "mlp", "hidden": [8]},
        "training": {"epochs": 3, "device": "cpu", **training},
    }
    config = resolve_trial(raw, KNOWN).plain()
    job = Job(Key(0), config, str(folder), branches=branches or (Branch(),), imports=FILES)
    ends = [report for report in run_trial(job) if report.outcome is not None]
    assert all(report.outcome is not None and report.outcome.state == "COMPLETE" for report in ends)
    return {
        report.key.branch: untimed(report.outcome.metrics, KNOWN)
        for report in ends
        if report.key is not None and report.outcome is not None
    }


@pytest.mark.parametrize("training", [{}, {"optimizer": "adam", "schedule": "cosine"}], ids=["sgd", "adam"])
@pytest.mark.parametrize(
    ("field", "values"), [("density", [0.1, 0.3, 0.5]), ("mc_samples", [0, 3])], ids=["density", "mc_samples"]
)
def test_branches_equal_separate_trainings(
    field: str, values: list[Any], training: dict[str, Any], tmp_path: Path
) -> None:
    """The optimiser's momentum at the fork is each branch's own."""
    dropout = {"n_dropout_layers": 1, "p_dropout": 0.2}
    branches = [Branch(str(value), {f"method.{field}": value}) for value in values]
    forked = ended(tmp_path / "forked", dropout, training, *branches)
    for value in values:
        alone = ended(tmp_path / str(value), {**dropout, field: value}, training)
        assert forked[str(value)] == alone[""]
    assert len({metrics["val_loss"] for metrics in forked.values()}) == len(values)

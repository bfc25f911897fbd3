"""A fork trains once what its branches share; each row is that of a study of its own, bit for bit."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sparsetune.app.study import Summary, load, run_study
from sparsetune.base.messages import Trial
from sparsetune.base.yaml_io import dump
from sparsetune.sparsity.methods import METRICS
from sparsetune.testing import toy_method

COUNTS = [1, 2, 10]
STUDY: dict[str, Any] = {
    "study": "forked",
    "method": {"name": "dense", "n_dropout_layers": 2},
    "data": "digits",
    "model": {"name": "mlp", "hidden": [24, 16]},
    "training": {"epochs": 3, "batch_size": 128, "optimizer": "adam", "keep": "best"},
    "space": {"method.p_dropout": {"float": [0.1, 0.5]}, "training.lr": {"float": [1e-3, 1e-2], "log": True}},
    "objectives": [{"metric": "val_accuracy", "goal": "maximize"}, {"metric": "mc_macs", "goal": "minimize"}],
    "sampler": "random",
    "budget": {"trials": 3},
}


def run(root: Path, **changes: Any) -> Summary:
    (root / "search_spaces").mkdir(parents=True, exist_ok=True)
    file = root / "forked.yaml"
    file.write_text(dump({**STUDY, **changes}))
    return run_study(load(file), workers=None, in_process=True, console=Console(file=io.StringIO()))


def untimed(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name not in METRICS or not METRICS[name].timing}


def numbers(row: Trial) -> dict[str, Any]:
    return {"params": row.params, "config": row.config, "values": row.values, "metrics": untimed(row.metrics)}


def test_three_trainings_and_three_sample_counts(tmp_path: Path, trained: list[int]) -> None:
    forked = run(tmp_path / "forked", fork={"method.mc_samples": COUNTS})
    assert trained == [0, 1, 2] * 3  # three trainings of three epochs
    assert [row.label for row in forked.rows] == [
        f"{number} mc_samples={count}" for number in range(3) for count in COUNTS
    ]
    separate = {}
    for count in COUNTS:
        method = {**STUDY["method"], "mc_samples": count}
        for row in run(tmp_path / str(count), method=method).rows:
            separate[row.number, count] = row
    assert len(trained) == 9 + 9 * 3
    for row in forked.rows:
        alone = numbers(separate[row.number, row.params["method.mc_samples"]])
        alone["params"] = {**alone["params"], "method.mc_samples": row.params["method.mc_samples"]}
        assert numbers(row) == alone
    assert len({row.metrics["val_loss"] for row in forked.rows}) == 9  # the sample counts do differ


@pytest.mark.slow
def test_replicates_are_paired_and_a_trial_has_their_mean(tmp_path: Path, trained: list[int]) -> None:
    several = run(tmp_path / "several", replicates=3)
    assert len(trained) == 3 * 3 * 3
    alone = [run(tmp_path / str(seed), seed=seed, space=None, budget={"trials": 1}) for seed in range(3)]
    assert len({each.rows[0].metrics["val_loss"] for each in alone}) == 3
    for trial in several.trials:
        assert [run.key.seed for run in trial.runs] == [0, 1, 2]
        losses = [run.metrics["val_loss"] for run in trial.runs]
        assert trial.metrics["val_loss"] == pytest.approx(sum(losses) / 3, rel=1e-12)
        assert trial.values[0] == trial.metrics["val_accuracy"]
        spread = sum((loss - trial.metrics["val_loss"]) ** 2 for loss in losses) / 2
        assert trial.errors["val_loss"] == pytest.approx((spread / 3) ** 0.5, rel=1e-9)


@pytest.mark.slow
def test_a_fork_at_a_prune_step(tmp_path: Path, trained: list[int]) -> None:
    """Densities and sample counts: each row is that of a run of its own; the epochs before pruning are shared."""
    own = {"import": ["toy_method.py"], "budget": {"trials": 2}, "training": {**STUDY["training"], "momentum": 0.9}}
    place = Path(toy_method.__file__).read_text()
    fork = {"method.density": [0.5, 0.1], "method.mc_samples": [0, 4]}

    def pruned(name: str, method: dict[str, Any], **changes: Any) -> Summary:
        (tmp_path / name).mkdir()
        (tmp_path / name / "toy_method.py").write_text(place)
        return run(tmp_path / name, method={"name": "toy", "n_dropout_layers": 1, **method}, **own, **changes)

    forked = pruned("forked", {}, fork=fork)
    assert trained == [0, 1, 2, 3, 4, 3, 4] * 2
    for density in fork["method.density"]:
        for count in fork["method.mc_samples"]:
            alone = pruned(f"{density} {count}", {"density": density, "mc_samples": count})
            rows = [row for row in forked.rows if row.branch == f"density={density} mc_samples={count}"]
            assert [untimed(row.metrics) for row in rows] == [untimed(row.metrics) for row in alone.rows]
            assert [row.metrics["density"] for row in rows] == pytest.approx([density] * 2, abs=1e-3)
    assert len(trained) == 14 + 4 * 2 * 5

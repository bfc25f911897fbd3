"""Asynchronous halving on Ray does not mislead TPE; with Ray's own search and scheduler it does.

Accuracy falls while a network is made sparse, as in every study of gradual pruning: a trial that is stopped early has a
better last value than any that goes to its end.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.samplers._tpe.sampler import _split_trials
from optuna.trial import FrozenTrial, TrialState
from ray import cloudpickle, tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch
from search.toys import make, opened

from sparsetune.base.messages import Job, Outcome, Report, Row
from sparsetune.drive.driver import Driver
from sparsetune.execution.ray_tune import RayTune

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # type: ignore[no-untyped-call]  # workers cannot import a test file

TRIALS = 24
EPOCHS = 9
STARTUP = 6
METRIC = "val_accuracy"


def accuracy(x: float, epoch: int) -> float:
    """The best x is 0.7, and each epoch takes more than all x differ by."""
    return 0.99 - 0.05 * abs(x - 0.7) - 0.1 * (epoch - 1)


def becoming_sparse(job: Job) -> Iterator[Report]:
    values = [accuracy(job.config["method"]["x"], epoch) for epoch in range(1, EPOCHS + 1)]
    rows = [Row(epoch, epoch, {METRIC: value, "time_min": 0.1}) for epoch, value in enumerate(values, start=1)]
    for row in rows[:-1]:
        yield Report((row,))
    yield Report(rows[-1:], Outcome("COMPLETE", rows[-1].metrics))  # type: ignore[arg-type]


class BecomingSparse(tune.Trainable):
    """The same, as one would write it for Ray."""

    def setup(self, config: dict[str, Any]) -> None:
        self.x = config["x"]

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.x = new_config["x"]
        return True

    def step(self) -> dict[str, Any]:
        return {METRIC: accuracy(self.x, self.iteration + 1), "done": self.iteration + 1 == EPOCHS}


def best(study: optuna.Study, count: int) -> list[FrozenTrial]:
    """What TPE takes for the best so many trials."""
    return _split_trials(study, study.trials, count)[0]


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_stopped_trials_are_pruned_and_never_before_complete_ones(tmp_path: Path) -> None:
    study = make(
        tmp_path,
        space={"method.x": {"float": [-2.0, 2.0]}},
        objectives=[{"metric": METRIC, "goal": "maximize"}],
        sampler={"name": "tpe", "n_startup_trials": STARTUP},
        pruner={"name": "asha", "reduction_factor": 3},
        training={"epochs": EPOCHS},
        budget={"trials": TRIALS},
    )
    driver = Driver(
        opened(study),
        (),
        folder=tmp_path / "trials",
        objectives=study.judged_by,
        job_options={},
        localise=dict,
        kept=lambda number: True,
    )
    executor = RayTune(cpus=1, gpus=0, workers=2)
    executor.start()
    executor.run(driver, becoming_sparse)

    stored = optuna.load_study(study_name=study.name, storage=study.storage)
    stopped = stored.get_trials(states=[TrialState.PRUNED])
    complete = stored.get_trials(states=[TrialState.COMPLETE])
    assert len(stopped) + len(complete) == TRIALS
    assert len(complete) >= 3
    assert len(stopped) >= TRIALS / 3
    for trial in stopped:
        last = max(trial.intermediate_values)
        assert last < EPOCHS
        curve = {epoch: accuracy(trial.params["method.x"], epoch) for epoch in range(1, last + 1)}
        assert trial.intermediate_values == curve
        assert curve[last] > max(each.values[0] for each in complete)  # it looks better
    for count in range(1, TRIALS + 1):
        taken = best(stored, count)
        assert len(taken) == count
        assert sum(trial.state == TrialState.COMPLETE for trial in taken) == min(count, len(complete))


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_with_rays_search_and_scheduler_tpe_takes_stopped_trials_for_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")  # files that nobody reads here
    storage = optuna.storages.InMemoryStorage()
    search = OptunaSearch(
        {"x": optuna.distributions.FloatDistribution(-2.0, 2.0)},
        metric=METRIC,
        mode="max",
        sampler=optuna.samplers.TPESampler(n_startup_trials=STARTUP, seed=0),
        study_name="usual",
        storage=storage,
    )
    results = tune.Tuner(
        tune.with_resources(BecomingSparse, {"cpu": 1}),
        tune_config=tune.TuneConfig(
            search_alg=search,
            scheduler=ASHAScheduler(metric=METRIC, mode="max", max_t=EPOCHS, grace_period=1, reduction_factor=3),
            num_samples=TRIALS,
            max_concurrent_trials=2,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            storage_path=str(tmp_path), verbose=0, checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False)
        ),
    ).fit()

    study = optuna.load_study(study_name="usual", storage=storage)
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}
    epochs = {result.config["x"]: result.metrics["training_iteration"] for result in results}  # type: ignore[attr-defined]
    assert len(epochs) == TRIALS
    stopped = {x for x, count in epochs.items() if count < EPOCHS}
    assert len(stopped) >= TRIALS / 3
    assert len(epochs) - len(stopped) >= 3
    for trial in study.trials:
        assert trial.value == pytest.approx(accuracy(trial.params["x"], epochs[trial.params["x"]]))
    assert {trial.params["x"] for trial in best(study, len(stopped))} == stopped

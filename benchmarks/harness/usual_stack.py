"""What a user of Ray Tune, Optuna and MLflow would write: `python -m harness.usual_stack TRIALS METHOD FOLDER`.

A function trainable that reports each epoch, Ray's OptunaSearch on SQLite, its MLflowLoggerCallback on SQLite, two
trials at once, everything else as Ray has it by default.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import optuna
import ray
import torch
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback
from ray.tune.search.optuna import OptunaSearch

from harness.training import HIGHEST, LOWEST, digits, train


class Clock(tune.Callback):
    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        print(f"done {time.time()}", flush=True)


def trainable(config: dict[str, float], method: str) -> None:
    torch.set_num_threads(1)
    for metrics in train(config["lr"], digits(), method):
        tune.report(metrics)


def main(trials: int, method: str, folder: Path) -> None:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    search = OptunaSearch(
        {"lr": optuna.distributions.FloatDistribution(LOWEST, HIGHEST, log=True)},
        metric="val_accuracy",
        mode="max",
        storage=optuna.storages.RDBStorage(f"sqlite:///{folder}/studies.db"),
        study_name="lr",
    )
    logger = MLflowLoggerCallback(tracking_uri=f"sqlite:///{folder}/mlflow.db", experiment_name="lr")
    tune.Tuner(
        tune.with_resources(tune.with_parameters(trainable, method=method), {"cpu": 1}),
        tune_config=tune.TuneConfig(search_alg=search, num_samples=trials, max_concurrent_trials=2),
        run_config=tune.RunConfig(storage_path=str(folder / "ray"), callbacks=[logger, Clock()], verbose=0),
    ).fit()
    ray.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))

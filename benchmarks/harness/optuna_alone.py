"""Optuna in one process on a shared journal: `python -m harness.optuna_alone TRIALS METHOD FILE`, started twice."""

from __future__ import annotations

import sys
import time

import optuna
import torch
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from harness.training import HIGHEST, LOWEST, digits, train


def main(trials: int, method: str, journal: str) -> None:
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    data = digits()
    storage = JournalStorage(JournalFileBackend(journal))
    study = optuna.create_study(storage=storage, study_name="lr", direction="maximize", load_if_exists=True)

    def objective(trial: optuna.Trial) -> float:
        lr = trial.suggest_float("lr", LOWEST, HIGHEST, log=True)
        return [metrics["val_accuracy"] for metrics in train(lr, data, method)][-1]

    study.optimize(objective, n_trials=trials, callbacks=[lambda *_: print(time.time(), flush=True)])


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])

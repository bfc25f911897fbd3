"""Studies that are run for real, and what of them is in MLflow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Experiment, Run

import sparsetune
from sparsetune.base.messages import Trial
from sparsetune.base.paths import Project
from sparsetune.testing.studies import start, write_study
from sparsetune.tracking.page_state import KEY, address

DENSE = {
    "method": {"name": "dense"},
    "training": {"epochs": 3},
    "space": {"training.lr": {"float": [1e-3, 1e-1], "log": True}, "training.batch_size": {"int": [32, 256]}},
    "objectives": [{"metric": "val_accuracy", "goal": "maximize"}],
    "budget": {"trials": 12},
}
BOUND = {"constraints": [{"metric": "tracking_error", "at_most": 0.02}]}
STUDIES: dict[str, dict[str, Any]] = {
    "one": DENSE,
    "two": {
        **BOUND,
        "budget": {"trials": 12},
        "space": {"method.kp": {"float": [0.01, 1]}, "method.ki": {"float": [0, 0.05]}},
    },
    "forked": {
        **DENSE,
        "method": {"name": "dense", "n_dropout_layers": 1},
        "replicates": 2,
        "fork": {"method.mc_samples": [1, 5]},
        "budget": {"trials": 4},
    },
    "chosen": {
        **BOUND,
        "method": {"choose": {"ast": {"method.kp": {"float": [0.01, 1]}}, "dense": None}},
        "space": {"training.lr": {"float": [1e-3, 1e-1], "log": True}},
        "budget": {"trials": 8},
    },
}  # fmt: skip


@dataclass(frozen=True)
class Pages:
    """A project with studies, and a server of MLflow's UI on it."""

    root: Path
    base: str

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(Project(self.root).tracking_uri)

    def rows(self, name: str) -> list[Trial]:
        """The rows of a study's own table."""
        return sparsetune.load(name, root=self.root).stored.rows

    def experiment(self, name: str) -> Experiment:
        return self.client.get_experiment_by_name(name)

    def runs(self, name: str, role: str = "trial") -> list[Run]:
        return list(
            self.client.search_runs([self.experiment(name).experiment_id], f"tags.`sparsetune.role` = '{role}'")
        )

    def address(self, name: str, *, charts: bool = False) -> str:
        """Where `sparsetune ui` says that the study's page is."""
        return address(self.base, str(self.experiment(name).experiment_id), key=KEY, charts=charts)


def run_studies(root: Path, *names: str) -> Project:
    for name in names:
        process = start(write_study(root, **{**STUDIES[name], "study": name}), "--in-process")
        said, _ = process.communicate()
        assert process.returncode == 0, said
    return Project(root)

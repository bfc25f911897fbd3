"""A storage with studies in all states, made with plain Optuna: nothing is trained."""

from __future__ import annotations

from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from sparsetune.base.paths import Project
from sparsetune.search.definition import METRIC_NAMES
from sparsetune.search.progress import BUDGET

VALUES = ((0.9, 0.1), (0.5, 0.5), (0.4, 0.4))


class Store:
    """A project with a storage to which studies are added."""

    def __init__(self, root: Path) -> None:
        (root / "search_spaces").mkdir(parents=True)
        self.project = Project(root)
        self.project.runs.mkdir()
        self.url = self.project.storage_url
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._storage = optuna.storages.RDBStorage(self.url)

    def add(self, name: str, *, running: int = 0, budget: int | None = None) -> optuna.Study:
        """Three complete trials, one that failed, and ``running`` without an end."""
        study = optuna.create_study(study_name=name, storage=self._storage, directions=["maximize", "maximize"])
        study._storage.set_study_system_attr(study._study_id, METRIC_NAMES, ["val_accuracy", "compute_saved"])
        study.set_user_attr("uid", f"{name}-1")
        if budget is not None:
            study.set_user_attr(BUDGET, {"trials": budget})
        for values in VALUES:
            study.add_trial(create_trial(values=values))
        study.add_trial(create_trial(state=TrialState.FAIL, user_attrs={"reason": "no [memory] left"}))
        for _ in range(running):
            study.ask()
        return study

    def trials(self, name: str) -> list[FrozenTrial]:
        return optuna.load_study(study_name=name, storage=self._storage).trials

"""What a study has found, for notebooks: many trials are a DataFrame, one is a :class:`Trial`."""

from __future__ import annotations

import html
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sparsetune.config.errors import BadInput
from sparsetune.config.messages import Trial

if TYPE_CHECKING:
    import optuna
    import pandas as pd

    from sparsetune.search.storage import StoredStudy


@dataclass(frozen=True, repr=False, eq=False)
class StudyResult:
    """A study as its storage had it when it was loaded.

    DataFrames have the columns of ``sparsetune export --csv``: ``number``, ``state``, ``params.<name>`` for what the
    space drew, ``metrics.<name>`` for what came out (``sparsetune metrics`` defines them), ``reason`` why a trial
    failed or was pruned, else empty. A parameter or metric that a trial does not have is NaN. The index is the
    trial's number.

    Attributes:
        name: of the study.
        storage: its Optuna storage URL.
        stored: the same trials without pandas, as :class:`Trial` objects.
    """

    name: str
    storage: str
    stored: StoredStudy

    @property
    def objectives(self) -> tuple[str, ...]:
        """The metrics that the study optimises, in the order of its file."""
        return tuple(self.stored.metrics)

    @property
    def counts(self) -> dict[str, int]:
        """How many trials are COMPLETE, PRUNED, FAIL and RUNNING."""
        from sparsetune.driver import counts

        return counts(self.stored.trials)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """All trials, by number."""
        from sparsetune.report.files import trials_frame

        return trials_frame(self.stored.trials)

    @property
    def front(self) -> pd.DataFrame:
        """The Pareto front, the best by the first objective first; with one objective the best trial."""
        return self.trials.loc[self.stored.front]

    @property
    def failures(self) -> pd.DataFrame:
        """The trials that failed, each with its ``reason``."""
        return self.trials.loc[self.trials["state"] == "FAIL"]

    @property
    def best(self) -> Trial:
        """The best trial; raises :class:`BadInput` with several objectives, and while no trial is complete."""
        if not self.stored.front:
            raise BadInput(f"study {self.name!r} has no complete trial yet", key="best")
        if len(self.objectives) > 1:
            problem = f"study {self.name!r} has {len(self.objectives)} objectives ({', '.join(self.objectives)})"
            raise BadInput(f"{problem} and so no single best trial; see .front", key="best")
        return self.trial(self.stored.front[0])

    def trial(self, number: int) -> Trial:
        """One trial, by its number: ``params``, ``config``, ``metrics``, ``values``; raises :class:`BadInput`."""
        trials = self.stored.trials
        if not 0 <= number < len(trials):
            raise BadInput(f"found {number}, allowed: 0 to {len(trials) - 1}", key="number")
        return trials[number]

    def config(self, number: int | None = None) -> dict[str, Any]:
        """The whole config of a trial, of the best one without ``number``, as a copy."""
        import copy

        return copy.deepcopy((self.best if number is None else self.trial(number)).config)

    def yaml(self, number: int | None = None) -> str:
        """The same as the text of a file that ``sparsetune run`` takes."""
        from sparsetune.config.yaml_io import dump

        return dump(self.config(number))

    @cached_property
    def study(self) -> optuna.Study:
        """Optuna's own study on the storage, for its plots and importances. It reads live; do not add trials."""
        import optuna

        from sparsetune.search.storage import open_storage

        return optuna.load_study(study_name=self.name, storage=open_storage(self.storage))

    def __repr__(self) -> str:
        return f"<StudyResult {self._answer}>"

    def _repr_html_(self) -> str:
        """The answer and the front as a table, for notebooks."""
        answer = f"<p>{html.escape(self._answer)}</p>"
        if not self.stored.front:
            return answer
        front = self.front.dropna(axis="columns", how="all")
        params = [name for name in map(str, front) if name.startswith("params.")]
        names = ["number", *(f"metrics.{name}" for name in self.objectives), *params]
        return answer + front[names].to_html(index=False, float_format="{:.4g}".format, na_rep="")

    @property
    def _answer(self) -> str:
        """One line: how many trials, and the best."""
        counted = ", ".join(f"{count} {state.lower()}" for state, count in self.counts.items() if count)
        answer = f"{self.name}: {counted or 'no trials'}"
        if not self.stored.front:
            return answer
        if len(self.objectives) > 1:
            return f"{answer}; front of {len(self.stored.front)} by {', '.join(self.objectives)}"
        best = self.best
        return f"{answer}; best {self.objectives[0]} {best.values[0]:.4g} in trial {best.number}"

"""What a study has found, for notebooks: many trials are a DataFrame, one is a :class:`Trial`."""

from __future__ import annotations

import html
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sparsetune.app.trials import config_of, trial_of
from sparsetune.base.errors import BadInput
from sparsetune.base.layout.text import measured
from sparsetune.base.messages import Trial

if TYPE_CHECKING:
    import optuna
    import pandas as pd

    from sparsetune.app.api.network import TrialNetwork
    from sparsetune.search.storage import StoredStudy


@dataclass(frozen=True, repr=False, eq=False)
class StudyResult:
    """A study as its storage had it when it was loaded.

    DataFrames have the columns of ``sparsetune export --csv``: ``number``, ``state``, ``params.<name>`` for what the
    space drew, ``metrics.<name>`` for what came out (``sparsetune metrics`` defines them), ``reason`` why a trial
    failed or was pruned, else empty. A parameter or metric that a trial does not have is NaN. The index is the
    trial's number. Of a forked trial there is a row for each branch, named by ``branch``; with replicates the metrics
    are means, and ``errors.<name>`` their standard errors; ``feasible`` is there where a row breaks a constraint.

    Attributes:
        name: of the study.
        storage: its Optuna storage URL.
        stored: the same trials and rows without pandas, as :class:`Trial` objects.
        condition: what holds of all rows, if :meth:`where` chose them.
    """

    name: str
    storage: str
    stored: StoredStudy
    condition: str = ""

    @property
    def objectives(self) -> tuple[str, ...]:
        """The metrics that the study optimises, in the order of its file."""
        return tuple(self.stored.metrics)

    @property
    def counts(self) -> dict[str, int]:
        """How many trials are COMPLETE, PRUNED, FAIL and RUNNING."""
        from sparsetune.drive.driver import counts

        return counts(self.stored.trials)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """All trials, by number: a row each, of a forked trial one for each branch."""
        from sparsetune.report.listing import trials_frame

        return trials_frame(self.stored.rows)

    @cached_property
    def replicates(self) -> pd.DataFrame:
        """The replicates of all rows, each with its ``seed``; empty for a study without any."""
        from sparsetune.config.study.rows import replicate_rows
        from sparsetune.report.listing import trials_frame

        return trials_frame([each for row in self.stored.rows for each in replicate_rows(row)])

    @property
    def front(self) -> pd.DataFrame:
        """The Pareto front, the best by the first objective first; with one objective the best row."""
        positions = {(row.number, row.branch): position for position, row in enumerate(self.stored.rows)}
        return self.trials.iloc[[positions[row.number, row.branch] for row in self.stored.front]]

    @property
    def failures(self) -> pd.DataFrame:
        """The trials that failed, each with its ``reason``."""
        return self.trials.loc[self.trials["state"] == "FAIL"]

    @property
    def best(self) -> Trial:
        """The best row; raises :class:`BadInput` with several objectives, and while there is none that may win."""
        if not self.stored.front:
            raise BadInput(self._why_no_front, key="best", code="missing")
        if len(self.objectives) > 1:
            problem = f"study {self.name!r} has {len(self.objectives)} objectives ({', '.join(self.objectives)})"
            raise BadInput(f"{problem} and so no single best trial; see .front", key="best")
        return self.stored.front[0]

    def where(self, condition: str) -> StudyResult:
        """The rows of which a condition holds, such as ``val_accuracy > 0.9 and params.method.kp < 0.1``, as a study.

        Best and front are those of these rows. Raises :class:`BadInput` for a condition that cannot be read, or that
        names what no row has.
        """
        from sparsetune.config.study.front import best_rows
        from sparsetune.report.where import matching

        rows = matching(self.stored.rows, condition, "where")
        numbers = {row.number for row in rows}
        won = best_rows(rows, [each.goal for each in self.stored.objectives])
        trials = [trial for trial in self.stored.trials if trial.number in numbers]
        stored = replace(self.stored, trials=trials, rows=rows, front=won.front, best_by_metric=won.best)
        both = f"({self.condition}) and ({condition})" if self.condition else condition
        return StudyResult(self.name, self.storage, stored, both)

    def trial(self, number: int, branch: str = "") -> Trial:
        """One trial, by its number: ``params``, ``config``, ``metrics``, ``values``; raises :class:`BadInput`.

        Args:
            branch: of a forked trial, such as ``mc_samples=5``; without it the trial as a whole, with all its ``runs``.
        """
        return trial_of(self.stored, number, branch)

    def config(self, number: int | None = None, branch: str = "") -> dict[str, Any]:
        """The whole config of a trial, of the best one without ``number``, as a copy; of a forked trial a branch's."""
        return config_of(self.best if number is None else self.trial(number, branch))

    def network(self, number: int | None = None, branch: str = "", seed: int | None = None) -> TrialNetwork:
        """The network of a trial, of the best one without ``number``, to be exported: ``.export("digits.onnx")``.

        Args:
            branch: of a forked trial.
            seed: of a trial with several replicates.
        """
        from sparsetune.app.api.network import TrialNetwork

        chosen = self.best if number is None else self.trial(number, branch)
        return TrialNetwork(self, chosen.number, branch or chosen.branch, seed)

    def yaml(self, number: int | None = None, branch: str = "") -> str:
        """The same as the text of a file that ``sparsetune run`` takes."""
        from sparsetune.base.yaml_io import dump

        return dump(self.config(number, branch))

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
        from sparsetune.report.tables import metric

        answer = f"<p>{html.escape(self._answer)}</p>"
        if not self.stored.front:
            return answer
        front = self.front.dropna(axis="columns", how="all")
        branch = ["branch"] if "branch" in front else []
        params = [name for name in map(str, front) if name.startswith("params.")]
        names = ["number", *branch, *(f"metrics.{name}" for name in self.objectives), *params]
        shown = front[names].copy()
        for name in self.objectives:
            if f"errors.{name}" in front:
                shown[f"metrics.{name}"] = [metric(row, name, 4) for row in self.stored.front]
        return answer + shown.to_html(index=False, float_format="{:.4g}".format, na_rep="")

    @property
    def _why_no_front(self) -> str:
        complete = sum(row.state == "COMPLETE" for row in self.stored.rows)
        which = f" of which {self.condition!r} holds" if self.condition else ""
        if complete:
            return f"no complete trial of study {self.name!r}{which} meets all its constraints ({complete} complete)"
        return f"study {self.name!r} has no complete trial{which or ' yet'}"

    @property
    def _answer(self) -> str:
        """One line: how many trials, and the best."""
        counted = ", ".join(f"{count} {state.lower()}" for state, count in self.counts.items() if count)
        answer = f"{self.name}: {counted or 'no trials'}"
        if not self.stored.front:
            return answer
        if len(self.objectives) > 1:
            return f"{answer}; front of {len(self.stored.front)} by {', '.join(self.objectives)}"
        best, name = self.best, self.objectives[0]
        value = measured(best.values[0], best.errors.get(name), 4)
        return f"{answer}; best {name} {value} in trial {best.label}"

"""What a study asks, what can be shown of it, and its answer, for its pages. Knows nothing of MLflow itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sparsetune.base.layout.text import heading
from sparsetune.base.messages import Trial
from sparsetune.config.metrics import Metric, core
from sparsetune.config.study.constraints import Constraint, bound
from sparsetune.config.study.file import Objective
from sparsetune.config.study.front import Winners
from sparsetune.sparsity.methods import METRICS

_GOALS = {"maximize": "highest", "minimize": "lowest"}


@dataclass(frozen=True)
class Subject:
    """A study, or (without a name) single runs.

    Attributes:
        source: the file that it stands in, relative to the project; empty where that is not known.
        imports: files of the user's own that its configs need, relative to the project.
        metrics: the table of them.
    """

    name: str = ""
    objectives: tuple[Objective, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    source: str = ""
    imports: tuple[str, ...] = ()
    metrics: Mapping[str, Metric] = field(default_factory=lambda: METRICS)

    @property
    def asks(self) -> str:
        """``the highest val accuracy and the lowest macs, with tracking error at most 0.05``; empty for single runs."""
        wanted = " and ".join(f"the {_GOALS[each.goal]} {heading(each.metric)}" for each in self.objectives)
        bounds = " and ".join(map(bound, self.constraints))
        return f"{wanted}, with {bounds}" if bounds else wanted

    @property
    def last_only(self) -> frozenset[str]:
        """Numbers that rows have, and of which a run's last is enough."""
        asked = {name for each in self.objectives for name in each.reads}
        return frozenset(name for name, each in self.metrics.items() if not each.curve and name not in asked)

    def by_epoch(self, name: str, rows: Iterable[Trial]) -> bool:
        """Whether every epoch of these rows has that number, a score if it has all numbers that it is made of."""
        reads = next((each.reads for each in self.objectives if each.metric == name), (name,))
        asked = all(row.config.get("metrics", {}).get("each_epoch", False) for row in rows)
        return all(each in self.metrics and self.metrics[each].in_rows(asked) for each in reads)

    def of_methods(self, rows: Iterable[Trial]) -> list[str]:
        """What methods show of themselves: the numbers of an epoch that not every method gives."""
        shared = {*core("classification"), *core("regression")}
        measured = {name for row in rows for name in row.metrics} - shared
        return [name for name, each in self.metrics.items() if each.each_epoch and name in measured]


SINGLE = Subject()  # runs of which nothing is known but themselves


@dataclass(frozen=True)
class Answer:
    """The study as it stands.

    Attributes:
        counts: trials by state.
        rows: of its table: a row for each branch of each trial.
        won: the best of them.
        matter: drawn parameters by Optuna's importance for the objectives, the most important one first.
    """

    counts: Mapping[str, int]
    rows: tuple[Trial, ...]
    won: Winners
    matter: tuple[str, ...] = ()


def drawn(rows: Sequence[Trial]) -> list[str]:
    """The names of all that any of the rows has drawn or that its branch sets, in the order of the space."""
    return list(dict.fromkeys(name for row in rows for name in row.params))


def table_columns(subject: Subject, rows: Sequence[Trial]) -> list[str]:
    """The metrics by which rows are compared, once each: objectives, what they are made of, what is constrained."""
    read = [name for each in subject.objectives if each.score is not None for name in each.reads]
    wanted = [*(each.metric for each in subject.objectives), *read, *(each.metric for each in subject.constraints)]
    return [name for name in dict.fromkeys(wanted) if any(name in row.metrics for row in rows)]

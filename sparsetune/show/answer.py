"""The pieces of a study's answer: which setting, how to read the table, what failed, what it cost."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from statistics import median
from typing import TypeVar

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from sparsetune.base.layout.text import cut, duration, heading, listed, number
from sparsetune.base.messages import Trial
from sparsetune.config.metrics import METRICS, Metric
from sparsetune.config.study.file import Objective
from sparsetune.config.study.reading import how_to_read, row_word, which_one
from sparsetune.config.study.study import Study
from sparsetune.report.tables import metric, recorded, single_table, trial_table
from sparsetune.show.failures import alike
from sparsetune.show.words import BESIDE, command_line, meaning, of_replicates

T = TypeVar("T")
MOST_ROWS = 15  # of a front
MOST_REASONS = 5
MOST_LABELS = 8  # of trials that failed alike
NEXT_BEST = 3


def front_of_several(
    objectives: Sequence[Objective],
    front: Sequence[Trial],
    rows: Sequence[Trial],
    width: int,
    metrics: Mapping[str, Metric] = METRICS,
    marked: Collection[str] = (),
) -> Iterator[RenderableType]:
    """The Pareto front, the best by the first objective first, and how to read it; ``marked`` rows get a mark."""
    names = columns(objectives)
    shown = spread(front, MOST_ROWS)
    count = f" ({len(shown)} of {len(front)})" if len(shown) < len(front) else ""
    yield Text(f"Pareto front: the best trade-offs{count}", style="bold")
    yield trial_table(shown, names, None, width, marked)
    yield Text()
    yield Text(how_to_read(objectives, front))
    yield _legend(objectives, recorded(names, shown), shown, metrics)
    if len(front) > 1:
        yield Text()
        yield Text(which_one(objectives, front))


def best_of_one(
    objectives: Sequence[Objective],
    front: Sequence[Trial],
    rows: Sequence[Trial],
    width: int,
    metrics: Mapping[str, Metric] = METRICS,
    marked: Collection[str] = (),
) -> Iterator[RenderableType]:
    """The best row, and how far the next ones are behind; if it is ``marked`` it gets a mark."""
    best = front[0]
    sign = -1 if objectives[0].goal == "maximize" else 1
    names = columns(objectives)
    yield single_table(best, names, "Best trial", marked)
    yield Text()
    complete = [row for row in rows if row.state == "COMPLETE" and row.values]
    others = sorted(
        (row for row in complete if row.feasible and row.label != best.label), key=lambda row: sign * row.values[0]
    )
    if others:
        near = ", ".join(f"trial {row.label} ({metric(row, objectives[0].metric, 4)})" for row in others[:NEXT_BEST])
        middle = number(median(row.values[0] for row in complete), 4)
        yield Text(
            f"Next by {heading(objectives[0].metric)}: {near}; median of all complete {row_word(rows)}s {middle}."
        )
    yield _legend(objectives, recorded(names, [best]), [best], metrics)


def columns(objectives: Sequence[Objective]) -> list[str]:
    """The metrics of a table of rows, where there is room: objectives first, what scores are made of last."""
    read = [name for each in objectives if each.score is not None for name in each.reads]
    return list(dict.fromkeys([*(each.metric for each in objectives), *BESIDE, *read]))


def ended(study: Study, trials: Sequence[Trial], rows: Sequence[Trial], width: int) -> Iterator[RenderableType]:
    """How many failed and why, how many were pruned, each reason once; of a trial that did not fail its branches."""
    states = {trial.number: trial.state for trial in trials}
    branches = [row for row in rows if row.branch and states[row.number] != "FAIL"]
    reasons = alike(each for each in (*trials, *branches) if each.state == "FAIL")
    for reason, failed in reasons[:MOST_REASONS]:
        yield _failed(reason, failed, width)
    if len(reasons) > MOST_REASONS:
        more = command_line("export", study.name, "--csv")
        yield Text(f"{len(reasons) - MOST_REASONS} more reasons: {more}")
    pruned = sum(trial.state == "PRUNED" for trial in trials)
    if pruned:
        yield Text(f"{pruned} pruned: stopped early for falling behind ({study.pruner.name} pruner)")


def time_spent(trials: Sequence[Trial]) -> str:
    """Training time in all and a trial, and how long it took on the clock; nothing if no trial has ended."""
    minutes = [spent for spent in map(_minutes, trials) if spent is not None]
    ends = [trial.ended_ms for trial in trials if trial.ended_ms]
    if not minutes or not ends:
        return ""
    clock = (max(ends) - min(trial.started_ms for trial in trials if trial.started_ms)) / 1000
    each = f"{duration(60 * sum(minutes))} of training, about {duration(60 * median(minutes))} a trial"
    return f"Time: {each}; {duration(clock)} from first start to last end"


def spread(trials: Sequence[T], most: int) -> list[T]:
    """At most so many of them, evenly spread, the first and the last among them."""
    if len(trials) <= most:
        return list(trials)
    return [trials[round(index * (len(trials) - 1) / (most - 1))] for index in range(most)]


def _minutes(trial: Trial) -> float | None:
    """Of all its trainings; the branches of one seed share theirs, and the longest counts."""
    by_seed: dict[int, float] = {}
    for run in trial.runs:
        if "time_min" in run.metrics:
            by_seed[run.key.seed] = max(run.metrics["time_min"], by_seed.get(run.key.seed, 0.0))
    return sum(by_seed.values()) if by_seed else trial.metrics.get("time_min")


def _failed(reason: str, failed: Sequence[Trial], width: int) -> Text:
    said, labels = cut(reason, 2 * width), [each.label for each in failed]
    if len(labels) == 1:
        return Text.assemble((f"trial {labels[0]} failed: ", "red"), said)
    words = f"{row_word(failed)}s"
    which = f"({words} {listed(labels, MOST_LABELS)})"
    return Text.assemble((f"{len(labels)} {words} failed: ", "red"), f"{said} {which}")


def _legend(
    objectives: Sequence[Objective], shown: Sequence[str], rows: Sequence[Trial], metrics: Mapping[str, Metric]
) -> Table:
    """Each metric with its direction and meaning, a score with its formula, and what ± is."""
    better = {"maximize": "higher is better: ", "minimize": "lower is better: "}
    goals = {objective.metric: better[objective.goal] for objective in objectives}
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    formulas = {objective.metric: objective.score for objective in objectives if objective.score is not None}
    for name in shown:
        said = formulas.get(name) or meaning(name, metrics)
        if said:
            table.add_row(heading(name), Text(f"{goals.get(name, '')}{said}"))
    sign, _, words = of_replicates(rows).partition(" is the ")
    if sign:
        table.add_row(sign, Text(words))
    return table

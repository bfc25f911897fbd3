"""The pieces of a study's answer: which setting, how to read the table, what failed, what it cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import TypeVar

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from sparsetune.config.messages import Trial
from sparsetune.config.study import Study
from sparsetune.config.study_file import Objective
from sparsetune.layout.text import cut, duration, heading, listed, number
from sparsetune.report.tables import known, single_table, trial_table
from sparsetune.show.words import BESIDE, command_line, meaning

T = TypeVar("T")
MOST_ROWS = 15  # of a front
MOST_REASONS = 5
NEXT_BEST = 3


def front_of_several(
    objectives: Sequence[Objective], front: Sequence[Trial], trials: Sequence[Trial], width: int
) -> Iterator[RenderableType]:
    """The Pareto front, the best by the first objective first, and how to read it."""
    names = [*(objective.metric for objective in objectives), *BESIDE]
    shown = spread(front, MOST_ROWS)
    count = f" ({len(shown)} of {len(front)})" if len(shown) < len(front) else ""
    yield Text(f"Pareto front: the best trade-offs{count}", style="bold")
    yield trial_table(shown, names, None, width)
    yield Text()
    yield Text(how_to_read(objectives, len(front)))
    yield _legend(objectives, known(names, shown))
    yield Text()
    if len(front) > 1:
        yield Text(which_one(objectives, front))


def best_of_one(
    objectives: Sequence[Objective], front: Sequence[Trial], trials: Sequence[Trial], width: int
) -> Iterator[RenderableType]:
    """The best trial, and how far the next ones are behind."""
    best = front[0]
    sign = -1 if objectives[0].goal == "maximize" else 1
    names = [objectives[0].metric, *BESIDE]
    yield single_table(best, names, "Best trial")
    yield Text()
    others = sorted(
        (trial for trial in trials if trial.state == "COMPLETE" and trial.number != best.number),
        key=lambda trial: sign * trial.values[0],
    )
    if others:
        near = ", ".join(f"trial {trial.number} ({number(trial.values[0], 4)})" for trial in others[:NEXT_BEST])
        middle = number(median(trial.values[0] for trial in (best, *others)), 4)
        yield Text(f"Next by {heading(objectives[0].metric)}: {near}; median of all complete trials {middle}.")
    yield _legend(objectives, known(names, [best]))


def how_to_read(objectives: Sequence[Objective], rows: int) -> str:
    """What it means to be in the table."""
    names = [heading(objective.metric) for objective in objectives]
    if rows == 1:
        return f"No other trial is better than this one in {' or '.join(names)}."
    where = "both" if len(names) == 2 else f"all {len(names)} objectives"
    text = f"Each row is a best trade-off: no other trial is better in {where}."
    return f"{text}\nFrom top to bottom you give {names[0]} for {names[1]}." if len(names) == 2 else text


def which_one(objectives: Sequence[Objective], front: Sequence[Trial]) -> str:
    """The best trial for each objective, and one between them."""
    best = [(_best(front, index, each).number, heading(each.metric)) for index, each in enumerate(objectives)]
    (number, name), *others = best
    text = ", ".join([f"Trial {number} if {name} comes first", *(f"trial {n} if {name} does" for n, name in others)])
    between = balanced(objectives, front).number
    return f"Which one? {text}" + ("." if between in dict(best) else f", trial {between} between them.")


def balanced(objectives: Sequence[Objective], front: Sequence[Trial]) -> Trial:
    """The trial nearest to the best of everything, each objective scaled to its range on the front."""
    ranges = []
    for index, objective in enumerate(objectives):
        values = [trial.values[index] for trial in front]
        low, high = min(values), max(values)
        ranges.append((high if objective.goal == "maximize" else low, (high - low) or 1.0))
    return min(
        front,
        key=lambda trial: sum(
            ((value - ideal) / scale) ** 2 for value, (ideal, scale) in zip(trial.values, ranges, strict=True)
        ),
    )


def ended(study: Study, trials: Sequence[Trial], width: int) -> Iterator[RenderableType]:
    """How many failed and why, how many were pruned, each reason once."""
    reasons: dict[str, list[int]] = {}
    for trial in trials:
        if trial.state == "FAIL":
            reasons.setdefault(trial.reason or "no reason given", []).append(trial.number)
    for reason, numbers in list(reasons.items())[:MOST_REASONS]:
        which = f"{'trial' if len(numbers) == 1 else 'trials'} {listed(numbers, 8)} failed: "
        yield Text.assemble((which, "red"), cut(reason, 2 * width))
    if len(reasons) > MOST_REASONS:
        more = command_line("export", study.name, "--csv")
        yield Text(f"{len(reasons) - MOST_REASONS} more reasons: {more}")
    pruned = sum(trial.state == "PRUNED" for trial in trials)
    if pruned:
        yield Text(f"{pruned} pruned: stopped early for falling behind ({study.pruner.name} pruner)")


def time_spent(trials: Sequence[Trial]) -> str:
    """Training time in all and a trial, and how long it took on the clock; nothing if no trial has ended."""
    minutes = [trial.metrics["time_min"] for trial in trials if "time_min" in trial.metrics]
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


def _best(front: Sequence[Trial], index: int, objective: Objective) -> Trial:
    pick = max if objective.goal == "maximize" else min
    return pick(front, key=lambda trial: trial.values[index])


def _legend(objectives: Sequence[Objective], shown: Sequence[str]) -> Table:
    """Each metric with its direction and meaning."""
    better = {"maximize": "higher is better: ", "minimize": "lower is better: "}
    goals = {objective.metric: better[objective.goal] for objective in objectives}
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    for name in shown:
        if meaning(name):
            table.add_row(heading(name), Text(f"{goals.get(name, '')}{meaning(name)}"))
    return table

"""The pieces of a study's answer: which setting, how to read the table, what failed, what it cost.

Reasons of failures that differ in numbers only are one. Rows of trials that did not do what their config asks are
marked, where no constraint is on that.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import TypeVar

from rich.console import RenderableType
from rich.text import Text

from sparsetune.base.layout.text import cut, duration, heading, listed, number, spread
from sparsetune.base.messages import Trial
from sparsetune.config.metrics import Metric, Sound
from sparsetune.config.study.constraints import Constraint
from sparsetune.config.study.file import Objective
from sparsetune.config.study.reading import how_to_read, row_word, which_one
from sparsetune.config.study.rows import minutes_spent
from sparsetune.config.study.study import Study
from sparsetune.report.tables import MARK, metric, recorded, single_table, trial_table
from sparsetune.show.words import beside, command_line, meaning, of_replicates, pairs
from sparsetune.sparsity.methods import METRICS

T = TypeVar("T")
MOST_ROWS = 15  # of a front
MOST_REASONS = 5
MOST_LABELS = 8  # of trials that failed alike
NEXT_BEST = 3
_NUMBER = re.compile(r"(?<![\w.,/-])-?\d{1,18}(?:\.\d+)?(?:e[+-]?\d+)?(?![\w/]|[.,-]\w)")  # none that is part of a name
Sounds = Mapping[str, Sound]  # by the metric's name


def best(
    objectives: Sequence[Objective],
    front: Sequence[Trial],
    rows: Sequence[Trial],
    width: int,
    metrics: Mapping[str, Metric] = METRICS,
    marked: Collection[str] = (),
) -> Iterator[RenderableType]:
    """The best row and how far the next ones are behind; of several objectives the Pareto front, the best by the first
    one first, and how to read it. ``marked`` rows get a mark."""
    read = [name for each in objectives if each.score is not None for name in each.reads]
    names, several = columns([each.metric for each in objectives], read), len(objectives) > 1
    shown = spread(front, MOST_ROWS)
    if several:
        count = f" ({len(shown)} of {len(front)})" if len(shown) < len(front) else ""
        yield Text(f"Pareto front: the best trade-offs{count}", style="bold")
        yield trial_table(shown, names, None, width, marked)
        yield Text()
        yield Text(how_to_read(objectives, front))
    else:
        yield single_table(front[0], names, "Best trial", marked)
        yield Text()
        yield from _behind(objectives[0], front[0], rows)
    yield pairs(_legend(objectives, recorded(names, shown), shown, metrics))
    if several and len(front) > 1:
        yield Text()
        yield Text(which_one(objectives, front))


def _behind(objective: Objective, first: Trial, rows: Sequence[Trial]) -> Iterator[Text]:
    """The next ones by an objective, if there are any."""
    sign = -1 if objective.goal == "maximize" else 1
    complete = [row for row in rows if row.state == "COMPLETE" and row.values]
    others = sorted(
        (row for row in complete if row.feasible and row.label != first.label), key=lambda row: sign * row.values[0]
    )
    if others:
        near = ", ".join(f"trial {row.label} ({metric(row, objective.metric, 4)})" for row in others[:NEXT_BEST])
        middle = number(median(row.values[0] for row in complete), 4)
        yield Text(f"Next by {heading(objective.metric)}: {near}; median of all complete {row_word(rows)}s {middle}.")


def columns(objectives: Iterable[str], read: Iterable[str] = ()) -> list[str]:
    """The metrics of a table of rows, where there is room: objectives first, last what scores read."""
    return list(dict.fromkeys([*objectives, *beside(), *read]))


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
    minutes = [spent for spent in map(minutes_spent, trials) if spent is not None]
    ends = [trial.ended_ms for trial in trials if trial.ended_ms]
    if not minutes or not ends:
        return ""
    clock = (max(ends) - min(trial.started_ms for trial in trials if trial.started_ms)) / 1000
    each = f"{duration(60 * sum(minutes))} of training, about {duration(60 * median(minutes))} a trial"
    return f"Time: {each}; {duration(clock)} from first start to last end"


def _failed(reason: str, failed: Sequence[Trial], width: int) -> Text:
    said, labels = cut(reason, 2 * width), [each.label for each in failed]
    if len(labels) == 1:
        return Text.assemble((f"trial {labels[0]} failed: ", "red"), said)
    words = f"{row_word(failed)}s"
    which = f"({words} {listed(labels, MOST_LABELS)})"
    return Text.assemble((f"{len(labels)} {words} failed: ", "red"), f"{said} {which}")


def _legend(
    objectives: Sequence[Objective], shown: Sequence[str], rows: Sequence[Trial], metrics: Mapping[str, Metric]
) -> Iterator[tuple[str, str]]:
    """Each metric with its direction and meaning, a score with its formula, and what ± is."""
    better = {"maximize": "higher is better: ", "minimize": "lower is better: "}
    goals = {objective.metric: better[objective.goal] for objective in objectives}
    formulas = {objective.metric: objective.score for objective in objectives}
    for name in shown:
        said = formulas.get(name) or meaning(name, metrics)
        yield heading(name), f"{goals.get(name, '')}{said}" if said else ""
    sign, _, words = of_replicates(rows).partition(" is the ")
    yield sign, words


def alike(failed: Iterable[Trial]) -> list[tuple[str, list[Trial]]]:
    """What trials failed of, each with its trials, the commonest first; of a number that differs the range."""
    groups: dict[tuple[str, ...], list[Trial]] = {}  # by what stands between the numbers
    for trial in failed:
        groups.setdefault(tuple(_NUMBER.split(_reason(trial))), []).append(trial)
    ordered = sorted(groups.values(), key=lambda group: -len(group))
    return [(_together([_reason(trial) for trial in group]), group) for group in ordered]


def _reason(trial: Trial) -> str:
    return " ".join((trial.reason or "no reason given").split())


def _together(reasons: Sequence[str]) -> str:
    """One text of reasons that are alike."""
    ranges = map(_range, zip(*map(_NUMBER.findall, reasons), strict=True))
    return _NUMBER.sub(lambda _: next(ranges), reasons[0])


def _range(numbers: Sequence[str]) -> str:
    """``0.797 to 0.897``; as it stands there if all are the same."""
    if len(set(numbers)) == 1:
        return numbers[0]
    values = [int(each) if re.fullmatch(r"-?\d+", each) else float(each) for each in numbers]
    return " to ".join(dict.fromkeys(number(value, 3) for value in (min(values), max(values))))


def unguarded(metrics: Mapping[str, Metric], constraints: Sequence[Constraint]) -> dict[str, Sound]:
    """Up to where each metric is sound, of those that no constraint is on."""
    guarded = {each.metric for each in constraints}
    return {name: each.sound for name, each in metrics.items() if each.sound and name not in guarded}


def unsound(rows: Sequence[Trial], sounds: Sounds) -> set[str]:
    """Labels of the complete rows that are beyond any of these."""
    return {
        row.label
        for row in rows
        if row.state == "COMPLETE" and any(row.metrics.get(name, 0.0) > sound.at_most for name, sound in sounds.items())
    }


def soundness(rows: Sequence[Trial], sounds: Sounds) -> Iterator[str]:
    """A remark for each of these metrics beyond which complete rows are: how many, what is so of them, what to do."""
    complete = [row for row in rows if row.state == "COMPLETE"]
    what = "rows" if any(row.branch for row in rows) else "trials"
    for name, sound in sounds.items():
        count = len(unsound(complete, {name: sound}))
        if count:
            above = f"{name}, at_most: {sound.at_most:g}"
            yield (
                f"{MARK} In {count} of {len(complete)} complete {what} {sound.beyond}: {heading(name)} above "
                f"{sound.at_most:g}. A constraint keeps them from winning: {{metric: {above}}}"
            )

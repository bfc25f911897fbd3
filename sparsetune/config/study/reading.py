"""How the winners of a study are read: what it means to be one, and which of them to take."""

from __future__ import annotations

from collections.abc import Sequence

from sparsetune.base.layout.text import either, heading
from sparsetune.base.messages import Trial
from sparsetune.config.study.file import Objective


def how_to_read(objectives: Sequence[Objective], front: Sequence[Trial]) -> str:
    """What it means to be in the table."""
    names = [heading(objective.metric) for objective in objectives]
    word = row_word(front)
    if len(front) == 1:
        return f"No other {word} is better than this one in {' or '.join(names)}."
    where = "both" if len(names) == 2 else f"all {len(names)} objectives"
    text = f"Each row is a best trade-off: no other {word} is better in {where}."
    return f"{text}\nFrom top to bottom you give {names[0]} for {names[1]}." if len(names) == 2 else text


def which_one(objectives: Sequence[Objective], front: Sequence[Trial]) -> str:
    """The best row for each objective, and one between them."""
    names: dict[str, list[str]] = {}  # by the label of the row that is the best in them
    for index, each in enumerate(objectives):
        names.setdefault(_best(front, index, each).label, []).append(heading(each.metric))
    (label, first), *others = ((label, either(best_in)) for label, best_in in names.items())
    text = ", ".join(
        [f"Trial {label} if {first} comes first", *(f"trial {n} if {best_in} does" for n, best_in in others)]
    )
    between = balanced(objectives, front).label
    return f"Which one? {text}" + ("." if between in names else f", trial {between} between them.")


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


def row_word(rows: Sequence[Trial]) -> str:
    """What a line of a table is."""
    return "row" if any(row.branch for row in rows) else "trial"


def _best(front: Sequence[Trial], index: int, objective: Objective) -> Trial:
    pick = max if objective.goal == "maximize" else min
    return pick(front, key=lambda trial: trial.values[index])

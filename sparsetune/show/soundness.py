"""Rows of trials that did not do what their config asks, where no constraint is on that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sparsetune.base.layout.text import heading
from sparsetune.base.messages import Trial
from sparsetune.config.metrics import Metric, Sound
from sparsetune.config.study.constraints import Constraint
from sparsetune.report.tables import MARK

Sounds = Mapping[str, Sound]  # by the metric's name


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

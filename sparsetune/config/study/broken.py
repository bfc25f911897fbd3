"""Which rows break a study's constraints, and which one is nearest to meeting them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sparsetune.base.layout.text import either, heading, measured, number
from sparsetune.base.messages import Trial
from sparsetune.config.study.constraints import Constraint


def broken(constraints: Sequence[Constraint], rows: Sequence[Trial]) -> Iterator[str]:
    """A line for each constraint that complete rows break or have no number for; if none meets all, the nearest one."""
    complete = [row for row in rows if row.state == "COMPLETE"]
    what = "rows" if any(row.branch for row in rows) else "trials"
    for each in constraints:
        having = [row for row in complete if each.metric in row.metrics]
        count = sum(each.violation(row.metrics) > 0 for row in having)
        if count:
            yield f"{count} of {len(having)} complete {what} {'break' if count > 1 else 'breaks'} {bound(each)}"
        if len(having) < len(complete):
            others = dict.fromkeys(row.config["method"]["name"] for row in complete if each.metric not in row.metrics)
            yield f"{bound(each)} counts as met in {what} of {either(list(others))}, which have no such number"
    if complete and not any(row.feasible for row in complete):
        row = min(complete, key=lambda row: distance(constraints, row))
        found = ", ".join(
            f"{heading(each.metric)} {measured(row.metrics[each.metric], row.errors.get(each.metric), 4)}"
            for each in constraints
            if each.metric in row.metrics and each.violation(row.metrics) > 0
        )
        yield f"None meets all constraints, so there is no best. The nearest is trial {row.label}: {found}"


def bound(constraint: Constraint) -> str:
    """``val accuracy at least 0.95``."""
    low = [] if constraint.at_least is None else [f"at least {number(constraint.at_least, 6)}"]
    high = [] if constraint.at_most is None else [f"at most {number(constraint.at_most, 6)}"]
    return f"{heading(constraint.metric)} {' and '.join(low + high)}"


def distance(constraints: Sequence[Constraint], row: Trial) -> float:
    """How far a row is from meeting all of them: each violation as a share of its bound, added up."""
    total = 0.0
    for each in constraints:
        violation = each.violation(row.metrics) if each.metric in row.metrics else 0.0
        bounds = [abs(value) for value in (each.at_least, each.at_most) if value]
        total += max(0.0, violation) / min(bounds, default=1.0)
    return total

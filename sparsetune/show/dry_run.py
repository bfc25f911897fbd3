"""What a study would do and cost, before it does it: a study file with all defaults, the rest as its comments."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.markup import escape

from sparsetune.app import inputs
from sparsetune.base.layout.printable import printable
from sparsetune.base.surroundings.remarks import remarks
from sparsetune.base.yaml_io import dump
from sparsetune.config.study.study import Study
from sparsetune.show.forecast import forecast_lines
from sparsetune.show.space import point_lines, space_lines

if TYPE_CHECKING:
    from rich.console import Console

SAMPLED, MOST_SAMPLED = 3, 12  # configs; one of each cell, where there are more


def show_dry_run(study: Study, *, probe: bool, workers: int | None, in_process: bool, console: Console) -> int:
    """The resolved study, its space, some configs and, with ``probe``, what they cost here.

    Returns:
        The exit code: 1 if a probed config failed.

    Raises:
        BadInput: also for files of data or model that are not there, and where the probes show that every trial would
            fail, after the rest has been printed.
    """
    from sparsetune.app.parts import tracked_at, warner
    from sparsetune.search.definition import identity
    from sparsetune.search.points import Points
    from sparsetune.search.preview import preview
    from sparsetune.tracking.store import check_experiment

    check_experiment(tracked_at(study), study.name, identity(study))
    warn = warner(console)
    for remark in remarks(ray=not in_process):
        warn(remark)
    begun = Points.of(study, warn)
    for remark in study.remarks:
        warn(remark)
    drawn = preview(study, min(max(SAMPLED, len(study.cells)), MOST_SAMPLED))
    print(printable(f"# {study.source}, resolved"))
    print(dump(study.resolved()))
    _comment("the space", *space_lines(study.space))
    if study.space.parameters:
        _comment(
            "",
            f"{len(drawn)} configs as they would be drawn before any trial has finished",
            *point_lines([each.params for each in drawn]),
        )
    if study.start_with:
        count = len(begun.points)
        come = "comes 1 known point" if count == 1 else f"come {count} known points"
        _comment("", f"before them {come}, {len(begun.results)} with results of other studies")
    if not probe:
        # what a forecast and a start refuse, but for decoding
        places = inputs.locate(study.trial, study.project, study.registries, study.source)
        inputs.refuse_splits(study.bases, study.space, places, study.registries, study.source)
        return 0
    from sparsetune.app.forecast.study import forecast
    from sparsetune.app.forecast.verdict import doubts, refuse_hopeless

    with _progress(console) as say:
        cost = forecast(study, [each.config for each in drawn], workers=workers, in_process=in_process, say=say)
    _comment("", *forecast_lines(study, cost))
    refuse_hopeless(study, cost)
    for doubt in doubts(study, cost):
        warn(doubt)
    return int(any(each.reason for each in cost.probed))


def _comment(*lines: str) -> None:
    for line in lines:
        print(printable(f"# {line}".rstrip()))
    sys.stdout.flush()  # what follows may take a while


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[str], None]]:
    """Says on stderr what a probe does: on a terminal in a line that changes, elsewhere once."""
    if console.is_terminal:
        with console.status("probing") as status:
            yield lambda text: status.update(f"probing: {escape(text)}")
        return
    said: list[str] = []

    def once(text: str) -> None:
        if not said:
            console.print("probing: some configs are trained for seconds, in a process of their own", highlight=False)
        said.append(text)

    yield once

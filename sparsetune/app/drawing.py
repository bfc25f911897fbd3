"""Which runs get figures, and who draws them: a worker those that fail, the tracker's thread those that lead.

With ``tracking: {figures: all}``, and of single runs, a worker draws every run that ends there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sparsetune.base.messages import Files, Job, Key, Outcome, Row, Run, Trial
from sparsetune.base.paths import ARMS, FRONT, LEVELS, run_folder
from sparsetune.config.overrides import assign
from sparsetune.config.study.front import Leaders
from sparsetune.config.study.objectives import scored
from sparsetune.config.study.rows import branch_rows
from sparsetune.config.study.study import Study

if TYPE_CHECKING:
    from sparsetune.tracking.mlflow import FilesOf
    from sparsetune.tracking.run_keys import RunKey


def draw(job: Job, key: Key, rows: Sequence[Row], outcome: Outcome) -> None:
    """Draw a run that ended in this worker, of all its rows, beside what it has left."""
    from sparsetune.report.figures import End, Numbers, draw_figures, draw_levels
    from sparsetune.training.registries import registries_of

    assert outcome.state != "STOPPED"
    folder = run_folder(Path(job.folder), key, job.runs)
    values = next(branch.values for branch in job.branches if branch.name == key.branch)
    score = scored(job.scores)
    its_rows = [replace(row, metrics=score(row.metrics)) for row in rows]
    registries = registries_of(job.imports)
    numbers = Numbers(job.objectives, registries.metrics, registries.method)
    end = End(outcome.state, outcome.reason, broke=outcome.state == "FAIL")
    config = assign(job.config, values)
    if job.runs == 1:
        trial = Trial(key.number, outcome.state, {}, config, runs=(Run(key, outcome.state, results=outcome.results),))
        draw_levels(folder / LEVELS, trial, registries.method)
    draw_figures(folder, [its_rows] if rows else [], config, numbers, end)


def study_figures(study: Study, rows: Sequence[Trial], folder: Path) -> Files:
    """The figures that a study wants of its rows, drawn in a folder: of two objectives the front, and its arms."""
    from sparsetune.report.arms_figure import draw_arms
    from sparsetune.report.by_arm import by_arm
    from sparsetune.report.front_figure import draw_front

    if study.tracking.figures == "none":
        return {}
    with contextlib.suppress(Exception):  # no figure is worth a study
        cells = by_arm(rows, study.registries.method)
        drawn = {
            FRONT: draw_front(folder / FRONT, rows, study.objectives),
            ARMS: draw_arms(folder / ARMS, cells, study.objectives[0].metric),
        }
        return {name: folder / name for name, is_there in drawn.items() if is_there}
    return {}


def figures_of(study: Study, earlier: Sequence[Trial]) -> FilesOf:
    """What the tracker is to keep of a trial: its files, with figures of those runs that the study wants drawn.

    Args:
        earlier: the study's trials so far.
    """
    from sparsetune.report.figures import Numbers, TrialFigures
    from sparsetune.tracking.mlflow import files_by_run
    from sparsetune.tracking.run_keys import RunKey

    if study.tracking.figures == "none":
        return files_by_run
    names = tuple(objective.metric for objective in study.objectives)
    rows_of = partial(branch_rows, objectives=names, constraints=study.constraints)
    figures = TrialFigures(
        Leaders([objective.goal for objective in study.objectives], rows_of, earlier),
        rows_of,
        Numbers(names, study.registries.metrics, study.registries.method),
        everything=study.tracking.figures == "all",
    )

    def with_figures(
        trial: Trial, rows: Mapping[Key, tuple[Row, ...]], files: Mapping[Key, Files]
    ) -> Mapping[RunKey, Files]:
        with contextlib.suppress(Exception):  # no figure is worth a study
            drawn = figures.of(trial, rows, files)
            of_rows = {RunKey(trial.number, branch): each for branch, each in drawn.rows.items()}
            return {**files_by_run(trial, rows, drawn.runs), **of_rows}
        return files_by_run(trial, rows, files)

    return with_figures

"""The figures of a run: which ones follows from what it has left."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sparsetune.base.messages import Files, Key, Row, State, Trial
from sparsetune.base.paths import CONTROLLER, CURVES, DENSITIES, FIGURES, LEVELS, PIXELS, SURFACE, TRACE, slug
from sparsetune.config.metrics import Metric
from sparsetune.config.registry import Registry
from sparsetune.config.study.front import Leaders
from sparsetune.report.levels import runs_by_branch
from sparsetune.report.panels import unit
from sparsetune.sparsity.figure import OverLevels
from sparsetune.sparsity.methods import METHODS, METRICS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Rows = Mapping[Key, Sequence[Row]]


@dataclass(frozen=True)
class Numbers:
    """Names of the numbers that a study is judged by, the table with their units, and the methods that it trains."""

    objectives: Sequence[str] = ()
    table: Mapping[str, Metric] = field(default_factory=lambda: METRICS)
    methods: Registry = METHODS


@dataclass(frozen=True)
class End:
    """How a run ended; ``broke``: the epoch after its last row is the one in which it came to nothing."""

    state: State = "COMPLETE"
    reason: str = ""
    broke: bool = False


def draw_figures(
    folder: Path,
    runs: Sequence[Sequence[Row]],
    config: Mapping[str, Any],
    numbers: Numbers,
    end: End,
) -> None:
    """Draw what can be drawn; one that fails is left out, for a figure is not worth a trained trial.

    Args:
        folder: where they go; of a run it has what that has left.
        runs: all rows of each replicate; of a run its own.
        config: of the trial.
    """
    _draw(folder / CONTROLLER, lambda: _steps(folder / TRACE, config["method"], numbers.methods))
    _draw(folder / PIXELS, lambda: _pixels(folder))
    _draw(folder / SURFACE, lambda: _surface(folder))
    if len(runs) == 1:
        _draw(folder / DENSITIES, lambda: _layers(runs[0], folder))
    if runs:
        _draw(folder / CURVES, lambda: _curves(runs, config, numbers, end))  # the last: where it is, all are


def _curves(runs: Sequence[Sequence[Row]], config: Mapping[str, Any], numbers: Numbers, end: End) -> Figure | None:
    from sparsetune.report.curves import TrainedRuns, curves_figure

    chosen = end.state == "COMPLETE" and config["training"]["keep"] == "best"
    kept = [_best(rows) for rows in runs if rows] if chosen else []
    longest = max(runs, key=len)
    broke = (longest[-1].step * 2 - longest[-2].step if len(longest) > 1 else len(longest) + 1) if end.broke else None
    return curves_figure(TrainedRuns(runs, kept, numbers.objectives, numbers.table, broke, end.reason))


def _best(rows: Sequence[Row]) -> int:
    """Where a run's best state is, in what its rows are drawn over."""
    last = [row for row in rows if row.phase == rows[-1].phase]
    if unit(rows) == "epoch":
        return int(rows[-1].metrics["best_epoch"])
    return min(last, key=lambda row: row.metrics["val_loss"]).step


def _steps(trace: Path, settings: Mapping[str, Any], methods: Registry) -> Figure | None:
    from sparsetune.report.steps import steps_figure

    if not trace.exists():
        return None
    method = methods.get(settings["name"])
    return steps_figure(trace, method.figure(method.Config.model_validate(settings)))


def _layers(rows: Sequence[Row], folder: Path) -> Figure | None:
    """Row by row where rows say it, else as it is at the end."""
    from sparsetune.report.kept import kept_figure, layers_left
    from sparsetune.report.layers import density_figure, layer_curves

    if curves := layer_curves(rows):
        return density_figure(curves, unit(rows))
    layers = layers_left(folder)
    return kept_figure(layers) if layers else None


def _pixels(folder: Path) -> Figure | None:
    from sparsetune.report.pixels import left_of_pixels, pixels_figure

    counts = left_of_pixels(folder)
    return None if counts is None else pixels_figure(counts)


def _surface(folder: Path) -> Figure | None:
    from sparsetune.report.surface import surface_figure, surfaces_of

    surfaces = surfaces_of(folder)
    return None if surfaces is None else surface_figure(surfaces)


def draw_levels(path: Path, trial: Trial, methods: Registry) -> None:
    """Draw the results of a trial's runs together, if its method says how and there are any."""
    wanted = methods.get(trial.config["method"]["name"]).results_figure
    if wanted is not None:
        _draw(path, lambda: _levels(trial, wanted))


def _levels(trial: Trial, wanted: OverLevels) -> Figure | None:
    from sparsetune.report.levels_figure import levels_figure

    return levels_figure(runs_by_branch(trial), wanted)


def _draw(path: Path, figure: Callable[[], Figure | None]) -> None:
    from sparsetune.report.canvas import save

    with contextlib.suppress(Exception):
        drawing = figure()
        if drawing is not None:
            save(drawing, path)


class Drawn(NamedTuple):
    """The files of a trial.

    Attributes:
        runs: of each run, its figures among them.
        rows: of each row that has several replicates, by the name of its branch.
    """

    runs: dict[Key, Files]
    rows: dict[str, Files]


class TrialFigures:
    """Draws what no worker has drawn, beside the other files of a trial."""

    def __init__(
        self,
        leaders: Leaders,
        rows_of: Callable[[Trial], Sequence[Trial]],
        numbers: Numbers,
        *,
        everything: bool = False,
    ) -> None:
        """
        Args:
            leaders: which rows are drawn beside those that failed.
            rows_of: a trial's rows, as ``leaders`` has them.
            everything: all rows are drawn.
        """
        self._leaders, self._rows_of, self._numbers, self._everything = leaders, rows_of, numbers, everything

    def of(self, trial: Trial, rows: Rows, files: Mapping[Key, Files]) -> Drawn:
        """The trial's files with its figures; ``rows`` and ``files`` are by run."""
        all_drawn, led = Drawn(dict(files), {}), self._leaders.of(trial)
        for row in self._rows_of(trial):
            left = [(run, files[run.key]) for run in row.runs if files.get(run.key)]
            if not left or not (self._everything or row.state == "FAIL" or row.branch in led):
                continue
            for run, its_files in left:
                end = End(run.state, run.reason)
                drawn = self._drawn(_folder(its_files), [rows[run.key]], row, end)
                all_drawn.runs[run.key] = {**its_files, **drawn}
            if len(row.runs) > 1:
                folder = _folder(left[0][1]).with_name(slug(f"all seeds {row.branch}".strip()))
                runs = [rows[run.key] for run in row.runs]
                all_drawn.rows[row.branch] = self._drawn(folder, runs, row, End(row.state, row.reason))
        return self._with_levels(trial, all_drawn, files)

    def _with_levels(self, trial: Trial, drawn: Drawn, files: Mapping[Key, Files]) -> Drawn:
        """The same with a figure of all branches' results, beside those of each row that has any."""
        branches = {run.key.branch for run in trial.runs if CURVES in drawn.runs.get(run.key, {})} | set(drawn.rows)
        wanted = self._numbers.methods.get(trial.config["method"]["name"]).results_figure if branches else None
        if wanted is None:
            return drawn
        path = _folder(next(iter(files.values()))) / LEVELS
        if not path.exists():
            draw_levels(path, trial, self._numbers.methods)
        own = {LEVELS: path} if path.exists() else {}
        alone = {run.key for run in trial.runs if run.key.branch in branches - set(drawn.rows)}
        return Drawn(
            {key: {**each, **(own if key in alone else {})} for key, each in drawn.runs.items()},
            {branch: {**each, **own} for branch, each in drawn.rows.items()},
        )

    def _drawn(self, folder: Path, runs: Sequence[Sequence[Row]], row: Trial, end: End) -> dict[str, Path]:
        """The figures in a folder, by name."""
        if not (folder / CURVES).exists():  # else by a worker, or by a driver that died then
            draw_figures(folder, [each for each in runs if each], row.config, self._numbers, end)
        return {name: folder / name for name in FIGURES if (folder / name).exists()}


def _folder(files: Files) -> Path:
    return next(iter(files.values())).parent

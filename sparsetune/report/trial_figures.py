"""Figures of the trials that somebody may look at, drawn once they have ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sparsetune.base.messages import Files, Key, Row, Trial
from sparsetune.base.paths import CURVES, FIGURES, TRACE, slug
from sparsetune.config.study.leaders import Leaders
from sparsetune.report.figures import End, Numbers, draw_figures

Rows = Mapping[Key, Sequence[Row]]


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
        found, led = Drawn(dict(files), {}), self._leaders.of(trial)
        for row in self._rows_of(trial):
            left = [(run, files[run.key]) for run in row.runs if files.get(run.key)]
            if not left or not (self._everything or row.state == "FAIL" or row.branch in led):
                continue
            for run, its_files in left:
                end = End(run.state, run.reason)
                drawn = self._drawn(_folder(its_files), [rows[run.key]], row, end, its_files.get(TRACE))
                found.runs[run.key] = {**its_files, **drawn}
            if len(row.runs) > 1:
                folder = _folder(left[0][1]).with_name(slug(f"all seeds {row.branch}".strip()))
                runs = [rows[run.key] for run in row.runs]
                found.rows[row.branch] = self._drawn(folder, runs, row, End(row.state, row.reason))
        return found

    def _drawn(
        self, folder: Path, runs: Sequence[Sequence[Row]], row: Trial, end: End, trace: Path | None = None
    ) -> dict[str, Path]:
        """The figures in a folder, by name."""
        if not (folder / CURVES).exists():  # else by a worker, or by a driver that died then
            draw_figures(folder, [each for each in runs if each], row.config, self._numbers, end, trace)
        return {name: folder / name for name in FIGURES if (folder / name).exists()}


def _folder(files: Files) -> Path:
    return next(iter(files.values())).parent

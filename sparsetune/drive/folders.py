"""The folders of trials that run or have just ended, and what lies in them until the tracker has all of it."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sparsetune.base.disk import CannotWrite, disk_trouble
from sparsetune.base.messages import Key, Row, Run, Trial
from sparsetune.base.paths import CONFIG, ERROR_FILE, FINAL, HISTORY, LEFT, ON_THE_WAY, TABLE, run_folder
from sparsetune.base.yaml_io import dump, write_atomic
from sparsetune.config.overrides import assign
from sparsetune.training.left.results import final_results, json_lines, read_json_lines, results_table


@dataclass(frozen=True)
class Folders:
    """One folder a trial; of several runs each has a folder in it. Raises :class:`CannotWrite` for a full disk."""

    root: Path

    @property
    def of_study(self) -> Path:
        """What is of the study as a whole."""
        return self.root / "study"

    def of_trial(self, number: int) -> Path:
        return self.root / f"{number:05d}"

    def of_run(self, key: Key, runs: int) -> Path:
        """Where a run of a trial with so many leaves its files."""
        return run_folder(self.of_trial(key.number), key, runs)

    def make(self, number: int) -> None:
        with _writing():
            self.of_trial(number).mkdir(parents=True, exist_ok=True)

    def remove(self, number: int) -> None:
        shutil.rmtree(self.of_trial(number), ignore_errors=True)

    def leave(self, run: Run, rows: tuple[Row, ...], trial: Trial, runs: int) -> None:
        """Write what the study says of a run that ended: its config, its results, its rows."""
        folder = self.of_run(run.key, runs)
        branch = next(each for each in trial.branches if each.name == run.key.branch)
        config = assign(trial.config, {**branch.values, "seed": run.key.seed})
        with _writing():
            write_atomic(folder / CONFIG, dump(config))
            write_atomic(folder / FINAL, json.dumps(final_results(rows, run.metrics), indent=1) + "\n")
            write_atomic(folder / HISTORY, json_lines(rows))
            if run.results:
                write_atomic(folder / TABLE, results_table(run.results))

    def hand_on_error(self, keys: Iterable[Key], runs: int) -> None:
        """Give what a job has left of an error to each of these runs."""
        for key in keys:
            folder = self.of_run(key, runs)
            if folder != self.of_trial(key.number):
                with contextlib.suppress(OSError):  # most often there is none
                    folder.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(self.of_trial(key.number) / ERROR_FILE, folder / ERROR_FILE)

    def rows(self, trial: Trial) -> dict[Key, tuple[Row, ...]]:
        """The rows of each run of a trial, as :meth:`leave` wrote them."""
        keys = [run.key for run in trial.runs]
        return {key: read_json_lines(self.of_run(key, len(keys)) / HISTORY) for key in keys}

    def files(self, trial: Trial) -> dict[Key, dict[str, Path]]:
        """What each run of a trial has left, by name."""
        files = {}
        for run in trial.runs:
            folder = self.of_run(run.key, len(trial.runs))
            paths = (*map(folder.joinpath, LEFT), *sorted(folder.glob(f"{ON_THE_WAY}/*/*")))
            files[run.key] = {str(path.relative_to(folder)): path for path in paths if path.exists()}
        return files


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotWrite(disk_trouble(error) or str(error)) from error

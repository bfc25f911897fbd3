"""What a probe sees of its trial: rows, how large and how slow its checkpoints are, and what it leaves."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from sparsetune.base.messages import Files, Key, Row, Trial
from sparsetune.base.paths import ENDS, RECORD

_SAY_SECONDS = 0.2


class Watch:
    """An observer of one trial that reports every epoch.

    Attributes:
        rows: one an epoch, of the first run.
        saves: how many checkpoints there were.
        saving: seconds that each took, but for one after the last row.
        checkpoint_bytes: of the largest with the record beside it; 0 for a trial too short to have one.
        record_bytes: of that record, which grows with each row.
        ends_bytes: states that are kept for stages to come, at most at once.
        sizes: bytes of what the trial left by the file's name, those of all branches together.
    """

    def __init__(self, checkpoint: Path, say: Callable[[str], None]) -> None:
        self.rows: list[Row] = []
        self.sizes: dict[str, int] = {}
        self.saves = self.checkpoint_bytes = self.record_bytes = self.ends_bytes = 0
        self.saving: list[float] = []
        self._checkpoint = checkpoint
        self._say = say
        self._written = 0  # when the last checkpoint was, as the file system has it
        self._new = False  # the last report came with one
        self._said = 0.0

    def trial_started(self, trial: Trial, *, resumed: bool) -> None:
        """Nothing is known yet."""

    def trial_reported(self, trial: Trial, key: Key, rows: tuple[Row, ...]) -> None:
        # Between a row and its report there is the checkpoint alone, but for the last, which comes with the outcome.
        waited = time.time() - rows[-1].timestamp_ms / 1000 if rows else 0.0
        if key != trial.runs[0].key:
            return
        self.rows += rows
        self._look()
        if self._new:
            self.saves += 1
            self.saving.append(max(0.0, waited))
        now = time.monotonic()
        if now - self._said >= _SAY_SECONDS:
            self._said = now
            self._say(f"epoch {len(self.rows)} of {trial.config['training']['epochs']}")

    def trial_ended(self, trial: Trial, rows: Mapping[Key, tuple[Row, ...]], files: Mapping[Key, Files]) -> None:
        if self._new:
            self.saving.pop()
        for name, path in (each for of_run in files.values() for each in of_run.items()):
            self.sizes[name] = self.sizes.get(name, 0) + path.stat().st_size

    def close(self) -> None:
        """Nothing is held."""

    def _look(self) -> None:
        """What lies in the folder, if there is a checkpoint that was not there before."""
        written = self._checkpoint.stat().st_mtime_ns if self._checkpoint.exists() else 0
        self._new = written not in (0, self._written)
        if self._new:
            self._written = written
            folder = self._checkpoint.parent
            self.record_bytes = sum(each.stat().st_size for each in folder.glob(RECORD))
            self.checkpoint_bytes = max(self.checkpoint_bytes, self._checkpoint.stat().st_size + self.record_bytes)
            kept = (folder / ENDS).glob("*.pt")
            self.ends_bytes = max(self.ends_bytes, sum(each.stat().st_size for each in kept))

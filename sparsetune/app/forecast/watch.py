"""What a probe sees of its trial while it trains: rows, and each checkpoint's size and time."""

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
        sizes: bytes of the checkpoint and of the record beside it, by the row after which it was written.
        saving: seconds that each checkpoint but one after the last row took.
    """

    def __init__(self, checkpoint: Path, say: Callable[[str], None]) -> None:
        self.rows: list[Row] = []
        self.sizes: dict[int, int] = {}
        self.saving: list[float] = []
        self.ends_bytes = 0  # states that are kept for stages to come, at most at once
        self._checkpoint = checkpoint
        self._say = say
        self._written = 0  # when, as the file system has it
        self._said = 0.0

    def trial_started(self, trial: Trial, *, resumed: bool) -> None:
        """Nothing is known yet."""

    def trial_reported(self, trial: Trial, key: Key, rows: tuple[Row, ...]) -> None:
        # Between a row and its report there is the checkpoint alone, but for the last, which comes with the outcome.
        waited = time.time() - rows[-1].timestamp_ms / 1000 if rows else 0.0
        if key != trial.runs[0].key:
            return
        self.rows += rows
        if self._saved():
            self.saving.append(max(0.0, waited))
        now = time.monotonic()
        if now - self._said >= _SAY_SECONDS:
            self._said = now
            self._say(f"epoch {len(self.rows)} of {trial.config['training']['epochs']}")

    def trial_ended(self, trial: Trial, rows: Mapping[Key, tuple[Row, ...]], files: Mapping[Key, Files]) -> None:
        if self.last_row in self.sizes and self.saving:
            self.saving.pop()

    def close(self) -> None:
        """Nothing is held."""

    @property
    def last_row(self) -> int:
        return len(self.rows)

    @property
    def save_seconds(self) -> float:
        """Mean time of a checkpoint; 0 where none was seen."""
        return sum(self.saving) / len(self.saving) if self.saving else 0.0

    @property
    def checkpoint_growth(self) -> float:
        """Bytes by which the checkpoint grows with a row."""
        if len(self.sizes) < 2:
            return 0.0
        first, last = min(self.sizes), max(self.sizes)
        return max(0.0, (self.sizes[last] - self.sizes[first]) / (last - first))

    @property
    def checkpoint_bytes(self) -> float:
        """Its size after the last row; 0 for a trial too short to have one."""
        if not self.sizes:
            return 0.0
        last = max(self.sizes)
        return self.sizes[last] + (self.last_row - last) * self.checkpoint_growth

    def _saved(self) -> bool:
        try:
            state = self._checkpoint.stat()
        except FileNotFoundError:
            return False
        if state.st_mtime_ns == self._written:
            return False
        self._written = state.st_mtime_ns
        record = self._checkpoint.with_name(RECORD)
        self.sizes[self.last_row] = state.st_size + (record.stat().st_size if record.exists() else 0)
        kept = (self._checkpoint.parent / ENDS).glob("*.pt")
        self.ends_bytes = max(self.ends_bytes, sum(each.stat().st_size for each in kept))
        return True

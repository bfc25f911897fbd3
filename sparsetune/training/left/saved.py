"""What a job has saved in its folder: a checkpoint of the training that runs, and beside it what does not change.

Files are written aside, renamed, have a checksum, and are loaded without executing code. States that training starts
from later, and snapshots, are files of their own, written once and named by key. What a walk has written down, and the
rows of runs that have ended while others of the job train, are appended to a record, of which a checkpoint says how
much is its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sparsetune.base.failpoints import failpoint
from sparsetune.base.messages import Outcome, Result, Row
from sparsetune.base.paths import ENDS, RECORD
from sparsetune.training.checkpoint import read_checkpoint, write_checkpoint
from sparsetune.training.walk.notes import Note

CHECKPOINT = "checkpoint.pt"  # of the training that runs
State = dict[str, Any]


class Saved:
    """In one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        saved = read_checkpoint(folder / CHECKPOINT) or {}
        self._length: int = saved.get("record", 0)
        self._lines = _read(folder / RECORD, self._length)
        if self._lines is None:
            saved, self._length, self._lines = {}, 0, {}
        self._saved = saved
        self._runs: State = saved.get("runs", {})
        self._aside: set[str] = set()
        self._name = ""  # of the training that runs, in the record
        self._counts: dict[str, int] = {}  # of its notes that the record has, by view

    def end(self, name: str, of: Mapping[str, Any]) -> tuple[list[Row], Outcome] | None:
        """How a run of this name has ended; None if it has not, or if that was a run of something else."""
        run = self._runs.get(name)
        if run is None or run["of"] != of:
            return None
        outcome = {**run["outcome"], "results": tuple(Result(**each) for each in run["outcome"]["results"])}
        return [Row(**row) for row in (self._lines or {}).get(run["rows"], ())], Outcome(**outcome)

    def add_end(self, name: str, of: Mapping[str, Any], rows: Sequence[Row], outcome: Outcome) -> None:
        """Keep the end of a run, from the next time that something is saved."""
        lines = f"run {name} at {self._length}"
        self._runs[name] = {"of": of, "outcome": asdict(outcome), "rows": lines}
        self._append([lines, asdict(row)] for row in rows)

    def training(self, of: Mapping[str, Any]) -> State | None:
        """The state of a training of just this; None if there is none."""
        saved, self._saved = self._saved, {}
        lines, self._lines = self._lines or {}, {}
        if saved.get("of") != of or saved.get("training") is None:
            return None
        aside = {key: read_checkpoint(self._file(key)) for key in saved["aside"]}
        if None in aside.values():
            return None  # damaged: train again
        state, self._name = restored(saved["training"], aside), saved["name"]
        written = state["journal"]["written"]
        notes = {key: [Note.from_plain(each) for each in lines.get(self._name + key, ())] for key in written}
        self._aside, self._counts = set(aside), {key: len(each) for key, each in notes.items()}
        return {**state, "journal": {**state["journal"], "notes": notes}}

    def save(self, of: Mapping[str, Any], training: State | None) -> None:
        """Replace the checkpoint."""
        aside: dict[str, State] = {}
        if training is None:
            self._name, self._counts = "", {}
        else:
            training, aside, notes = apart(training)
            self._name = self._name or f"training at {self._length} "
            self._append(self._new(notes))
        for key in aside.keys() - self._aside:
            write_checkpoint(self._file(key), aside[key])
        whole = {
            "of": of, "training": training, "name": self._name, "aside": list(aside), "runs": self._runs,
            "record": self._length,
        }  # fmt: skip
        write_checkpoint(self._folder / CHECKPOINT, whole)
        for path in (self._folder / ENDS).glob("*.pt"):
            if path.stem not in aside:
                path.unlink(missing_ok=True)
        self._aside = set(aside)
        failpoint("after-checkpoint")

    def _new(self, notes: Mapping[str, Sequence[Note]]) -> Iterator[list[Any]]:
        """The notes that the record does not have yet."""
        for key, each in notes.items():
            for note in each[self._counts.get(key, 0) :]:
                yield [self._name + key, note.to_plain()]
            self._counts[key] = len(each)

    def _append(self, lines: Iterator[list[Any]]) -> None:
        """Write lines after those that a checkpoint has told of; whatever else follows them is dropped."""
        content = "".join(json.dumps(line) + "\n" for line in lines).encode()
        if not content:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / RECORD).open("r+b" if self._length else "wb") as file:
            file.truncate(self._length)
            file.seek(self._length)
            file.write(content)
        self._length += len(content)

    def _file(self, key: str) -> Path:
        return self._folder / ENDS / f"{key}.pt"


def _read(path: Path, length: int) -> dict[str, list[Any]] | None:
    """Lines of a record by the name that they begin with; None if it does not hold what a checkpoint says."""
    if not length:
        return {}
    lines: dict[str, list[Any]] = {}
    try:
        content = path.read_bytes()[:length]
        if len(content) < length:
            return None
        for name, line in map(json.loads, content.splitlines()):
            lines.setdefault(name, []).append(line)
    except (OSError, ValueError, TypeError):
        return None
    return lines


def apart(training: State) -> tuple[State, dict[str, State], dict[str, list[Note]]]:
    """A training's state without what never changes: that by key, and the notes by view."""
    live, kept = training["live"], training["ends"]["aside"]
    states = {"": live, **kept}
    snapshots = {each["key"]: each for state in states.values() for each in state["snapshots"].values()}
    named = {
        name: {**state, "snapshots": {each: snapshot["key"] for each, snapshot in state["snapshots"].items()}}
        for name, state in states.items()
    }
    journal = {name: value for name, value in training["journal"].items() if name != "notes"}
    ends = {**training["ends"], "aside": list(kept)}
    rest = {**training, "live": named.pop(""), "ends": ends, "journal": journal}
    return rest, {**named, **snapshots}, training["journal"]["notes"]


def restored(training: State, aside: Mapping[str, Any]) -> State:
    """The state that :func:`apart` has taken apart, but for the notes."""

    def whole(state: State) -> State:
        return {**state, "snapshots": {name: aside[key] for name, key in state["snapshots"].items()}}

    ends = {**training["ends"], "aside": {key: whole(aside[key]) for key in training["ends"]["aside"]}}
    return {**training, "live": whole(training["live"]), "ends": ends}

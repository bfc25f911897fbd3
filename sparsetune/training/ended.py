"""What a run has ended with, kept while other runs of its job still train: a restart does not train it again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from sparsetune.config.messages import Outcome, Row
from sparsetune.config.yaml_io import write_atomic

ENDED = "ended.json"


def save(folder: Path, rows: Sequence[Row], outcome: Outcome) -> None:
    """Write a run's end; what is there is whole."""
    write_atomic(folder / ENDED, json.dumps({"rows": [asdict(row) for row in rows], "outcome": asdict(outcome)}))


def load(folder: Path) -> tuple[tuple[Row, ...], Outcome] | None:
    """The end of a run; None if it has none."""
    try:
        found = json.loads((folder / ENDED).read_text())
    except FileNotFoundError:
        return None
    return tuple(Row(**row) for row in found["rows"]), Outcome(**found["outcome"])

"""What a run has ended with, kept while other runs of its job still train: a restart does not train it again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sparsetune.config.messages import Outcome, Row
from sparsetune.config.yaml_io import write_atomic

ENDED = "ended.json"


def save(folder: Path, rows: Sequence[Row], outcome: Outcome, of: Mapping[str, Any]) -> None:
    """Write the end of a run of this config and code; what is there is whole."""
    said = {"of": of, "rows": [asdict(row) for row in rows], "outcome": asdict(outcome)}
    write_atomic(folder / ENDED, json.dumps(said))


def load(folder: Path, of: Mapping[str, Any]) -> tuple[tuple[Row, ...], Outcome] | None:
    """The end of a run; None if it has none, or one of something else, or one that is damaged or of another version."""
    try:
        found = json.loads((folder / ENDED).read_text())
        end = tuple(Row(**row) for row in found["rows"]), Outcome(**found["outcome"])
        return end if found["of"] == of else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None

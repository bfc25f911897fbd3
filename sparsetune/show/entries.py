"""What is decoded on this machine, as a table: what it is, how much, and where the files lie that it was made of."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from sparsetune.base.layout.columns import GAP
from sparsetune.base.layout.text import ago, cut_front, size
from sparsetune.data import store
from sparsetune.report.tables import plain_table

_RIGHT = ("samples", "size")
_LEAST = 16  # characters of a path: fewer say nothing


def entry_table(entries: Sequence[store.Decoded], width: int) -> Table:
    """One row an entry; where the files lie takes what is left of ``width`` characters."""
    rows = [_cells(each) for each in entries]
    columns = {
        name: [row[name] for row in rows] for name in ("decoded", "samples", "of", "size", "last used", "made of")
    }
    *others, (made_of, places) = columns.items()
    left = width - sum(GAP + max(map(len, (name, *cells))) for name, cells in others)
    columns[made_of] = [cut_front(place, max(_LEAST, left)) for place in places]
    table = plain_table()
    for name in columns:
        table.add_column(name, justify="right" if name in _RIGHT else "left")
    for row in zip(*columns.values(), strict=True):
        table.add_row(*map(Text, row))
    return table


def _cells(entry: store.Decoded) -> dict[str, str]:
    samples = entry.meta.get("samples", entry.meta.get("rows"))
    count = sum(samples.values()) if isinstance(samples, dict) else samples
    return {
        "decoded": str(entry.meta["label"]),
        "samples": f"{count:,}" if count else "",
        "of": " x ".join(map(str, entry.meta.get("shape", ()))),
        "size": size(entry.nbytes),
        "last used": ago(time.time() - entry.last_used),
        "made of": _place(entry.meta.get("source", "")),
    }


def _place(source: Any) -> str:
    """A file, the folder of several, or what else an entry says of where it is from; ~ for the home folder."""
    place = source if isinstance(source, str) else os.path.commonpath(source)
    home = Path.home()
    return f"~/{Path(place).relative_to(home)}" if Path(place).is_relative_to(home) else place

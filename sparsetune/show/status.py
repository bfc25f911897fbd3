"""How far the studies of a storage are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from sparsetune.driver import counts
from sparsetune.report.tables import plain_table

if TYPE_CHECKING:
    pass


def show_status(url: str, name: str | None, *, as_json: bool) -> None:
    """Counts of trials and the best values of each study."""
    from sparsetune.search.storage import read_study, study_names

    names = [name] if name is not None else study_names(url)
    rows: list[dict[str, Any]] = []
    for each in names:
        stored = read_study(url, each)
        numbers = zip(stored.metrics, stored.best_by_metric, strict=False)  # none while no trial is complete
        best = {metric: stored.trials[number].metrics.get(metric) for metric, number in numbers}
        rows.append({"study": each, **{k.lower(): v for k, v in counts(stored.trials).items()}, "best": best})
    if as_json:
        print(json.dumps(rows if name is None else rows[0], indent=1))
        return
    table = plain_table()
    for head in ("study", "complete", "pruned", "fail", "running"):
        table.add_column(head, justify="left" if head == "study" else "right")
    table.add_column("best")
    for row in rows:
        best_text = "  ".join(f"{metric} {value:.4g}" for metric, value in row["best"].items())
        table.add_row(
            escape(row["study"]), *(str(row[k]) for k in ("complete", "pruned", "fail", "running")), best_text
        )
    Console().print(table if rows else "no studies yet; start one with: sparsetune study FILE")

"""What a study file can name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console

from sparsetune.config.metrics import METRICS
from sparsetune.report.tables import plain_table

if TYPE_CHECKING:
    pass

from sparsetune.show.words import plain


def show_methods(name: str | None) -> None:
    """The methods with the first line of their cards; one of them in full."""
    import inspect

    from sparsetune.sparsity.methods import METHODS

    console = Console()
    if name is None:
        table = plain_table()
        for head in ("method", "what it is"):
            table.add_column(head)
        for each in METHODS.names():
            card = inspect.getmodule(METHODS.get(each)).__doc__ or ""
            table.add_row(each, card.splitlines()[0])
        console.print(table)
        return
    method = METHODS.get(name)
    console.print(inspect.getdoc(inspect.getmodule(method)) or "", highlight=False, markup=False, soft_wrap=True)
    table = plain_table()
    for head in ("setting", "default", "unit", "from phase", "what it is"):
        table.add_column(head)
    for key, field in method.Config.model_fields.items():
        notes: Any = field.json_schema_extra or {}
        if key != "name":
            table.add_row(key, plain(field.default), notes.get("unit"), notes.get("phase"), field.description)
    console.print(table)
    if method.metrics:
        console.print(f"metrics of its own: {', '.join(method.metrics)}", highlight=False)


def show_metrics() -> None:
    """The table of metrics."""
    table = plain_table()
    for head in ("metric", "unit", "better", "of", "definition"):
        table.add_column(head)
    better = {"maximize": "higher", "minimize": "lower", None: ""}
    for metric in METRICS.values():
        timing = " (differs between equal runs)" if metric.timing else ""
        table.add_row(metric.name, metric.unit, better[metric.goal], metric.scope, metric.definition + timing)
    Console().print(table)

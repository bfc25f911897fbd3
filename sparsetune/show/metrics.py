"""What a trial measures: all metrics in a table, some of them in full."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.text import Text

from sparsetune.base.errors import BadInput
from sparsetune.base.layout.console import open_console
from sparsetune.base.layout.paragraphs import reflowed
from sparsetune.config.metrics import Metric, metric_of
from sparsetune.report.tables import plain_table

_BETTER = {"maximize": "higher", "minimize": "lower", None: ""}
_TIMING = "differs between equal runs"
_OF = {
    "state": "of the trained state",
    "epoch": "of an epoch",
    "run": "of all epochs so far",
    "end": "at the end of a trial",
}
_ANY_STATE = "after each epoch too with metrics.each_epoch: true"
_MARK = "*"
_UNIT = 10  # characters; longer units break
_NARROW = 72  # characters: below it nothing would be left for definitions in a table


def show_metrics(table: Mapping[str, Metric], names: Sequence[str]) -> None:
    """The table of metrics; of those whose names or beginnings of names are given everything that is known of them."""
    console = open_console()
    if names or console.width < _NARROW:
        _show_in_full(console, chosen(table, names or table))
    else:
        _show_table(console, table)


def chosen(table: Mapping[str, Metric], names: Iterable[str]) -> list[Metric]:
    """The metrics of that name, of one of a family, or whose names begin so; raises :class:`BadInput` if none does."""
    named: dict[str, Metric] = {}
    for name in names:
        one = metric_of(name, table) or table.get(name)
        begun = [one] if one else [metric for metric in table.values() if metric.name.startswith(name)]
        if not begun:
            raise BadInput.unknown("metric", name, table, more=" (`sparsetune metrics` lists them)")
        named |= {metric.name: metric for metric in begun}
    return list(named.values())


def _show_in_full(console: Console, metrics: Iterable[Metric]) -> None:
    for count, metric in enumerate(metrics):
        console.print(*([""] if count else []), Text(metric.name, style="bold"), sep="\n")
        for text in (_traits(metric), metric.definition):
            lines = reflowed(text, console.width - 2).splitlines()
            console.print(Text("\n".join(f"  {line}" for line in lines)), soft_wrap=True)


def _show_table(console: Console, metrics: Mapping[str, Metric]) -> None:
    table = plain_table()
    table.add_column("metric", no_wrap=True)
    table.add_column("unit", width=_UNIT)
    for head in ("better", "of"):
        table.add_column(head, no_wrap=True)
    table.add_column("definition", overflow="fold")
    for metric in metrics.values():
        scope = metric.scope + (_MARK if metric.any_state else "")
        definition = metric.definition + (f" ({_TIMING})" if metric.timing else "")
        table.add_row(*map(Text, (metric.name, metric.unit, _BETTER[metric.goal], scope, definition)))
    console.print(table)
    console.print(Text(f"{_MARK} {_ANY_STATE}"))


def _traits(metric: Metric) -> str:
    """Its unit, direction, moment in a trial and conditions, in words."""
    parts = (
        metric.unit,
        f"{_BETTER[metric.goal]} is better" if metric.goal else "",
        _OF[metric.scope] + (f", {_ANY_STATE}" if metric.any_state else ""),
        f"{metric.task} only" if metric.task else "",
        f"wants {metric.needs}" if metric.needs else "",
        _TIMING if metric.timing else "",
    )
    return "; ".join(part for part in parts if part)

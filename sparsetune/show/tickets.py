"""All tickets of a study, a line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sparsetune.base.layout.console import open_console
from sparsetune.base.layout.text import number
from sparsetune.show.words import document, listing

if TYPE_CHECKING:
    from sparsetune.app.gathered import Listed

_NUMBERS = ("val_accuracy", "test_accuracy", "val_loss", "test_loss")


def show_tickets(tickets: Sequence[Listed], study: str, *, as_json: bool) -> None:
    """Which there are, and what came of the trainings that they began."""
    rows = [_row(each) for each in tickets]
    if as_json:
        document(rows)
        return
    console = open_console()
    if not rows:
        console.print(f"no trial of study {study!r} has left a ticket", highlight=False)
        return
    heads = [name for name in rows[0] if any(row.get(name) not in (None, "") for row in rows)]
    table = listing(*heads, right={*heads} - {"branch", "arm"})
    for row in rows:
        table.add_row(*(_shown(row.get(name)) for name in heads))
    console.print(table)


def _row(ticket: Listed) -> dict[str, Any]:
    origin, metrics = ticket.words.get("origin") or {}, ticket.words["metrics"]
    return {
        "trial": ticket.trial,
        "branch": ticket.branch,
        "seed": ticket.seed,
        "level": origin.get("level"),
        "arm": origin.get("arm"),
        "density": ticket.words["density"],
        **{name: metrics.get(name) for name in _NUMBERS},
    }


def _shown(value: Any) -> str:
    return number(value, 4) if isinstance(value, float) else "" if value is None else str(value)

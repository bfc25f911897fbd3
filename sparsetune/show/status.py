"""How far studies are, for people: one in full, several as a table, and a line for a log."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from sparsetune.base.layout.columns import GAP
from sparsetune.base.layout.text import about, ago, bar, cut, duration, listed, number, size
from sparsetune.report.tables import plain_table
from sparsetune.show.facts import FINISHED, IDLE, INTERRUPTED, RUNNING, Facts
from sparsetune.show.words import command_line

_SHARED = {"storage": "storage (all studies)", "mlflow": "MLflow (all studies)"}


def line(facts: Facts) -> str:
    """``ast_pi running 26/40: 22 complete, 1 failed, 2 running; best val_accuracy 0.975 (trial 23)``."""
    best = f"; best {_best(facts)}" if facts.best else ""
    return f"{facts.study} {facts.state} {_done(facts)}: {_counts(facts)}{best}"


def picture(found: Sequence[Facts], console: Console, now: float, *, one: bool) -> RenderableType:
    """All that is known of one study, or a table of several; ``now`` in Unix seconds."""
    if one or len(found) == 1:
        return _detail(found[0], console, now)
    if not found:
        return "no studies yet; start one with: sparsetune study FILE"
    return _overview(found, console.width, now)


def _detail(facts: Facts, console: Console, now: float) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True, min_width=9)
    table.add_column(overflow="fold")
    for name, value in _rows(facts, console, now):
        if value:
            table.add_row(name, Text(value))
    return Group(Text.assemble((facts.study, "bold"), ": ", _told(facts, now)), table)


def _rows(facts: Facts, console: Console, now: float) -> list[tuple[str, str]]:
    of_different = " (of different trials)" if len({row for _, row in facts.best.values()}) > 1 else ""
    taken_up = facts.driver.since_ms if facts.driver else 0  # a resumed trial started before its driver
    running = [f"{each.number} ({_since(max(each.started_ms, taken_up), now)})" for each in facts.running]
    sizes = ", ".join(f"{_SHARED.get(name, name)} {size(count)}" for name, count in facts.on_disk.items() if count)
    return [
        ("done", _progress(facts, console)),
        ("trials", _counts(facts)),
        ("best", f"{_best(facts)}{of_different}" if facts.best else ""),
        ("front", f"{facts.front} best trade-offs: {command_line('best', facts.study)}" if len(facts.best) > 1 else ""),
        ("running", f"trial {listed(running, 8)}" if running else ""),
        ("cut short", f"trial {listed([each.number for each in facts.interrupted], 8)}" if facts.interrupted else ""),
        ("last end", ago(now - facts.last_ended_ms / 1000) if facts.last_ended_ms else ""),
        ("failed", cut(f"trial {facts.failure[0]}: {facts.failure[1]}", 2 * console.width) if facts.failure else ""),
        ("on disk", sizes),
    ]


def _overview(found: Sequence[Facts], width: int, now: float) -> Table:
    """Names and best values are cut to what the figures leave."""
    heads = ("state", "done", "failed", "pruned", "running", "last end")
    figures = [
        (
            facts.state,
            _done(facts),
            *(str(count) for count in (facts.counts["fail"], facts.counts["pruned"], len(facts.running))),
            ago(now - facts.last_ended_ms / 1000) if facts.last_ended_ms else "",
        )
        for facts in found
    ]
    taken = sum(max(map(len, column)) + GAP for column in zip(heads, *figures, strict=True))
    names = [cut(facts.study, max(12, width - taken if width < 120 else width // 4)) for facts in found]
    room = width - taken - max(map(cell_len, ("study", *names))) - GAP
    table = plain_table()
    table.add_column("study", no_wrap=True)
    for head in heads:
        table.add_column(head, justify="left" if head == "state" else "right", no_wrap=True)
    if room >= 24:
        table.add_column("best", no_wrap=True)
    for facts, name, cells in zip(found, names, figures, strict=True):
        table.add_row(Text(name), *cells, *([Text(cut(_best(facts), room))] if room >= 24 else []))
    return table


def _told(facts: Facts, now: float) -> str:
    """The state in words that say what to do about it."""
    driver = facts.driver
    by = f" by process {driver.pid} on {driver.host}, {_since(driver.since_ms, now)}" if driver and driver.pid else ""
    words = {
        RUNNING: f"running{by}",
        FINISHED: "finished",
        INTERRUPTED: "interrupted; the command that started it goes on with it",
        IDLE: "not running",
    }
    return words.get(facts.state, "whether it runs cannot be seen from here: its storage is a server")


def _progress(facts: Facts, console: Console) -> str:
    if facts.budget is None:
        return f"{facts.done} trials"
    fraction = facts.done / facts.budget
    drawn = bar(fraction, min(40, console.width // 3), ascii_only=not console.encoding.startswith("utf"))
    left = f", {about(facts.seconds_left)} left" if facts.seconds_left is not None else ""
    return f"{drawn} {_done(facts)} trials, {100 * min(1.0, fraction):.0f} %{left}"


def _done(facts: Facts) -> str:
    return str(facts.done) if facts.budget is None else f"{facts.done}/{facts.budget}"


def _counts(facts: Facts) -> str:
    words = {
        "complete": facts.counts["complete"],
        "pruned": facts.counts["pruned"],
        "failed": facts.counts["fail"],
        "running": len(facts.running),
        "interrupted": len(facts.interrupted),
    }
    return ", ".join(f"{count} {word}" for word, count in words.items() if count or word == "complete")


def _best(facts: Facts) -> str:
    return ", ".join(
        f"{metric} {number(value, 4)} (trial {' '.join(map(str, row)).strip()})"
        for metric, (value, row) in facts.best.items()
    )


def _since(moment_ms: int, now: float) -> str:
    return f"for {duration(max(1, round(now - moment_ms / 1000)))}"

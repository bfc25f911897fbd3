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
from sparsetune.show.gather import FINISHED, IDLE, INTERRUPTED, RUNNING, Status
from sparsetune.show.words import command_line, pairs

_SHARED = {"storage": "storage (all studies)", "mlflow": "MLflow (all studies)", "shelf": "shelf (all studies)"}


def line(status: Status) -> str:
    """``ast_pi running 26/40: 22 complete, 1 failed, 2 running; best val_accuracy 0.975 (trial 23)``."""
    best = f"; best {_best(status)}" if status.best else ""
    return f"{status.study} {status.state} {_done(status)}: {_counts(status)}{best}"


def picture(studies: Sequence[Status], console: Console, now: float, *, one: bool) -> RenderableType:
    """All that is known of one study, or a table of several; ``now`` in Unix seconds."""
    if one or len(studies) == 1:
        return _detail(studies[0], console, now)
    if not studies:
        return "no studies yet; start one with: sparsetune study FILE"
    return _overview(studies, console.width, now)


def _detail(status: Status, console: Console, now: float) -> RenderableType:
    table = pairs(_rows(status, console, now), "bold")
    table.columns[0].min_width = 9
    return Group(Text.assemble((status.study, "bold"), ": ", _told(status, now)), table)


def _rows(status: Status, console: Console, now: float) -> list[tuple[str, str]]:
    of_different = " (of different trials)" if len({row for _, row in status.best.values()}) > 1 else ""
    taken_up = status.driver.since_ms if status.driver else 0  # a resumed trial started before its driver
    running = [f"{each.number} ({_since(max(each.started_ms, taken_up), now)})" for each in status.running]
    sizes = ", ".join(f"{_SHARED.get(name, name)} {size(count)}" for name, count in status.on_disk.items() if count)
    return [
        ("done", _progress(status, console)),
        ("trials", _counts(status)),
        ("best", f"{_best(status)}{of_different}" if status.best else ""),
        (
            "front",
            f"{status.front} best trade-offs: {command_line('best', status.study)}" if len(status.best) > 1 else "",
        ),
        ("running", f"trial {listed(running, 8)}" if running else ""),
        ("cut short", f"trial {listed([each.number for each in status.interrupted], 8)}" if status.interrupted else ""),
        ("last end", ago(now - status.last_ended_ms / 1000) if status.last_ended_ms else ""),
        ("failed", cut(f"trial {status.failure[0]}: {status.failure[1]}", 2 * console.width) if status.failure else ""),
        ("on disk", sizes),
    ]


def _overview(studies: Sequence[Status], width: int, now: float) -> Table:
    """Names and best values are cut to what the figures leave."""
    heads = ("state", "done", "failed", "pruned", "running", "last end")
    figures = [
        (
            status.state,
            _done(status),
            *(str(count) for count in (status.counts["fail"], status.counts["pruned"], len(status.running))),
            ago(now - status.last_ended_ms / 1000) if status.last_ended_ms else "",
        )
        for status in studies
    ]
    taken = sum(max(map(len, column)) + GAP for column in zip(heads, *figures, strict=True))
    names = [cut(status.study, max(12, width - taken if width < 120 else width // 4)) for status in studies]
    room = width - taken - max(map(cell_len, ("study", *names))) - GAP
    table = plain_table()
    table.add_column("study", no_wrap=True)
    for head in heads:
        table.add_column(head, justify="left" if head == "state" else "right", no_wrap=True)
    if room >= 24:
        table.add_column("best", no_wrap=True)
    for status, name, cells in zip(studies, names, figures, strict=True):
        table.add_row(Text(name), *cells, *([Text(cut(_best(status), room))] if room >= 24 else []))
    return table


def _told(status: Status, now: float) -> str:
    """The state in words that say what to do about it."""
    driver = status.driver
    by = f" by process {driver.pid} on {driver.host}, {_since(driver.since_ms, now)}" if driver and driver.pid else ""
    words = {
        RUNNING: f"running{by}",
        FINISHED: "finished",
        INTERRUPTED: "interrupted; the command that started it goes on with it",
        IDLE: "not running",
    }
    return words.get(status.state, "whether it runs cannot be seen from here: its storage is a server")


def _progress(status: Status, console: Console) -> str:
    if status.budget is None:
        return f"{status.done} trials"
    fraction = status.done / status.budget
    drawn = bar(fraction, min(40, console.width // 3), ascii_only=not console.encoding.startswith("utf"))
    left = f", {about(status.seconds_left)} left" if status.seconds_left is not None else ""
    return f"{drawn} {_done(status)} trials, {100 * min(1.0, fraction):.0f} %{left}"


def _done(status: Status) -> str:
    return str(status.done) if status.budget is None else f"{status.done}/{status.budget}"


def _counts(status: Status) -> str:
    words = {
        "complete": status.counts["complete"],
        "pruned": status.counts["pruned"],
        "failed": status.counts["fail"],
        "running": len(status.running),
        "interrupted": len(status.interrupted),
    }
    return ", ".join(f"{count} {word}" for word, count in words.items() if count or word == "complete")


def _best(status: Status) -> str:
    return ", ".join(
        f"{metric} {number(value, 4)} (trial {' '.join(map(str, row)).strip()})"
        for metric, (value, row) in status.best.items()
    )


def _since(moment_ms: int, now: float) -> str:
    return f"for {duration(max(1, round(now - moment_ms / 1000)))}"

"""One picture of a running study, as lines that fit a terminal of any size. Colours of the terminal's own palette."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from sparsetune.base.layout.columns import Column, aligned, fitting
from sparsetune.base.layout.text import UNKNOWN, about, bar, clock_time, cut, number
from sparsetune.base.messages import Trial
from sparsetune.live.lines import best_text, count_text, epoch_text, one_line
from sparsetune.live.standing import Running, Standing

LONGEST_BAR = 60
MOST_RUNNING, MOST_BEST = 16, 6  # rows, where the terminal is high enough
_AROUND = 16  # lines that are no rows of the two tables


def frame(standing: Standing, title: str, width: int, height: int, *, ascii_only: bool) -> Text:
    """Progress, failures, running trials and the best, in at most ``width`` columns and ``height`` - 1 lines.

    Nothing that it says is said by colour alone.
    """
    spare = max(2, height - _AROUND)
    most_running = min(MOST_RUNNING, spare - spare // 3, max(1, standing.peak))
    lines = [
        Text(),
        _progress(standing, title, width, ascii_only=ascii_only),
        Text(cut(_counts(standing), width)),
        *_failure(standing, width),
        *_running(standing, width, most_running),
        *_best(standing, width, min(MOST_BEST, spare - most_running)),
    ]
    return Text("\n", no_wrap=True, overflow="crop", end="").join(lines[: max(1, height - 1)])


def _progress(standing: Standing, title: str, width: int, *, ascii_only: bool) -> Text:
    name = cut(title, max(12, width // 4))
    elapsed = clock_time(standing.clock() - standing.opened)
    figures = f"{standing.done}/{standing.total}  elapsed {elapsed}"
    if standing.done < standing.total:
        figures += f"  left {about(standing.seconds_left()):<12}"
    room = min(LONGEST_BAR, width - len(name) - len(figures) - 2)
    line = Text(name, style="bold")
    if room >= 8:
        line.append(f" {bar(standing.fraction, room, ascii_only=ascii_only)}", style="not bold green")
    line.append(f" {figures.rstrip()}", style="not bold")
    line.truncate(width)
    return line


def _counts(standing: Standing) -> str:
    running = len(standing.running)
    waiting = max(0, standing.total - standing.done - running)
    return f"{count_text(standing)}, {running} running, {waiting} to start"


def _failure(standing: Standing, width: int) -> list[Text]:
    if standing.failure is None:
        return []
    failed = f"last failure: trial {standing.failure.number}: {one_line(standing.failure.reason)}"
    return [Text(cut(failed, width), style="red")]


def _running(standing: Standing, width: int, most: int) -> list[Text]:
    """As many lines all the time, so that nothing below jumps when a trial ends and the next is not there yet."""
    running = sorted(standing.running.values(), key=lambda each: each.trial.number)
    shown = running[:most]
    now = standing.clock()
    metrics = [
        Column(objective.metric, [_last(each, objective.metric) for each in shown]) for objective in standing.objectives
    ]
    ends = [
        Column("trial", [str(each.trial.number) for each in shown]),
        Column("stage" if any(each.stage for each in shown) else "epoch", [epoch_text(each) for each in shown]),
        Column("time", [clock_time(now - each.since) for each in shown]),
    ]
    room = width - sum(each.narrow + 2 for each in ends)
    fit = fitting(metrics, room)
    heading, rows = aligned([*ends[:2], *fit, ends[2]], width)
    lines = [Text(), *(Text(line, style="bold") for line in heading), *map(Text, rows)]
    lines += [Text()] * (min(standing.peak, most) - len(shown))
    more = [f"... and {len(running) - most} more"] if len(running) > most else []
    if len(fit) < len(metrics):
        more.append(f"{len(metrics) - len(fit)} more objectives in a wider terminal")
    return lines + ([Text(cut("; ".join(more), width))] if more else [])


def _last(each: Running, metric: str) -> str:
    value = each.row.metrics.get(metric) if each.row else None
    return (UNKNOWN if value is None else number(value, 4)).rjust(8)


def _best(standing: Standing, width: int, most: int) -> list[Text]:
    front = standing.front
    if not len(front):
        return []
    if len(standing.objectives) == 1:
        (trial,) = front.some(1)
        params = ", ".join(f"{_short(name)} {number(value)}" for name, value in trial.params.items())
        return [Text(), Text(cut(f"best so far: {best_text(standing)}", width), style="bold"), Text(cut(params, width))]
    shown = front.some(most)
    title = f"best trade-offs so far: {len(shown)} of {len(front)}"
    heading, rows = aligned(_trade_offs(standing, shown, width), width)
    return [
        Text(),
        Text(cut(title, width), style="bold"),
        *(Text(line, style="bold") for line in heading),
        *map(Text, rows),
    ]


def _trade_offs(standing: Standing, trials: Sequence[Trial], width: int) -> list[Column]:
    forked = {name for trial in trials if trial.branch for branch in trial.branches for name in branch.values}
    names = [name for name in dict.fromkeys(name for trial in trials for name in trial.params) if name not in forked]
    return fitting(
        [
            Column("trial", [trial.label for trial in trials]),
            *(Column(o.metric, [number(trial.metrics[o.metric], 4) for trial in trials]) for o in standing.objectives),
            *(Column(_short(name), [number(trial.params.get(name)) for trial in trials]) for name in names),
        ],
        width,
    )


def _short(name: str) -> str:
    return name.rpartition(".")[2]

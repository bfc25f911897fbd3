"""What is said of a study in single lines, and how many of them there may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sparsetune.base.layout.text import about, duration, listed, number
from sparsetune.base.messages import Key, Row, Trial
from sparsetune.config.study.rows import minutes_of_longest, minutes_spent
from sparsetune.live.standing import Better, Running, Standing

_FAILED = "failed"


def resumed_line(trial: Trial) -> str:
    return f"trial {trial.number} goes on from its last checkpoint"


def ended_line(standing: Standing, trial: Trial, rows: Mapping[Key, Sequence[Row]]) -> str:
    """``[3/40] trial 2 COMPLETE val_accuracy 0.9443  compute_saved 0.5333 (0.4 s)``; of branches both ends."""
    what = _values(standing, standing.rows(trial)) if trial.state == "COMPLETE" else one_line(trial.reason)
    return f"[{standing.done}/{standing.total}] trial {trial.number} {trial.state} {what}{_time(trial, rows)}"


def failed_line(trial: Trial, rows: Mapping[Key, Sequence[Row]]) -> str:
    return f"trial {trial.number} {_FAILED}: {one_line(trial.reason)}{_time(trial, rows)}"


def best_line(standing: Standing, better: Better) -> str:
    """``trial 23: val_accuracy 0.9749, the best so far (compute_saved 0.483)``."""
    values = [number(value, 4) for value in standing.values(better.row)]
    texts = [f"{o.metric} {value}" for o, value in zip(standing.objectives, values, strict=True)]
    best = " and ".join(texts[index] for index in better.objectives)
    others = "  ".join(text for index, text in enumerate(texts) if index not in better.objectives)
    return f"trial {better.row.label}: {best}, the best so far" + (f" ({others})" if others else "")


def summary_line(standing: Standing) -> str:
    """How far it is, in one line: counts, the best, the last failure, the time left."""
    best = best_text(standing)
    counts = f"[{standing.done}/{standing.total}] {count_text(standing)}"
    parts = (counts, f"best {best}" if best else "", failure_text(standing), *_left(standing))
    return "; ".join(filter(None, parts))


def running_line(standing: Standing) -> str:
    """What runs, in one line."""
    running = sorted(standing.running.values(), key=lambda each: each.trial.number)
    shown = [f"trial {each.trial.number} {_so_far(standing, each)}" for each in running]
    return "; ".join([f"[{standing.done}/{standing.total}] running: {listed(shown, 5)}", *_left(standing)])


def epoch_text(each: Running) -> str:
    """``3/20``, of replicates all epochs together; ``3`` where nobody knows how many it will be; ``level 2 (40%)``."""
    if each.stage:
        return f"{each.stage} ({each.done:.0%})"
    unit = " it" if each.by_iterations else ""
    return f"{each.epoch}/{each.epochs}{unit}" if each.epochs else f"{each.epoch}{unit}"


def count_text(standing: Standing) -> str:
    """``22 complete (4 break a constraint), 3 pruned, 1 failed``: those that there are, and complete ones always."""
    broken = f" ({standing.broken} {_breaks(standing.broken)} a constraint)" if standing.broken else ""
    words = {"COMPLETE": f"complete{broken}", "PRUNED": "pruned", "FAIL": _FAILED}
    counted = {word: standing.counts[state] for state, word in words.items()}
    return ", ".join(f"{count} {word}" for word, count in counted.items() if count or word.startswith("complete"))


def best_text(standing: Standing) -> str:
    """``val_accuracy 0.9749 (trial 23), compute_saved 0.5959 (trial 39)``; nothing while no trial is complete."""
    return ", ".join(
        f"{objective.metric} {number(best[0], 4)} (trial {best[1].label})"
        for objective, best in zip(standing.objectives, standing.front.best, strict=True)
        if best is not None
    )


def failure_text(standing: Standing) -> str:
    """``last failure: trial 7: RuntimeError: ...``; empty where none failed."""
    failed = standing.failure
    return f"last failure: trial {failed.number}: {one_line(failed.reason)}" if failed is not None else ""


def one_line(text: str) -> str:
    return " ".join(text.split())


def _left(standing: Standing) -> list[str]:
    """An estimate of the time left; nothing once all trials have ended."""
    return [f"time left {about(standing.seconds_left())}"] if standing.done < standing.total else []


def _values(standing: Standing, rows: Sequence[Trial]) -> str:
    texts = []
    for index, objective in enumerate(standing.objectives):
        values = [value for value in (standing.values(row)[index] for row in rows) if value is not None]
        if values:
            ends = dict.fromkeys(number(value, 4) for value in (min(values), max(values)))
            texts.append(f"{objective.metric} {' to '.join(ends)}")
    broken = sum(not row.feasible for row in rows)
    if broken:
        which = f"{broken} of {len(rows)} rows {_breaks(broken)}" if len(rows) > 1 else "breaks"
        texts.append(f"{which} a constraint")
    return "  ".join(texts)


def _breaks(count: int) -> str:
    return "breaks" if count == 1 else "break"


def _time(trial: Trial, rows: Mapping[Key, Sequence[Row]]) -> str:
    """Of work, not of interruptions; of what has come to nothing, of all seeds the longest branch."""
    spent = minutes_spent(trial)
    if spent is None:
        spent = minutes_of_longest((key, each[-1].metrics) for key, each in rows.items() if each)
    return "" if spent is None else f" ({duration(60 * spent)})"


def _so_far(standing: Standing, each: Running) -> str:
    metrics = each.row.metrics if each.row else {}
    unit = "" if each.stage or each.by_iterations else "epoch "
    return f"{unit}{epoch_text(each)}" + "".join(
        f" {o.metric} {number(metrics[o.metric], 4)}" for o in standing.objectives if o.metric in metrics
    )


class Throttle:
    """Says which lines may be printed: all of them while they are few, else one summary each ``window`` seconds."""

    def __init__(self, clock: Callable[[], float], *, most: int, window: float) -> None:
        """
        Args:
            most: lines in a window; after a window that had more the next one has none but its summary.
        """
        self.held = 0  # lines that were not printed and are not summed up yet
        self._clock, self._most, self._window = clock, most, window
        self._opened = clock()
        self._offered = 0
        self._many = False

    def admits(self) -> bool:
        """Whether a line may be printed now; if not it is held."""
        self._offered += 1
        admitted = not self._many and self._offered <= self._most
        self.held += not admitted
        return admitted

    def summary_due(self) -> bool:
        """At the end of a window: whether lines were held in it. To be asked before each line, and in between."""
        now = self._clock()
        if now - self._opened < self._window:
            return False
        self._many = self._offered > self._most and now - self._opened < 2 * self._window
        self._opened, self._offered = now, 0
        due = self.held > 0
        self.held = 0
        return due

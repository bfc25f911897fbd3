"""The best trade-offs so far, kept up trial by trial; which rows win, and which led when their trial ended."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import isnan
from typing import Generic, TypeVar

from sparsetune.base.messages import Trial
from sparsetune.config.metrics import Goal

T = TypeVar("T")


class Front(Generic[T]):
    """The items that no other beats: an item is beaten by one that is as good in all objectives and better in one.

    The work of adding one is that of comparing it with the front.
    """

    def __init__(self, goals: Sequence[Goal]) -> None:
        self._signs = [-1.0 if goal == "maximize" else 1.0 for goal in goals]
        self._keys: list[tuple[float, ...]] = []  # distinct values, signed so that less is better; sorted
        self._items: list[list[T]] = []  # by key: equal values beat each other not
        self._flat = len(goals) <= 2
        self._size = 0
        self._best: list[tuple[tuple[float, ...], T] | None] = [None for _ in goals]

    def __len__(self) -> int:
        return self._size

    @property
    def best(self) -> list[tuple[float, T] | None]:
        """For each objective the best value and an item of the front that has it; None while there is no item."""
        return [
            None if best is None else (sign * best[0][index], best[1])
            for index, (sign, best) in enumerate(zip(self._signs, self._best, strict=True))
        ]

    def add(self, item: T, values: Sequence[float]) -> list[int]:
        """Take an item in, with its value for each objective.

        Returns:
            The positions of the objectives in which it beats all items before it.
        """
        key = self._key(values)
        improved = []
        for index, best in enumerate(self._best):
            if best is None or key[index] < best[0][index]:
                improved.append(index)
                self._best[index] = (key, item)
            elif key[index] == best[0][index] and key != best[0] and _as_good(key, best[0]):
                self._best[index] = (key, item)  # no news, and on the front where the other no longer is
        self._place(item, key)
        return improved

    def holds(self, values: Sequence[float]) -> bool:
        """Whether an item of these values is on the front."""
        key = self._key(values)
        at = bisect_left(self._keys, key)
        return at < len(self._keys) and self._keys[at] == key

    def _key(self, values: Sequence[float]) -> tuple[float, ...]:
        return tuple(sign * value for sign, value in zip(self._signs, values, strict=True))

    def _place(self, item: T, key: tuple[float, ...]) -> None:
        at = bisect_left(self._keys, key)
        if at < len(self._keys) and self._keys[at] == key:
            self._items[at].append(item)
            self._size += 1
            return
        # what beats it sorts before it, what it beats after it; with two objectives these are its neighbours
        first = max(0, at - 1) if self._flat else 0
        if any(_as_good(self._keys[i], key) for i in range(at - 1, first - 1, -1)):
            return
        among = takewhile if self._flat else filter
        beaten = list(among(lambda i: _as_good(key, self._keys[i]), range(at, len(self._keys))))
        for index in reversed(beaten):
            self._size -= len(self._items.pop(index))
            del self._keys[index]
        self._keys.insert(at, key)
        self._items.insert(at, [item])
        self._size += 1

    def some(self, count: int) -> list[T]:
        """At most so many items, spread evenly from the best in the first objective to the last."""
        spread = len(self._items)
        if spread <= count:
            return [item for items in self._items for item in items][:count]
        if count < 2:
            return [items[0] for items in self._items[:count]]
        return [self._items[round(index * (spread - 1) / (count - 1))][0] for index in range(count)]


def _as_good(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    for left, right in zip(one, other, strict=True):  # noqa: SIM110  # twice as fast as all()
        if left > right:
            return False
    return True


@dataclass(frozen=True)
class Winners:
    """Rows, the best first.

    Attributes:
        front: the Pareto front by the first objective; with one objective the best row, the earliest of equal ones.
        best: for each objective a row of the front that is best in it; empty if no row may win.
    """

    front: list[Trial]
    best: list[Trial]


def may_win(row: Trial) -> bool:
    """Whether it is complete, meets all constraints and has its ``values`` as numbers."""
    return row.state == "COMPLETE" and row.feasible and bool(row.values) and not any(map(isnan, row.values))


def chosen_rows(which: str, rows: Sequence[Trial], goals: Sequence[Goal]) -> list[Trial]:
    """Each once: those of the ``front``, the ``best`` by each objective, or ``all`` that are complete."""
    won = best_rows(rows, goals)
    named = {
        "none": [],
        "front": won.front,
        "best": won.best,
        "all": [row for row in rows if row.state == "COMPLETE"],
    }[which]
    return list({(row.number, row.branch): row for row in named}.values())


def best_rows(rows: Iterable[Trial], goals: Sequence[Goal]) -> Winners:
    """The winners among rows that have ``values``."""
    front = Front[Trial](goals)
    for row in rows:
        if may_win(row):
            front.add(row, row.values)
    items = front.some(len(front))
    best = [each[1] for each in front.best if each is not None]
    return Winners(items[:1] if len(goals) == 1 else items, best)


class Leaders:
    """Of each trial the rows that were on the front at its end; with one objective the one that was the best.

    A trial that is told again led as it did at the first time, whatever has ended since.
    """

    def __init__(
        self, goals: Sequence[Goal], rows: Callable[[Trial], Sequence[Trial]], earlier: Iterable[Trial] = ()
    ) -> None:
        """
        Args:
            rows: of a trial, with their values.
            earlier: trials of earlier sessions; those that run still may be among them.
        """
        self._rows = rows
        self._front = Front[tuple[int, str]](goals)
        self._alone = len(goals) == 1
        self._led: dict[int, frozenset[str]] = {}
        ended = (trial for trial in earlier if trial.state != "RUNNING")
        for trial in sorted(ended, key=lambda trial: (trial.ended_ms, trial.number)):
            self.of(trial)

    def of(self, trial: Trial) -> frozenset[str]:
        """The names of a trial's branches that led when it ended."""
        if trial.number not in self._led:
            rows = [row for row in self._rows(trial) if may_win(row)]
            for row in rows:
                self._front.add((row.number, row.branch), row.values)
            self._led[trial.number] = frozenset(row.branch for row in rows if self._leads(row))
        return self._led[trial.number]

    def _leads(self, row: Trial) -> bool:
        if not self._alone:
            return self._front.holds(row.values)
        best = self._front.best[0]
        return best is not None and best[1] == (row.number, row.branch)

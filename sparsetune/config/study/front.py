"""The best trade-offs so far, kept up trial by trial: the work is that of comparing one trial with the front."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import takewhile
from typing import Generic, TypeVar

from sparsetune.config.metrics import Goal

T = TypeVar("T")


class Front(Generic[T]):
    """The items that no other beats: an item is beaten by one that is as good in all objectives and better in one."""

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

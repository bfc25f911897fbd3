"""What goes to MLflow in one call, and what of it is refused. Knows nothing of MLflow itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sparsetune.tracking.entry import Point
from sparsetune.tracking.trouble import refuses

ITEMS, WORDS, BYTES = 1000, 100, 900_000  # MLflow's limits: in all, of parameters and of tags each, of the request
_POINT = 120  # bytes of a point in JSON beside its key


class Param(NamedTuple):
    key: str
    value: str


class Tag(NamedTuple):
    key: str
    value: str


Item = Point | Param | Tag
_KINDS = {Point: "metric", Param: "parameter", Tag: "tag"}


def packed(items: Sequence[Item]) -> Iterator[list[Item]]:
    """The items in their order, as few calls as the limits allow."""
    batch: list[Item] = []
    size = 0
    for item in items:
        more = _size(item)
        full = len(batch) == ITEMS or (not isinstance(item, Point) and _like(item, batch) == WORDS)
        if batch and (full or size + more > BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += more
    if batch:
        yield batch


def send(items: Sequence[Item], write: Callable[[list[Item]], None]) -> dict[str, Exception]:
    """Write all that is not refused.

    Args:
        write: writes a batch, or raises.

    Returns:
        Why a name was refused, by its kind and name. All other errors are raised.
    """
    refused: dict[str, Exception] = {}
    for batch in packed(items):
        _halve(batch, write, refused)
    return refused


def _halve(batch: list[Item], write: Callable[[list[Item]], None], refused: dict[str, Exception]) -> None:
    """Write a batch; of one that is refused find the item that it is due to."""
    if refused:
        batch = [item for item in batch if _label(item) not in refused]
    if not batch:
        return
    try:
        write(batch)
    except Exception as error:  # each store raises its own kinds
        if not refuses(error):
            raise
        if len(batch) == 1:
            refused[_label(batch[0])] = error
            return
        middle = len(batch) // 2
        _halve(batch[:middle], write, refused)
        _halve(batch[middle:], write, refused)


def _label(item: Item) -> str:
    return f"{_KINDS[type(item)]} {item.key!r}"


def _like(item: Item, batch: Sequence[Item]) -> int:
    """How many of a batch are of the item's kind."""
    return sum(type(other) is type(item) for other in batch)


def _size(item: Item) -> int:
    if isinstance(item, Point):
        return _POINT + (len(item.key) if item.key.isascii() else 6 * len(item.key))
    return 40 + len(json.dumps(item.key)) + len(json.dumps(item.value))

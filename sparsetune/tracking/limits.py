"""What MLflow takes: names and words of a certain length, and so many of them in one call; what of it is refused.

A study's own results keep the exact names. A name that MLflow would refuse becomes one that it takes, always the same
one; digits of the whole name's digest keep two names apart that look alike without the letters that had to go.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sparsetune.tracking.trouble import refuses

KEY = 250  # characters of a metric's, a parameter's or a tag's name, and of a run's
PARAM = 6000  # characters of a parameter's value
TAG = 5000  # characters of a tag's value: newer servers take 8000
ITEMS, WORDS, BYTES = 1000, 100, 900_000  # of one call: in all, of parameters and of tags each, of the request
_MEASUREMENT = 120  # bytes of one in JSON beside its key
_DIGITS = 8
_DIGEST = re.compile(rf"-[0-9a-f]{{{_DIGITS}}}$")


def clean(name: str) -> str:
    """The name of a metric, a parameter or a tag: itself where MLflow takes it.

    Allowed are letters, digits and ``_-. :/``, at most :data:`KEY`, without a part between slashes that is empty, one
    dot or two, and without two at the beginning, as paths have them. A name that ends as a cleaned one does gets a
    digest too: so no two names share one.
    """
    parts = re.sub(r"[^\w.\- :/]", "_", name).split("/")
    plain = "/".join("_" * max(1, len(part)) if part in ("", ".", "..") else part for part in parts)
    plain = re.sub(r"^\.\.", "__", plain)
    if plain == name and len(name) <= KEY and not _DIGEST.search(name):
        return name
    return f"{plain[: KEY - 1 - _DIGITS]}-{_digest(name)}"


def fit(text: str, most: int) -> str:
    """Words of at most so many characters; where they are cut, a digest tells them from others that begin alike.

    What a database or a server cannot hold (NUL, halves of UTF-16 pairs) is written out.
    """
    plain = text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
    return plain if len(plain) <= most else f"{plain[: most - 1 - _DIGITS]}-{_digest(text)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


class Measurement(NamedTuple):
    """A metric's value at a step."""

    key: str
    value: float
    timestamp_ms: int
    step: int


class Param(NamedTuple):
    key: str
    value: str


class Tag(NamedTuple):
    key: str
    value: str


Item = Measurement | Param | Tag
_KINDS = {Measurement: "metric", Param: "parameter", Tag: "tag"}


def packed(items: Sequence[Item]) -> Iterator[list[Item]]:
    """The items in their order, as few calls as the limits allow."""
    batch: list[Item] = []
    size, counts = 0, Counter[type]()
    for item in items:
        kind = type(item)
        if isinstance(item, Measurement):
            more = _MEASUREMENT + len(item.key) * (1 if item.key.isascii() else 6)
        else:
            more = 40 + len(json.dumps(item.key)) + len(json.dumps(item.value))
        full = len(batch) == ITEMS or (kind is not Measurement and counts[kind] == WORDS)
        if batch and (full or size + more > BYTES):
            yield batch
            batch, size, counts = [], 0, Counter()
        batch.append(item)
        size += more
        counts[kind] += 1
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

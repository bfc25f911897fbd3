"""How samples get from where they lie to the network, batch by batch, and work that threads do ahead of its use."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TypeVar

import torch
from torch import Tensor

from sparsetune.data.dataset import Dataset, Split

T = TypeVar("T")
R = TypeVar("R")
_AHEAD = 3  # batches that are fetched before they are wanted


def ahead(work: Callable[[T], R], items: Iterable[T], *, threads: int, depth: int) -> Iterator[R]:
    """``work(item)`` of each item, in order; at most ``depth`` of them are begun and not yet taken.

    An error in ``work`` is raised where its result would have come; what was not begun by then is not done.
    """
    coming: deque[Future[R]] = deque()
    left = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        try:
            coming.extend(pool.submit(work, item) for item in islice(left, depth))
            while coming:
                result = coming.popleft().result()
                coming.extend(pool.submit(work, item) for item in islice(left, 1))
                yield result
        finally:  # also where whoever takes the results stops early
            for future in coming:
                future.cancel()


def batches(split: Split, size: int, order: Tensor | None = None) -> Iterator[tuple[Tensor, Tensor]]:
    """Inputs and targets, ``size`` at a time, on the device of the targets; the last batch may be smaller.

    Args:
        order: (N,) int64 positions in the split, on the device of the targets; else one after another.
    """
    resident = split.store.device == split.targets.device
    rows, targets = split.rows, split.targets
    if order is not None:
        rows = rows.index_select(0, order if resident else order.to(rows.device))
        targets = targets.index_select(0, order)
    chunks = _parts(rows, size)
    stored = (
        map(partial(split.store.index_select, 0), chunks) if resident else streamed(split.store, chunks, targets.device)
    )
    for values, batch_targets in zip(stored, _parts(targets, size), strict=True):
        yield split.prepared(values), batch_targets


def _parts(tensor: Tensor, size: int) -> tuple[Tensor, ...]:
    """Of so many rows; where one is enough, without a view, which takes as long as a small batch."""
    return tensor.split(size) if len(tensor) > size else (tensor,)


def streamed(store: Tensor, chunks: Iterable[Tensor], device: torch.device) -> Iterator[Tensor]:
    """The rows of each chunk on ``device``, fetched ahead in a thread, through memory that the device reads itself.

    Args:
        store: (M, ...) in main memory.
        chunks: positions (n,) of int64 in it.
    """

    def fetch(chunk: Tensor) -> Tensor:
        values = store.index_select(0, chunk)
        return values.pin_memory() if device.type == "cuda" else values

    for values in ahead(fetch, chunks, threads=1, depth=_AHEAD):
        yield values.to(device, non_blocking=True)


def delivered(data: Dataset, device: torch.device, dtype: torch.dtype, share: float) -> tuple[Dataset, str]:
    """The data set for that device, and in words how its samples get there.

    On a CPU they are read where they lie. On a GPU they live, if they take at most ``share`` of its memory; else each
    batch is streamed there.
    """
    size = f"{data.nbytes / 1e6:.1f} MB"
    if device.type != "cuda":
        return data.to(device, dtype), f"in main memory, {size}"
    room = torch.cuda.get_device_properties(device).total_memory
    resident = data.nbytes <= share * room
    how = "resident on" if resident else "streamed to"
    return data.to(device, dtype, resident=resident), f"{how} {torch.cuda.get_device_name(device)}, {size}"

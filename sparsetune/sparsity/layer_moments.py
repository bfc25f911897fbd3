"""What goes into a layer: the second moments of its inputs over the training samples, gathered batch by batch.

Each batch has as many samples as keep a stop waiting for less than a second, or one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from sparsetune.sparsity.layer_inputs import LinearMap, calls_of
from sparsetune.sparsity.session import Session

SAMPLES = 500  # for which squared errors are summed, wherever there are more or fewer
State = dict[str, Any]
_MOST = 500  # samples of a batch
_WORK, _NUMBERS = 1e10, 1 << 24  # of a batch: multiplications, where products are summed; numbers laid out at once


def gathered(session: Session, layer: LinearMap, state: State | None = None) -> Iterator[tuple[State, float]]:
    """Yields states, of which the last has the moments over all training samples, scaled as if these were 500.

    Samples pass in evaluation mode. Where fewer inputs come in than half of their numbers, the inputs themselves are
    kept. A layer that the network never calls has no moments, and no states.

    Args:
        state: that this has yielded, to go on from; its tensor is filled further.
    """
    samples = session.train_samples
    state = state or _nothing_yet(session, layer)
    size, done = state["size"], state["batches"]
    if not size or done * size >= samples:
        return
    values, summed = state["values"], state["summed"]
    for inputs, _ in islice(session.batches("train", size), done, None):
        rows = torch.cat(_rows(session, layer, inputs, state["calls"]), 1)
        if summed:
            values += rows.mT @ rows
            session.spend(beside=2.0 * rows.numel() * rows.shape[-1])
        else:
            begin = done * size * values.shape[1] // samples
            values[:, begin : begin + rows.shape[1]] = rows
        done += 1
        share = min(1.0, done * size / samples)
        if share == 1:
            scale = SAMPLES / samples if summed else math.sqrt(SAMPLES / samples)
            values = values.mul_(scale).to(layer.layer.weight.dtype)
        yield {**state, "batches": done, "values": values}, share


def _nothing_yet(session: Session, layer: LinearMap) -> State:
    """The state before the first batch; one sample says how large it may be."""
    inputs, _ = next(session.batches("train", _MOST))  # batches of one would be as many views as there are samples
    rows = _rows(session, layer, inputs[:1])
    if not rows:
        return {"size": 0, "batches": 0}
    (groups, _, numbers), places = rows[0].shape, sum(each.shape[1] for each in rows)
    summed = 2 * places * session.train_samples >= numbers
    shape = (groups, numbers, numbers) if summed else (groups, places * session.train_samples, numbers)
    values = rows[0].new_zeros(shape, dtype=torch.float64 if summed else None)
    most = min(_WORK / numbers, _NUMBERS) if summed else _NUMBERS
    size = max(1, min(_MOST, int(most / (groups * places * numbers))))
    return {"size": size, "batches": 0, "values": values, "summed": summed, "calls": len(rows)}


def _rows(session: Session, layer: LinearMap, samples: Tensor, most: int | None = None) -> list[Tensor]:
    """(groups, places, n) of each call, of the first so many: what goes into a layer where (N, ...) samples pass."""
    session.network.eval()
    session.spend(scored=len(samples))
    calls = calls_of(layer.layer, session.network, samples, most)
    return [layer.inputs(each).to(layer.layer.weight.dtype) for each in calls]

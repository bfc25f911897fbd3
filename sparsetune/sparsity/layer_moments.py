"""What goes into a layer: the second moments of its inputs over the training samples, gathered batch by batch.

Each batch has as many samples as keep a stop waiting for less than a second.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from sparsetune.sparsity.layer_inputs import LinearMap, inputs_of
from sparsetune.sparsity.session import Session

SAMPLES = 500  # for which squared errors are summed, wherever there are more or fewer
State = dict[str, Any]
_MOST = 500  # samples of a batch
_WORK, _NUMBERS = 1e10, 1 << 24  # of a batch: multiplications; numbers laid out at once


def gathered(session: Session, layer: LinearMap, state: State | None = None) -> Iterator[tuple[State, float]]:
    """Yields states, of which the last has the moments over all training samples, scaled as if these were 500.

    Samples pass in evaluation mode. Where fewer inputs come in than half of their numbers, the inputs themselves are
    kept. A layer that the network never calls has no moments, and no states.

    Args:
        state: that this has yielded, to go on from.
    """
    samples = session.train_samples
    state = state or _nothing_yet(session, layer)
    size, done, values, summed = state["size"], state["batches"], state["values"], state["summed"]
    if not size or done * size >= samples:
        return
    for inputs, _ in islice(session.batches("train", size), done, None):
        rows = _rows(session, layer, inputs)
        values = values + rows.mT @ rows if summed else torch.cat([values, rows], 1)
        done += 1
        share = min(1.0, done * size / samples)
        if share == 1:
            scale = SAMPLES / samples if summed else math.sqrt(SAMPLES / samples)
            values = (values * scale).to(layer.layer.weight.dtype)
        yield {**state, "batches": done, "values": values}, share


def _nothing_yet(session: Session, layer: LinearMap) -> State:
    """The state before the first batch; one sample says how large it may be."""
    sample, _ = next(session.batches("train", 1))
    rows = _rows(session, layer, sample)
    groups, places, numbers = rows.shape
    summed = 2 * places * session.train_samples >= numbers
    values = rows.new_zeros(groups, numbers, numbers, dtype=torch.float64) if summed else rows[:, :0]
    each = groups * places * numbers
    size = max(1, min(_MOST, int(min(_WORK / numbers, _NUMBERS) / each))) if places else 0
    return {"size": size, "batches": 0, "values": values, "summed": summed}


@torch.no_grad()
def _rows(session: Session, layer: LinearMap, samples: Tensor) -> Tensor:
    """(groups, places, n): what goes into a layer where the network is called with (N, ...) samples."""
    session.network.eval()
    with inputs_of(layer.layer) as calls:
        session.network(samples)
    session.spend(scored=len(samples))
    nothing = samples.new_zeros(layer.groups, 0, 1)
    return torch.cat([layer.inputs(each) for each in calls], 1) if calls else nothing

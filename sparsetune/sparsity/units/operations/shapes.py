"""Operations that move values about.

Those that say in numbers how long a side is would not follow it when it shrinks: what lies along such a side stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from sparsetune.sparsity.units.flow import Flow, differ, spread
from sparsetune.sparsity.units.operations.call import Call, Operation, unknown

MOVES = "flatten permute transpose t unsqueeze movedim swapaxes cat stack"


def moved(call: Call) -> Any:
    """Whatever the lengths of sides are."""
    if not all(isinstance(each, Flow) for each in call.tensors()):
        return unknown(call)
    return Flow(call.run(), call.run(lambda flow: flow.labels))


def squeezed(call: Call) -> Any:
    """Sides of length 1, which have to be named: else those that shrink to it would go, too."""
    dims = [call.args[1]] if isinstance(call.arg(1), int) else call.arg(1, ())
    alone = bool(dims) and all(call.flow.labels.shape[dim] == 1 for dim in dims)
    return moved(call) if alone else unknown(call)


def viewed(call: Call) -> Any:
    """Into a shape that is written out, but for -1."""
    shape = call.args[1]
    if not isinstance(shape, Sequence):  # bits as those of another kind of number
        return unknown(call)
    return _sized(Flow(call.flow.values.reshape(shape), call.flow.labels.reshape(shape)), call)


def expanded(call: Call) -> Any:
    """Into a shape that is written out, but for -1."""
    return _sized(Flow(call.run(), call.run(lambda flow: flow.labels)), call)


def _sized(flow: Flow, call: Call) -> Flow:
    if any(size != -1 and differ(flow.labels, dim) for dim, size in enumerate(call.args[1])):
        call.notes.pin(flow.labels)
    return flow


def taken(call: Call) -> Any:
    """From positions along a side; a side as a whole may shrink."""
    flow = Flow(call.run(), call.run(lambda flow: flow.labels))
    if flow.labels.shape != call.flow.labels.shape and differ(call.flow.labels, call.arg(1, 0)):
        call.notes.pin(call.flow.labels)
    return flow


def divided(call: Call) -> Any:
    """Into pieces along a side."""
    if differ(call.flow.labels, call.arg(2, 0)):
        call.notes.pin(call.flow.labels)
    pieces = zip(call.run(), call.run(lambda flow: flow.labels), strict=True)
    return [Flow(values, labels) for values, labels in pieces]


def reduced(call: Call) -> Any:
    """To one number along sides, along which nothing may go."""
    dims: Sequence[int] = call.arg(1) or range(call.flow.labels.ndim)
    if any(differ(call.flow.labels, dim) for dim in dims):
        return unknown(call)
    labels = torch.amin(call.flow.labels, tuple(dims), call.arg(2, False))
    return Flow(call.run(), labels) if labels.shape == call.shape else unknown(call)


def picked(call: Call) -> Any:
    """One of several."""
    return call.args[0][call.args[1]]


def padded(call: Call) -> Any:
    """Around (N, C, ...). Channels before and behind are units of their own; they go in equal numbers if the module in
    whose code they are added has ``pads_evenly``, else they stay."""
    labels, notes = call.flow.labels, call.notes
    pads = [*zip(call.args[1][::2], call.args[1][1::2], strict=True)]  # of the last dimension first
    pads = [*pads, *[(0, 0)] * (labels.ndim - len(pads))][::-1]
    if labels.ndim < 2 or pads[0] != (0, 0) or min(map(min, pads)) < 0:
        return unknown(call)
    before, behind = map(notes.new, pads[1])
    if any(pads[1]):
        if getattr(call.module, "pads_evenly", False):
            notes.padded.append((before, behind))
        else:
            notes.pin(torch.cat([before, behind]))
    channels = torch.cat([before, notes.along(labels, 1), behind])
    return Flow(call.run(), spread(channels, call.shape, 1))


OPERATIONS: dict[str, Operation] = {
    **dict.fromkeys(MOVES.split(), moved),
    **dict.fromkeys(("view", "reshape"), viewed),
    "expand": expanded,
    **dict.fromkeys(("slice", "select"), taken),
    **dict.fromkeys(("split", "split_with_sizes", "chunk"), divided),
    **dict.fromkeys(("mean", "sum", "amax", "amin"), reduced),
    "pad": padded,
    "squeeze": squeezed,
    "getitem": picked,
}

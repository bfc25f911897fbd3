"""Linear layers, convolutions and BatchNorm."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sparsetune.sparsity.units.flow import Flow, Named, Read, Side, spread
from sparsetune.sparsity.units.operations.call import Call, Operation, base_name, operator, unknown

CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")


def linear(call: Call) -> Any:
    """Units along the last dimension."""
    return _layer(call, -1, padded=False)


def convolution(call: Call) -> Any:
    """Units along the second dimension; of groups nothing goes."""
    padding = call.arg(4, 0)
    padded = padding == "same" if isinstance(padding, str) else any(padding) if padding else False
    return unknown(call) if call.arg(6, 1) != 1 else _layer(call, 1, padded=padded)


def _layer(call: Call, dim: int, *, padded: bool) -> Any:
    flow, weight, bias = call.args[0], call.args[1], call.arg(2)
    if not isinstance(flow, Flow) or not all(_own(each) for each in (weight, bias)) or len(call.shape) < 2:
        return unknown(call)
    notes, matrix = call.notes, weight.tensor
    columns = notes.along(flow.labels, dim)
    rows = notes.new(len(matrix))
    lines = flow.values.movedim(dim, 0).flatten(1)
    varying = lines.isnan().any(1)
    even = (lines == lines[:, :1]).all(1)
    constants = torch.where(even, lines[:, 0], torch.nan)
    into = _into(call, bias)
    read = Read(rows, columns, matrix, constants, varying, even & ~varying & (into is not None and not padded), into)
    notes.reads.append(read)
    notes.made.append(rows)
    notes.sides += [Side(weight.name, 0, rows), Side(weight.name, 1, columns)]
    if bias is not None:
        notes.sides.append(Side(bias.name, 0, rows))
    return Flow(_values(call, read, dim, bias), spread(rows, call.shape, dim))


def _own(parameter: Any) -> bool:
    return parameter is None or (isinstance(parameter, Named) and parameter.alone)


def _values(call: Call, read: Read, dim: int, bias: Named | None) -> Tensor:
    """NaN where a row reads what varies; the other rows are computed from the constants that they read."""
    constant = ~read.nonzero[:, read.varying].any(1)
    outputs = torch.full(call.shape, torch.nan, dtype=torch.float64, device=call.notes.device)
    if constant.any():
        columns = ~read.varying & (read.constants != 0)
        inputs = call.args[0].values.movedim(dim, 0)[columns].movedim(0, dim)
        offsets = None if bias is None else bias.tensor[constant].double()
        outputs.movedim(dim, 0)[constant] = 0 if offsets is None else offsets.view(-1, *[1] * (outputs.ndim - 1))
        if columns.any():
            made = operator(call.node)(inputs, read.weight[constant][:, columns].double(), offsets, *call.args[3:])
            outputs.movedim(dim, 0)[constant] = made.movedim(dim, 0)
    return outputs


def _into(call: Call, bias: Named | None) -> tuple[str, int] | None:
    """The bias; without one the mean of the BatchNorm that alone reads the layer."""
    if bias is not None and bias.name not in call.notes.fixed:
        return bias.name, 1
    reader, *others = call.node.users
    if others or base_name(reader) != "batch_norm" or reader.args[0] is not call.node or reader.args[5]:
        return None
    mean = call.valued(reader.args[3])
    return (mean.name, -1) if mean.alone and mean.name not in call.notes.fixed else None


def normed(call: Call) -> Any:
    """Each channel, in the second dimension, by numbers of its own."""
    tensors = call.args[1:5]
    if call.args[5] or not all(map(_own, tensors)):
        return unknown(call)
    channels = call.notes.along(call.flow.labels, 1)
    call.notes.sides += [Side(each.name, 0, channels) for each in tensors if each is not None]
    return Flow(call.run(), spread(channels, call.shape, 1))


OPERATIONS: dict[str, Operation] = {
    "linear": linear,
    **dict.fromkeys(CONVOLUTIONS, convolution),
    "batch_norm": normed,
}

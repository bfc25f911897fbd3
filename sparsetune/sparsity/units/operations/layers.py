"""Linear layers, convolutions and BatchNorm."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.fx import Node

from sparsetune.sparsity.units.flow import Flow, Named, Read, Side, spread
from sparsetune.sparsity.units.operations.call import Call, Operation, base_name, operator, unknown


def linear(call: Call) -> Any:
    """Units along the last dimension."""
    return _layer(call, -1) if len(call.shape) > 1 else unknown(call)


def convolution(call: Call) -> Any:
    """Units along the second dimension; nothing goes from or to a convolution of groups."""
    return _layer(call, 1) if call.arg(6, 1) == 1 else unknown(call)


def _layer(call: Call, dim: int) -> Any:
    weight, bias, notes = call.args[1], call.arg(2), call.notes
    if not _own(weight) or not _own(bias):
        return unknown(call)
    lines = call.flow.values.movedim(dim, 0).flatten(1)
    inside, outside = _kernel(call, weight.tensor)
    read = Read(
        rows=notes.new(len(weight.tensor)),
        columns=notes.along(call.flow.labels, dim),
        weight=weight.tensor[..., None].flatten(2),
        inside=inside,
        outside=outside,
        constants=torch.where((lines == lines[:, :1]).all(1), lines[:, 0], torch.nan),
        varying=lines.isnan().any(1),
        into=_into(call, bias),
    )
    notes.reads.append(read)
    notes.sides += [Side(weight.name, 0, read.rows), Side(weight.name, 1, read.columns)]
    if bias is not None:
        notes.sides.append(Side(bias.name, 0, read.rows))
    return Flow(_values(call, read, dim), spread(read.rows, call.shape, dim))


def _own(parameter: Any) -> bool:
    return parameter is None or (isinstance(parameter, Named) and parameter.alone)


def _kernel(call: Call, weight: Tensor) -> tuple[Tensor, Tensor]:
    """For each position of a kernel, (k,): whether it always reads inputs, and whether it never does; both in bool."""
    kernel = weight.shape[2:]
    if not kernel:  # a linear layer has one, which does
        return torch.tensor([True], device=weight.device), torch.tensor([False], device=weight.device)
    each = torch.eye(kernel.numel(), device=weight.device).view(-1, 1, *kernel)
    ones = torch.ones(1, 1, *call.flow.values.shape[2:], device=weight.device)
    inputs = operator(call.node)(ones, each, None, *call.args[3:]).flatten(2)[0] > 0.5
    return inputs.all(1), ~inputs.any(1)


def _into(call: Call, bias: Named | None) -> tuple[str, int] | None:
    """The bias; without one the mean of the BatchNorm that alone reads the layer."""
    if bias is not None and bias.name not in call.notes.fixed:
        return bias.name, 1
    readers: list[Node] = [*call.node.users]
    if len(readers) > 1 or base_name(readers[0]) != "batch_norm" or readers[0].args[5]:
        return None
    mean = call.valued(readers[0].args[3])
    return (mean.name, -1) if _own(mean) and mean.name not in call.notes.fixed else None


def _values(call: Call, read: Read, dim: int) -> Tensor:
    """NaN where a row reads what varies; the other rows are computed from the constants that they read."""
    bias = call.arg(2)
    outputs = torch.full(call.shape, torch.nan, dtype=torch.float64, device=call.notes.device)
    rows = ~read.reading[:, read.varying].any(1)
    if rows.any():
        columns = ~read.varying & (read.constants != 0)
        inputs = call.flow.values.movedim(dim, 0)[columns].movedim(0, dim)
        weight = call.args[1].tensor[rows][:, columns].double()
        last = outputs.movedim(dim, -1)
        last[..., rows] = 0.0 if bias is None else bias.tensor[rows].double()
        if columns.any():
            last[..., rows] += operator(call.node)(inputs, weight, None, *call.args[3:]).movedim(dim, -1)
    return outputs


def normed(call: Call) -> Any:
    """BatchNorm of each channel, in the second dimension; with a weight of 0 it makes a constant."""
    _, weight, bias, mean, variance, training, *_ = call.args
    own = [each for each in (weight, bias, mean, variance) if each is not None]
    if training or not all(map(_own, own)):
        return unknown(call)
    channels = call.notes.along(call.flow.labels, 1)
    call.notes.sides += [Side(each.name, 0, channels) for each in own]
    values = call.run()
    if weight is not None:
        constants = torch.zeros_like(weight.tensor) if bias is None else bias.tensor
        without = spread(weight.tensor == 0, call.shape, 1)
        values = torch.where(without, spread(constants.double(), call.shape, 1), values)
    return Flow(values, spread(channels, call.shape, 1))


OPERATIONS: dict[str, Operation] = {
    "linear": linear,
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), convolution),
    "batch_norm": normed,
}

"""Operations that make of each value, or of two that lie at one place, one value; pooling."""

from __future__ import annotations

from typing import Any

import torch

from sparsetune.sparsity.units.flow import STAYS, Flow, Named, spread
from sparsetune.sparsity.units.operations.call import Call, Operation, unknown

ALONE = (
    "relu relu6 tanh sigmoid gelu silu mish elu selu celu leaky_relu hardtanh hardsigmoid hardswish softplus "
    "softshrink hardshrink log_sigmoid threshold abs neg exp log sqrt square sin cos clamp clamp_min "
    "clamp_max clone contiguous detach alias"
)
TOGETHER = "add sub rsub mul div maximum minimum"
POOLS = [f"{kind}_pool{dims}d" for kind in ("max", "avg", "adaptive_avg") for dims in (1, 2, 3)]


def alone(call: Call) -> Any:
    """A function of each value; nothing is known where bounds are tensors, too."""
    if len([*call.tensors()]) > 1:
        return unknown(call)
    values = call.flow.values
    return Flow(torch.where(values.isnan(), values, call.run()), call.flow.labels)


def together(call: Call) -> Any:
    """A function of values at one place: what they belong to goes or stays as one. A parameter stays."""
    parts = [(each.labels if isinstance(each, Flow) else _stays(each)) for each in call.tensors()]
    values = call.run()
    wide = [labels.expand(values.shape) for labels in parts]
    for labels in wide[1:]:
        call.notes.tie(wide[0], labels)
    return Flow(values, wide[0])


def _stays(parameter: Named) -> torch.Tensor:
    return torch.full_like(parameter.tensor, STAYS, dtype=torch.int64)


def dropped(call: Call) -> Any:
    """Dropout passes all on in evaluation."""
    return unknown(call) if call.args[2] else call.flow


def cast(call: Call) -> Any:
    """Into numbers of another kind; constants stay as they are."""
    return call.flow if call.node.meta["val"].is_floating_point() else unknown(call)


def pooled(call: Call) -> Any:
    """Within channels, the second dimension of (N, C, ...)."""
    if len(call.shape) < 3 or len(call.flow.labels.shape) != len(call.shape):
        return unknown(call)
    return Flow(call.run(), spread(call.notes.along(call.flow.labels, 1), call.shape, 1))


OPERATIONS: dict[str, Operation] = {
    **dict.fromkeys(ALONE.split(), alone),
    **dict.fromkeys(TOGETHER.split(), together),
    **dict.fromkeys(POOLS, pooled),
    "to": cast,
    "_assert_tensor_metadata": lambda call: None,  # what torch.export writes ahead of it
    **dict.fromkeys(("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"), dropped),
}

"""What is said of a network to those who use it: what it takes, does and gives."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from sparsetune.data.dataset import Dataset
from sparsetune.sparsity.monte_carlo import averaged
from sparsetune.training.build import Built


def words(built: Built, data: Dataset) -> dict[str, Any]:
    """By name: ``inputs``, their ``shape`` and ``type``, ``outputs``, ``classes`` or ``columns`` if they have names,
    ``scaling``."""
    said: dict[str, Any] = {
        "inputs": _inputs(data),
        "shape": list(data.input_shape),
        "type": str(data.val.store.dtype).removeprefix("torch."),
        "outputs": _outputs(built, data),
    }
    if data.classes:
        said["classes"] = list(data.classes)
    if data.features:
        said["columns"] = list(data.features)
    return said | {"scaling": _scaling(data)}


def _inputs(data: Dataset) -> str:
    if len(data.input_shape) == 3:
        return "images as the data set has them decoded, not scaled: the model does that"
    return "numbers in the data's own units, not scaled: the model does that"


def _outputs(built: Built, data: Dataset) -> str:
    first_dropout, count = averaged(built.method)
    which = "one network that drops units" if count == 1 else f"{count} networks that drop other units, averaged"
    dropping = "" if first_dropout is None else f", of {which}: the same units of every sample"
    if data.task == "regression":
        return f"numbers in the unit of the targets{dropping}"
    return f"logarithms of probabilities{dropping}" if dropping else "logits: softmax makes probabilities of them"


def _scaling(data: Dataset) -> dict[str, Any]:
    """What the model does to its inputs: a formula and its numbers, one or one for each channel or column."""
    split = data.val
    numbers = {name: _plain(getattr(split.scaling, name)) for name in ("shift", "scale")}
    bright = split.brightness
    if bright is None:
        return {"formula": "(value - shift) / scale", **numbers}
    formula = "((value - black) / (white - black) - shift) / scale"
    return {"formula": formula, "black": bright.black, "white": bright.white, **numbers}


def _plain(value: float | Tensor) -> float | list[float]:
    return np.ravel(value).tolist() if isinstance(value, Tensor) else value

"""What a network says over its inputs, and what is true there: of two inputs and one output, where data know it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from sparsetune.data.pools import Array
from sparsetune.training.trainer import Trainer

_SIDE = 81  # points along each input


def surfaces(trainer: Trainer) -> dict[str, Array]:
    """``at`` (n,): values of each input; ``truth`` and ``network`` (n, n) float32, a row for each of the second.

    Empty for other data.
    """
    data = trainer.data
    if data.truth is None or (data.input_shape, data.outputs) != ((2,), 1):
        return {}
    at = np.linspace(data.truth.low, data.truth.high, _SIDE, dtype=np.float32)
    grid = np.stack(np.meshgrid(at, at), axis=-1).reshape(-1, 2)
    store = torch.from_numpy(grid).to(data.val.store.device)
    rows = torch.arange(len(grid), device=store.device)
    targets = data.val.targets.new_zeros((len(grid), 1))
    outputs = trainer.setup.measuring.predicted(replace(data.val, store=store, rows=rows, targets=targets))
    said = outputs if data.target_scaling is None else data.target_scaling.undone(outputs)
    exact, learned = data.truth.function(grid), said.cpu().numpy()
    shape = (_SIDE, _SIDE)
    return {
        "at": at,
        "truth": exact.astype(np.float32).reshape(shape),
        "network": learned.astype(np.float32).reshape(shape),
    }

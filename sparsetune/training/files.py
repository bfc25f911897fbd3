"""The files that a run leaves: weights, what each layer kept, and what its method traced."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import safetensors.torch

from sparsetune.config.yaml_io import write_atomic
from sparsetune.training.final import layer_rows
from sparsetune.training.trainer import Trainer

WEIGHTS = "weights.safetensors"
TRACE = "trace.npz"
LAYERS = "layers.json"


def leave_files(trainer: Trainer, folders: Sequence[Path]) -> None:
    """Write the files of the network as it is now, for each run that ends with it."""
    files = _files(trainer)
    for folder in folders:
        for name, content in files.items():
            write_atomic(folder / name, content)


def _files(trainer: Trainer) -> dict[str, str | bytes]:
    weights = {name: value.cpu().contiguous() for name, value in trainer.network.state_dict().items()}
    found: dict[str, str | bytes] = {WEIGHTS: safetensors.torch.save(weights)}
    layers = layer_rows(trainer.network, trainer.method.subject.prunable, trainer.work)
    if any(layer["density"] < 1 for layer in layers):  # of a dense network it says what its shape says
        found[LAYERS] = json.dumps(layers, indent=1) + "\n"
    trace = trainer.method.trace()
    if trace:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **trace)
        found[TRACE] = buffer.getvalue()
    return found

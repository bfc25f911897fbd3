"""The files that a run leaves: weights, masks, a ticket, what layers kept, what its method traced, its epochs."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
from torch import Tensor

from sparsetune.base.messages import Metrics, Which
from sparsetune.base.paths import LAYERS, MASKS, RESULTS, SURFACES, TICKET, TRACE, UNITS, WEIGHTS
from sparsetune.base.yaml_io import write_atomic
from sparsetune.data.pools import Array
from sparsetune.training.left.results import columns_of, results_csv, results_units
from sparsetune.training.left.surfaces import surfaces
from sparsetune.training.left.taken import ticket_of
from sparsetune.training.measuring import layer_rows
from sparsetune.training.trainer import Trainer


def leave_files(trainer: Trainer, folders: Sequence[Path], whence: Mapping[str, Any], metrics: Metrics) -> None:
    """Write the files of the network as it is now, for each run that ends with it and these numbers.

    Args:
        whence: study and number of the trial, where it is of a study.
    """
    files = _files(trainer, whence, metrics)
    for folder in folders:
        for name, content in files.items():
            write_atomic(folder / name, content)


def leave_table(trainer: Trainer, branch: str, metrics: Metrics, folder: Path, *, kept: Which) -> None:
    """Write the rows of a branch with classes, where each evaluation measures all.

    Args:
        kept: which state the run leaves, of the last stage.
    """
    if not trainer.config.metrics.each_epoch or trainer.data.task != "classification":
        return
    rows, table = list(trainer.journal.rows(branch)), trainer.setup.registries.metrics
    last, columns = rows[-1].epoch, columns_of(trainer.method.table, metrics)
    write_atomic(folder / RESULTS, results_csv(columns, rows, trainer.journal.start(branch), metrics, table))
    of = int(rows[-1].metrics["best_epoch"]) if kept == "best" else last
    write_atomic(folder / UNITS, results_units(columns, table, last=last, kept=of))


def _files(trainer: Trainer, whence: Mapping[str, Any], metrics: Metrics) -> dict[str, str | bytes]:
    files: dict[str, str | bytes] = {WEIGHTS: safetensors.torch.save(_separate(trainer.network.state_dict()))}
    masks = {name: mask.cpu().contiguous() for name, mask in trainer.session.masks.items()}
    if masks:
        files[MASKS] = safetensors.torch.save(masks)
    ticket = ticket_of(trainer, metrics, whence)
    if ticket is not None:
        files[TICKET] = ticket.to_bytes()
    anatomy, inputs = trainer.setup.built.anatomy, trainer.data.input_shape
    prunable = list(trainer.session.prunable)
    layers = layer_rows(trainer.network, prunable, anatomy.work, inputs, anatomy.parameters)
    if any(layer["density"] < 1 for layer in layers):  # of a dense network it says what its shape says
        files[LAYERS] = json.dumps(layers, indent=1) + "\n"
    for name, arrays in ((TRACE, trainer.method.trace()), (SURFACES, surfaces(trainer))):
        if arrays:
            files[name] = _compressed(arrays)
    return files


def _separate(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """On the CPU; what has several names, as weights that layers share have, is there under each."""
    tensors: dict[str, Tensor] = {}
    held: set[int] = set()
    for name, value in state.items():
        tensor = value.cpu().contiguous()
        place = tensor.untyped_storage().data_ptr()
        tensors[name] = tensor.clone() if place in held else tensor
        held.add(place)
    return tensors


def _compressed(arrays: Mapping[str, Array]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()

"""From a job to reports: builds or takes up a training, saves it now and then, leaves its files."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch

from sparsetune.config.base import places
from sparsetune.config.cadence import Cadence
from sparsetune.config.messages import Job, Outcome, Report, Row
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.config.yaml_io import write_atomic
from sparsetune.training import checkpoint
from sparsetune.training.final import layer_rows
from sparsetune.training.loop import Diverged
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

CHECKPOINT = "checkpoint.pt"
WEIGHTS = "weights.safetensors"
TRACE = "trace.npz"
LAYERS = "layers.json"
_LOOK_EVERY = "0.2s"  # for the stop file: a network file system answers in milliseconds


def run_trial(job: Job) -> Iterator[Report]:
    """Train a job's config; goes on from the checkpoint in ``job.folder`` if there is one.

    Yields:
        Reports with new rows; after a restart the first repeats all known rows. The last has the outcome; a loss that
        is no longer finite is a FAIL with its reason; a job that was asked to stop has saved its state.
    """
    if _asked_to_stop(job):
        yield Report(outcome=Outcome("STOPPED"))
        return
    torch.set_num_threads(job.cpus)
    folder = Path(job.folder)
    config = resolve_trial(job.config, REGISTRIES)
    trainer = Trainer(config)
    saved = checkpoint.load(folder / CHECKPOINT)
    of_this = {"config": _identity(config), "split": trainer.data.digest}
    if saved is not None and {name: saved.get(name) for name in of_this} == of_this:  # never another trial's state
        trainer.load_state_dict(saved["training"])
    unsent: list[Row] = list(trainer.record)
    report_due, checkpoint_due = Cadence(job.report_every), Cadence(job.checkpoint_every)
    look_due = Cadence(_LOOK_EVERY)
    try:
        for row in trainer:
            unsent.append(row)
            stopping = look_due.due(row.epoch) and _asked_to_stop(job) and not trainer.done
            if checkpoint_due.due(row.epoch) or stopping:
                checkpoint.save(folder / CHECKPOINT, {**of_this, "training": trainer.state_dict()})
            if stopping:
                yield Report(tuple(unsent), Outcome("STOPPED"))
                return
            if report_due.due(row.epoch) and not trainer.done:
                yield Report(tuple(unsent))
                unsent.clear()
        metrics = trainer.finish()
    except Diverged as error:
        yield Report(tuple(unsent), Outcome("FAIL", reason=str(error)))
        return
    _leave_files(trainer, folder)
    yield Report(tuple(unsent), Outcome("COMPLETE", metrics, notes=trainer.notes))


def _asked_to_stop(job: Job) -> bool:
    return bool(job.stop_file) and Path(job.stop_file).exists()


def _identity(config: TrialConfig) -> dict[str, Any]:
    """The config without what may differ from one machine to the next."""
    plain = config.plain()
    for section in ("data", "model"):
        for name in places(getattr(config, section)):
            del plain[section][name]
    del plain["training"]["device"]
    return plain


def _leave_files(trainer: Trainer, folder: Path) -> None:
    weights = {name: value.cpu().contiguous() for name, value in trainer.network.state_dict().items()}
    write_atomic(folder / WEIGHTS, safetensors.torch.save(weights))
    layers = layer_rows(trainer.network, trainer.method.subject.prunable, trainer.work)
    if any(layer["density"] < 1 for layer in layers):  # of a dense network it says what its shape says
        write_atomic(folder / LAYERS, json.dumps(layers, indent=1) + "\n")
    trace = trainer.method.trace()
    if trace:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **trace)
        write_atomic(folder / TRACE, buffer.getvalue())

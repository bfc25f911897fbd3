"""The ticket that a run leaves, taken from the network as it is when a result is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparsetune.base.messages import Metrics
from sparsetune.sparsity.tickets import LeavesTickets, Rewinds
from sparsetune.training.left.rebuild import digest_of_drawn, is_counter, layers_of, not_drawn
from sparsetune.training.left.ticket import OfSeed, OfWeights, Origin, Start, Ticket
from sparsetune.training.trainer import Trainer

Words = dict[str, Any]


def ticket_of(trainer: Trainer, metrics: Metrics, whence: Mapping[str, Any] | None = None) -> Ticket | None:
    """The ticket of the network as it is now; None where there is none, or a sigma is trained.

    Args:
        metrics: of the trial; the ticket keeps what they say of predictions for validation and test data.
        whence: study and number of the trial, where it is of a study.
    """
    if trainer.setup.task.parameters():
        return None
    said = _words(trainer, metrics)
    if isinstance(trainer.method, LeavesTickets):
        return _of_seed(trainer, trainer.method, said)
    if isinstance(trainer.method, Rewinds):
        return _of_weights(trainer, trainer.method, said, whence or {})
    return None


def _of_seed(trainer: Trainer, method: LeavesTickets, said: Words) -> Ticket | None:
    drawn, mask = method.drawn, method.mask
    if drawn is None or mask is None:
        return None
    network = trainer.network
    state, counters = _apart(not_drawn(network, trainer.method))
    whose = digest_of_drawn(drawn, network, trainer.method)
    worn = mask.cpu().numpy()
    config = trainer.config.model_copy(update={"method": trainer.method.config}).portable()  # with its way to predict
    return Ticket(OfSeed(config=config, **said, **_shares(worn), counters=counters, drawn=whose), worn, state)


def _of_weights(trainer: Trainer, method: Rewinds, said: Words, whence: Mapping[str, Any]) -> Ticket | None:
    begun = method.begun(trainer.node.stage)
    if begun is None:
        return None
    session = trainer.session
    kept = session.snapshots[begun.snapshot]
    state, counters = _apart(kept["network"])
    whole = {name: session.masks.get(name, torch.ones(1, dtype=torch.bool)) for name in session.prunable}
    masks = [mask.cpu().expand(session.prunable[name].shape) for name, mask in whole.items()]
    worn = np.concatenate([mask.numpy().reshape(-1) for mask in masks])
    at = kept["counters"]
    start = Start(iterations=at["epoch"] * trainer.setup.order.steps + at["step"], epoch=at["epoch"], step=at["step"])
    origin = Origin(**whence, level=begun.level, arm=begun.arm)
    about = OfWeights(
        config=trainer.config.portable(), **said, **_shares(worn), counters=counters, origin=origin, start=start
    )
    return Ticket(about, worn, state)


def _words(trainer: Trainer, metrics: Metrics) -> Words:
    """What all tickets say but for the config."""
    return {
        "input_shape": trainer.data.input_shape,
        "outputs": trainer.data.outputs,
        "task": trainer.data.task,
        "layers": layers_of(trainer.method),
        "torch": torch.__version__,
        "device": trainer.session.device.type,
        "threads": torch.get_num_threads(),
        "split": trainer.data.digest,
        "metrics": {name: value for name, value in metrics.items() if _of_predictions(name, metrics)},
        "pixels": trainer.data.pixels,
    }


def _shares(mask: np.ndarray[Any, np.dtype[np.bool_]]) -> Words:
    density = np.count_nonzero(mask) / len(mask)
    return {"density": density, "sparsity": 1 - density}


def _apart(state: dict[str, Tensor]) -> tuple[dict[str, Any], dict[str, int]]:
    """Tensors, and whole numbers, by name."""
    tensors = {name: value.cpu().contiguous().numpy() for name, value in state.items() if not is_counter(value)}
    return tensors, {name: int(value) for name, value in state.items() if is_counter(value)}


def _of_predictions(name: str, metrics: Metrics) -> bool:
    """Of validation data some numbers have a plain name: those that test data have too."""
    return name.startswith(("val_", "test_")) or f"test_{name}" in metrics

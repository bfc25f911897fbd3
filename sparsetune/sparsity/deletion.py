"""Deleting neurons: units that pruning has left without a path go, with all that belongs to them.

Source: L0-and-behold/efficient-compression, there for multilayer perceptrons; here for whatever ``units`` can follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from sparsetune.sparsity.method import TrainingFailed
from sparsetune.sparsity.metrics import DELETED, STUCK
from sparsetune.sparsity.session import Session
from sparsetune.sparsity.units.fit import fit
from sparsetune.sparsity.units.removal import removal
from sparsetune.sparsity.units.trace import Untraceable


@dataclass(frozen=True)
class DeleteNeurons:
    """Cut network, masks, moments and companions down to the units that have a path; what is predicted stays.

    What a deleted unit adds to its readers goes into their bias, which may be one that pruning had removed. Nothing is
    folded into a parameter with companions, for these would not know of it: such a unit stays.
    """

    def __call__(self, session: Session, state: Any = None) -> None:
        example, _ = next(iter(session.batches("val", 1)))
        fixed = [name for name, _ in session.network.named_parameters() if session.companions(name)]
        try:
            without = removal(session.network, example, fixed=fixed)
        except Untraceable as error:
            raise TrainingFailed(f"method.delete_neurons: {error}") from error
        tensors = {**dict(session.network.named_parameters()), **dict(session.network.named_buffers())}
        with torch.no_grad():
            for name, shift in without.shifts.items():
                tensors[name].add_(shift)
                if name in session.masks:
                    session.masks[name] = session.masks[name] | (shift != 0)
        for cut in without.cuts:
            session.cut(cut.name, cut.dim, cut.kept)
        fit(session.network)
        memory = session.memory
        memory[DELETED.name] = memory.get(DELETED.name, 0.0) + without.removed
        memory[STUCK.name] = float(without.stuck)


def deletion_numbers(memory: Mapping[str, float]) -> dict[str, float]:
    """What has been deleted so far; none before the first time."""
    return {metric.name: memory[metric.name] for metric in (DELETED, STUCK) if metric.name in memory}

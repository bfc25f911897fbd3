"""From a config to what is trained: a network with weights drawn from the seed, and the method that works on it."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import nn

from sparsetune.config.metrics import Kind
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.sparsity.method import Method
from sparsetune.sparsity.monte_carlo import averaged
from sparsetune.training.anatomy import Anatomy, anatomy
from sparsetune.training.evaluation import evaluation_batch
from sparsetune.training.precision import compute_as_asked
from sparsetune.training.seeding import seed_all
from sparsetune.training.session import TrainingSession

DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class Built:
    """What a config gives before anything is trained."""

    session: TrainingSession
    method: Method
    anatomy: Anatomy
    dtype: torch.dtype
    _evaluation_batches: dict[tuple[str | None, int], int] = field(default_factory=dict)

    @property
    def network(self) -> nn.Module:
        return self.session.network

    @property
    def device(self) -> torch.device:
        return self.session.device

    @property
    def evaluation_batch(self) -> int:
        """Samples that are evaluated at once; with Monte Carlo predictions only what repeats takes more room."""
        repeated = averaged(self.method)
        if repeated not in self._evaluation_batches:
            self._evaluation_batches[repeated] = evaluation_batch(
                self.anatomy.widest(*repeated), self.dtype, self.device
            )
        return self._evaluation_batches[repeated]


def build(
    config: TrialConfig,
    input_shape: tuple[int, ...],
    outputs: int,
    task: Kind,
    device: torch.device,
    registries: Registries,
) -> Built:
    """Draw the network, on the CPU whatever the device, and let the method take hold of it.

    Args:
        input_shape: of one sample.
        outputs: classes, or numbers to predict.
        task: what is learned.
        device: where the network is to be.
    """
    seed_all(config.seed, 0, device)
    dtype = DTYPES[config.training.dtype]
    model = registries.model.get(config.model.name)
    network: nn.Module = model.build(config.model, input_shape, outputs).to(device, dtype)
    named = model.prunable(network), model.dropout_sites(config.model)
    session = TrainingSession.of(network, *named, task, config.seed, device)
    method_class: type[Method] = registries.method.get(config.method.name)
    method = method_class(config.method, session)
    known = anatomy(network, config.model, input_shape)
    compute_as_asked(network, config.training, device)  # casts of weights would count as activations
    return Built(session, method, known, dtype)


def device_of(wanted: str) -> torch.device:
    """The device of ``training.device``: with ``auto`` a GPU where there is one."""
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)

"""What a training works with, made from its config: data, network, method, optimiser, and what is measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from sparsetune.base.messages import SPLIT
from sparsetune.config.registry import Registries
from sparsetune.config.trial import Training, TrialConfig
from sparsetune.data import load_dataset
from sparsetune.data.dataset import Dataset
from sparsetune.data.delivery import delivered
from sparsetune.measures.cost import SampleFlops, given_flops
from sparsetune.measures.machine import GpuEnergy, restart_peaks
from sparsetune.sparsity.method import Method
from sparsetune.training.build import DTYPES, Built, build, device_of
from sparsetune.training.gauss import Gauss
from sparsetune.training.measuring import Measuring
from sparsetune.training.optim import Pacer, make_optimizer, with_own
from sparsetune.training.randomness import Order
from sparsetune.training.session import Going, TrainingSession
from sparsetune.training.task import Classification, Regression, Task


@dataclass
class Setup:
    """All of it; ``optimizer`` and ``pacer`` may be made anew.

    Attributes:
        notes: words about this training, by name.
        flops: of a sample.
        epochs: trained by this process, on all ways.
    """

    config: TrialConfig
    registries: Registries
    data: Dataset
    task: Task
    built: Built
    measuring: Measuring
    order: Order
    energy: GpuEnergy
    notes: dict[str, str]
    flops: SampleFlops
    epochs: float = 0.0
    optimizer: Optimizer = field(init=False)
    pacer: Pacer = field(init=False)

    def __post_init__(self) -> None:
        self.renew_optimizer()

    @property
    def session(self) -> TrainingSession:
        return self.built.session

    @property
    def method(self) -> Method:
        return self.built.method

    @property
    def network(self) -> nn.Module:
        return self.built.network

    def renew_optimizer(self) -> None:
        """One that knows nothing of earlier steps."""
        training = self.config.training
        self.optimizer = make_optimizer(with_own(self.method.parameters(), self.task.parameters()), training)
        self.pacer = Pacer(self.optimizer, training)
        self.session.going = Going(self.data, self.task, self.optimizer, self.measuring.evaluated)


def set_up(config: TrialConfig, seen: Any, registries: Registries) -> Setup:
    """Args: seen: what the first stage lets the method see."""
    device = device_of(config.training.device)
    restart_peaks(device)
    energy = GpuEnergy(device)
    energy.start()
    training = config.training
    dtype = DTYPES[training.dtype]
    data, how = delivered(load_dataset(config.data, registries.data), device, dtype, training.data_share)
    notes = {SPLIT: data.digest, "data": how}
    if data.pixels is not None:
        notes["pixels"] = str(data.pixels)
    task = make_task(data, training, device, dtype)
    as_seen = config.model_copy(update={"method": seen})
    built = build(as_seen, data.input_shape, data.outputs, data.task, device, registries)
    per_sample = config.metrics.base_flop_per_sample
    return Setup(
        config,
        registries,
        data,
        task,
        built,
        Measuring(config, built, data, task, registries),
        Order(config.seed, len(data.train), training.batch_size * training.grad_accum_steps, device),
        energy,
        notes,
        given_flops(per_sample) if per_sample else built.anatomy.flops,
    )


def make_task(data: Dataset, training: Training, device: torch.device, dtype: torch.dtype) -> Task:
    """What is learned from that data, which are on ``device`` as ``dtype``."""
    if data.task != "regression":
        return Classification(training.label_smoothing)
    if training.loss is None:
        return Regression(data.target_scaling, data.outputs)
    return Gauss(data.target_scaling, data.outputs, training.initial_sigma, device, dtype)

"""What is said of a network while it trains and at the end: how good it is, how large, what it takes.

What is drawn for that has seeds of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sparsetune.base.messages import Metrics
from sparsetune.base.seeds import mix
from sparsetune.base.surroundings.interpreter import said_once
from sparsetune.config.base import Part
from sparsetune.config.metrics import LAYER_DENSITY, SHARED, Metric, core, metric_of, named
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.data.dataset import Dataset, Split
from sparsetune.data.delivery import batches
from sparsetune.measures.density import remains
from sparsetune.measures.machine import device_peak_bytes, host_peak_bytes
from sparsetune.measures.macs import Work
from sparsetune.measures.network import network_numbers
from sparsetune.measures.uncertainty import average_predictive_entropy, noise
from sparsetune.sparsity.method import Method
from sparsetune.sparsity.monte_carlo import averaged
from sparsetune.sparsity.tickets import leaves_tickets
from sparsetune.training.build import Built
from sparsetune.training.computing import set_mode, subnormals_are_zero
from sparsetune.training.randomness import EVALUATION, seed_all
from sparsetune.training.task import Meter, Task

_NOISE = 0x401E5  # noise is the same for all trials


@subnormals_are_zero()
@torch.inference_mode()
def evaluate(
    network: nn.Module, method: Method, task: Task, split: Split, batch: int, kept: list[Tensor] | None = None
) -> tuple[float, ...]:
    """Means on a split, as the task names them, in evaluation mode, ``batch`` samples at a time.

    Args:
        kept: gets the predictions, batch by batch, for those who have more to ask of them.
    """
    meter = Meter(task)
    for outputs, targets in _predictions(network, method, split, batch):
        meter.add(outputs, targets)
        if kept is not None:
            kept.append(outputs)
    return meter.result()


@subnormals_are_zero()
@torch.inference_mode()
def predictions(network: nn.Module, method: Method, split: Split, batch: int) -> Tensor:
    """Outputs (N, C) for a split in evaluation mode, ``batch`` samples at a time."""
    return torch.cat([outputs for outputs, _ in _predictions(network, method, split, batch)])


def _predictions(network: nn.Module, method: Method, split: Split, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Outputs and targets, batch by batch."""
    set_mode(network, training=False)
    method.begin_evaluation()
    for inputs, targets in batches(split, batch):
        method.before_batch()
        yield method.predict(inputs), targets


class Measuring:
    """Measures a network as it is at the moment, in the way of predicting that its method has adopted."""

    def __init__(self, config: TrialConfig, built: Built, data: Dataset, task: Task, registries: Registries) -> None:
        self._config, self._asked = config, config.metrics
        self._built, self._data, self._task = built, data, task
        self._own = registries.measures_of(data.task)

    def validated(self, setting: Part, epoch: int) -> tuple[dict[str, float], Metrics]:
        """Validation's numbers by the task's names after so many epochs, and what else is asked for by the table's.

        What a method draws in predictions is the same for every setting.

        Args:
            setting: the method's config.
        """
        self._built.method.adopt(setting)
        kept: list[Tensor] | None = [] if self._asked.each_epoch else None
        means = self.evaluated(self._data.val, epoch, kept)
        if kept is None or not math.isfinite(means["loss"]):
            return means, {}
        further = self._of_state(torch.cat(kept))
        return means, {name: value for name, value in further.items() if name.removeprefix("val_") not in means}

    def at_the_end(self) -> Metrics:
        """Test data's numbers, and what no row has."""
        of_state = {} if self._asked.each_epoch else self._of_state(self.predicted(self._data.val))
        return {**of_state, **self._tested()}

    def predicting(self) -> Metrics:
        """What its predictions for validation and test data give, and nothing else."""
        kept: list[Tensor] = []
        means = {f"val_{name}": mean for name, mean in self.evaluated(self._data.val, 0, kept).items()}
        return {**self._validation(torch.cat(kept)), **means, **self._tested()}

    def evaluated(self, split: Split, epoch: int, kept: list[Tensor] | None = None) -> dict[str, float]:
        """A split's means by the task's names, after so many epochs; ``kept`` gets the predictions."""
        built = self._built
        seed_all(self._config.seed, EVALUATION + epoch, built.device)
        means = evaluate(built.network, built.method, self._task, split, built.evaluation_batch, kept)
        return dict(zip(self._task.names, means, strict=True))

    def predicted(self, split: Split) -> Tensor:
        """Outputs (N, C) for a split, as a result has them."""
        built = self._built
        seed_all(self._config.seed, EVALUATION, built.device)
        return predictions(built.network, built.method, split, built.evaluation_batch)

    def _tested(self) -> Metrics:
        outputs, test = self.predicted(self._data.test), self._data.test
        quality = self._quality(outputs, test.targets)
        return {f"test_{name}": value for name, value in {**quality, **self._against_truth(outputs, test)}.items()}

    def _against_truth(self, outputs: Tensor, split: Split) -> Metrics:
        """The mean squared difference from what targets are made of before noise is added, where data know it."""
        truth, scaling = self._data.truth, self._data.target_scaling
        if truth is None:
            return {}
        exact = truth.function(split.store.index_select(0, split.rows).cpu().numpy())
        said = (outputs if scaling is None else scaling.undone(outputs)).double().cpu().numpy()
        return {"truth_mse": float(((said - exact) ** 2).mean())}

    def _validation(self, outputs: Tensor) -> Metrics:
        quality = self._quality(outputs, self._data.val.targets)
        return {f"val_{name}" if f"val_{name}" in SHARED else name: value for name, value in quality.items()}

    @subnormals_are_zero()
    @torch.inference_mode()
    def _quality(self, outputs: Tensor, targets: Tensor) -> Metrics:
        """All that can be said of predictions (N, C); the user's own measures see them in the unit of the targets."""
        scaling = self._data.target_scaling
        predicted = outputs if scaling is None else scaling.undone(outputs)
        with said_once():
            own = {name: float(measure(predicted, targets)) for name, measure in self._own.items()}
        return {**self._task.quality(outputs, targets), **own}

    def _of_state(self, outputs: Tensor) -> Metrics:
        """All that can be said of the network as it is now, given its predictions (N, C) for validation data."""
        numbers = self._validation(outputs)
        numbers |= self._of_size(numbers)
        if self._asked.noise_samples is not None and self._data.task == "classification":
            numbers["ape"] = self._of_noise(self._asked.noise_samples)
        return numbers

    def _of_size(self, of_splits: Metrics) -> Metrics:
        """Non-zeros, operations, bytes and description length; layer by layer where each epoch has all.

        A subnormal weight is one, so nothing here may take it for zero.
        """
        built, data = self._built, self._data
        first_dropout, samples = averaged(built.method)
        numbers = network_numbers(
            built.network,
            built.session.prunable,
            built.anatomy.work,
            parameters=built.anatomy.parameters,
            first_dropout=first_dropout,
            mc_samples=samples,
            samples=len(data.train),
            bits_per_sample=self._task.bits(of_splits),
            drawn=leaves_tickets(type(built.method)),
        )
        wanted = {*core(data.task), *named(built.method.metrics)}  # some are of some methods
        wanted |= {LAYER_DENSITY} if self._asked.each_epoch else set()
        return {name: float(value) for name, value in numbers.items() if name.partition("/")[0] in wanted}

    @subnormals_are_zero()
    @torch.inference_mode()
    def _of_noise(self, samples: int) -> float:
        """``ape``: how unsure the predictions for noise are."""
        built, targets = self._built, self._data.val.targets
        built.network.eval()
        built.method.begin_evaluation()
        outputs = []
        for block in noise(samples, self._data.input_shape, mix(0, _NOISE)):
            for part in block.split(built.evaluation_batch):
                built.method.before_batch()
                outputs.append(built.method.predict(part.to(targets.device, self._data.val.scaling.dtype)))
        return average_predictive_entropy(torch.cat(outputs))


def declared(method: Method, numbers: Metrics, table: Mapping[str, Metric]) -> Metrics:
    """The numbers that a method gives, as floats; raises ``ValueError`` for one that nobody has heard of."""
    for name in numbers:
        if metric_of(name, table) is None:
            raise ValueError(f"{type(method).__name__} gives {name!r}, which stands in no table of metrics")
    return {name: float(value) for name, value in numbers.items()}


def layer_rows(
    network: nn.Module,
    prunable: Sequence[str],
    work: Work,
    inputs: tuple[int, ...] = (),
    sizes: Mapping[str, int] | None = None,
) -> list[dict[str, Any]]:
    """For each prunable tensor, in order: name, shape, size, nonzeros, density, macs and dense_macs of one sample.

    Args:
        inputs: the shape of a sample; if it is an image that the first layer sees flat, that one has its ``image``.
        sizes: of all parameters before any neuron was deleted; else as they are. The shape is as it is.
    """
    counted = remains(network, prunable, sizes=sizes)
    macs, dense_macs = work.by_layer(counted.nonzeros), work.by_layer({})
    parameters = dict(network.named_parameters())
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "shape": list(parameters[name].shape),
            "size": counted.sizes[name],
            "nonzeros": counted.nonzeros[name],
            "density": density,
            "macs": macs.get(name, 0),
            "dense_macs": dense_macs.get(name, 0),
        }
        for name, density in counted.density_by_layer.items()
    ]
    if rows and len(inputs) == 3 and rows[0]["shape"][1:] == [math.prod(inputs)]:
        rows[0]["image"] = list(inputs)
    return rows


def memory_numbers(device: torch.device) -> Metrics:
    """Peaks since the trial began here, in MB."""
    peaks = {"peak_memory_mb": host_peak_bytes(), "peak_gpu_memory_mb": device_peak_bytes(device)}
    return {name: peak / 1e6 for name, peak in peaks.items() if peak is not None}

"""The numbers of a trial's end: how good its state is on validation and test data, how large it is, what it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sparsetune.config.messages import Metrics
from sparsetune.config.metrics import METRICS, Metric, core
from sparsetune.config.registry import Measure
from sparsetune.config.seeds import mix
from sparsetune.sparsity.method import Method
from sparsetune.training.data.dataset import Dataset
from sparsetune.training.evaluation import quality
from sparsetune.training.metrics.density import remains
from sparsetune.training.metrics.description import cross_entropy_bits, gauss_bits
from sparsetune.training.metrics.macs import Work
from sparsetune.training.metrics.memory import device_peak_bytes, host_peak_bytes
from sparsetune.training.metrics.network import network_numbers
from sparsetune.training.metrics.uncertainty import average_predictive_entropy, noise
from sparsetune.training.subnormal import subnormals_are_zero
from sparsetune.training.task import Task

_EXACT = 1e-12  # a mean squared error that counts as one of a perfect fit
_NOISE = 0x401E5  # noise is the same for all trials


def split_numbers(
    network: nn.Module,
    method: Method,
    task: Task,
    data: Dataset,
    batch: int,
    measures: Mapping[str, Measure] | None = None,
) -> Metrics:
    """The task's numbers for both splits; where a number has no name for each, the plain one is validation's.

    Args:
        measures: the user's own, by name; of regression they see outputs in the unit of the targets.
    """

    def own(outputs: Tensor, targets: Tensor) -> Metrics:
        scaling = data.target_scaling
        predicted = outputs if scaling is None else outputs * scaling.scale + scaling.shift
        return {name: float(measure(predicted, targets)) for name, measure in (measures or {}).items()}

    val = quality(network, method, task, data.val, batch, own)
    test = quality(network, method, task, data.test, batch, own)
    named = {f"val_{name}" if f"val_{name}" in METRICS else name: value for name, value in val.items()}
    return {**named, **{f"test_{name}": value for name, value in test.items()}}


def declared(method: Method, numbers: Metrics, table: Mapping[str, Metric]) -> Metrics:
    """The numbers that a method gives, as floats; raises ``ValueError`` for one that nobody has heard of."""
    for name in numbers:
        if name not in table:
            raise ValueError(f"{type(method).__name__} gives {name!r}, which stands in no table of metrics")
    return {name: float(value) for name, value in numbers.items()}


@subnormals_are_zero()
@torch.inference_mode()
def noise_numbers(network: nn.Module, method: Method, data: Dataset, samples: int, batch: int) -> Metrics:
    """``ape``: how unsure the predictions for noise are."""
    network.eval()
    method.begin_evaluation()
    like = data.val.scaling.dtype
    outputs = []
    for block in noise(samples, data.input_shape, mix(0, _NOISE)):
        for part in block.split(batch):
            method.before_batch()
            outputs.append(method.predict(part.to(data.val.targets.device, like)))
    return {"ape": average_predictive_entropy(torch.cat(outputs))}


def size_numbers(network: nn.Module, method: Method, work: Work, data: Dataset, of_splits: Metrics) -> Metrics:
    """Non-zeros, operations, bytes and description length of the network as it is now."""
    if data.task == "regression":
        error = max(of_splits["val_mse"], _EXACT)
        bits = data.outputs * gauss_bits(error, error)
    else:
        bits = cross_entropy_bits(of_splits["val_loss"])
    found = network_numbers(
        network,
        method.subject.prunable,
        work,
        first_dropout=method.first_dropout,
        mc_samples=method.samples,
        samples=len(data.train),
        bits_per_sample=bits,
    )
    wanted = {*core(data.task), *method.metrics}  # some sizes hold for some methods only
    return {name: float(value) for name, value in found.items() if name in wanted}


def layer_rows(network: nn.Module, prunable: Sequence[str], work: Work) -> list[dict[str, Any]]:
    """For each prunable tensor, in order: name, shape, size, nonzeros, density, macs and dense_macs of one sample."""
    counted = remains(network, prunable)
    macs, dense_macs = work.by_layer(counted.nonzeros), work.dense_by_layer
    shapes = {name: list(parameter.shape) for name, parameter in network.named_parameters()}
    return [
        {
            "name": name,
            "shape": shapes[name],
            "size": counted.sizes[name],
            "nonzeros": counted.nonzeros[name],
            "density": density,
            "macs": macs.get(name, 0),
            "dense_macs": dense_macs.get(name, 0),
        }
        for name, density in counted.density_by_layer.items()
    ]


def memory_numbers(device: torch.device) -> Metrics:
    """Peaks since the trial began here, in MB."""
    peaks = {"peak_memory_mb": host_peak_bytes(), "peak_gpu_memory_mb": device_peak_bytes(device)}
    return {name: peak / 1e6 for name, peak in peaks.items() if peak is not None}

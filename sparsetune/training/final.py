"""The numbers of a state, asked for at a trial's end or after each epoch: how good it is, how large, what it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sparsetune.base.messages import Metrics
from sparsetune.base.seeds import mix
from sparsetune.base.surroundings.interpreter import said_once
from sparsetune.config.metrics import LAYER_DENSITY, SHARED, Metric, core, metric_of, named
from sparsetune.config.registry import Measure
from sparsetune.data.dataset import Dataset
from sparsetune.measures.density import remains
from sparsetune.measures.description import cross_entropy_bits, gauss_bits
from sparsetune.measures.macs import Work
from sparsetune.measures.memory import device_peak_bytes, host_peak_bytes
from sparsetune.measures.network import network_numbers
from sparsetune.measures.uncertainty import average_predictive_entropy, noise
from sparsetune.sparsity.method import Method
from sparsetune.sparsity.monte_carlo import averaged
from sparsetune.training.subnormal import subnormals_are_zero
from sparsetune.training.task import Task

_EXACT = 1e-12  # a mean squared error that counts as one of a perfect fit
_NOISE = 0x401E5  # noise is the same for all trials


def val_numbers(outputs: Tensor, task: Task, data: Dataset, measures: Mapping[str, Measure]) -> Metrics:
    """All that can be said of the predictions (N, C) for the validation split; see :func:`test_numbers`."""
    found = _quality(outputs, data.val.targets, task, data, measures)
    return {f"val_{name}" if f"val_{name}" in SHARED else name: value for name, value in found.items()}


def test_numbers(outputs: Tensor, task: Task, data: Dataset, measures: Mapping[str, Measure]) -> Metrics:
    """The same of those for the test split.

    Args:
        measures: the user's own, by name; of regression they see outputs in the unit of the targets.
    """
    found = _quality(outputs, data.test.targets, task, data, measures)
    return {f"test_{name}": value for name, value in found.items()}


@subnormals_are_zero()
@torch.inference_mode()
def _quality(outputs: Tensor, targets: Tensor, task: Task, data: Dataset, measures: Mapping[str, Measure]) -> Metrics:
    scaling = data.target_scaling
    predicted = outputs if scaling is None else scaling.undone(outputs)
    with said_once():
        own = {name: float(measure(predicted, targets)) for name, measure in measures.items()}
    return {**task.quality(outputs, targets), **own}


def declared(method: Method, numbers: Metrics, table: Mapping[str, Metric]) -> Metrics:
    """The numbers that a method gives, as floats; raises ``ValueError`` for one that nobody has heard of."""
    for name in numbers:
        if metric_of(name, table) is None:
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


def size_numbers(
    network: nn.Module, method: Method, work: Work, data: Dataset, of_splits: Metrics, *, by_layer: bool = False
) -> Metrics:
    """Non-zeros, operations, bytes and description length of the network as it is now; layer by layer if asked for."""
    if data.task == "regression":
        error = max(of_splits["val_mse"], _EXACT)
        bits = data.outputs * gauss_bits(error, error)
    else:
        bits = cross_entropy_bits(of_splits["val_loss"])
    first_dropout, samples = averaged(method)
    found = network_numbers(
        network,
        method.session.prunable,
        work,
        first_dropout=first_dropout,
        mc_samples=samples,
        samples=len(data.train),
        bits_per_sample=bits,
    )
    wanted = {
        *core(data.task),
        *named(method.metrics),
        *([LAYER_DENSITY] if by_layer else []),
    }  # some are of some methods
    return {name: float(value) for name, value in found.items() if name.partition("/")[0] in wanted}


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

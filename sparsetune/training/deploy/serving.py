"""How fast a trial's network answers as it would be exported, and how large its file is.

Beside it the network of the same architecture as it was drawn: what is the machine's is in both.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import safetensors.torch
import torch
from torch import Tensor

from sparsetune.base.messages import Metrics
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.data.dataset import Dataset
from sparsetune.measures.latency import median_seconds
from sparsetune.training.deploy.network import Network, assembled, drawn, ready, some_samples
from sparsetune.training.deploy.tensors import plain_tensors
from sparsetune.training.randomness import drawn_state, put_drawn_state

BATCHES = {1: "", 1000: "_1000"}
"""Samples in a batch, and what a metric of it ends with."""
_LEVEL = 6  # of zlib: gzip's own


def serving_numbers(
    config: TrialConfig, state: Mapping[str, Tensor], data: Dataset, device: torch.device, registries: Registries
) -> Metrics:
    """``latency_ms``, ``speedup`` and the same of batches of 1,000; ``file_bytes``, ``compressed_bytes``.

    Random numbers and the number of threads are as before afterwards.

    Args:
        config: of the trial.
        state: weights and buffers by name.
        data: on the device, in the trial's type.
    """
    random = drawn_state(device)
    try:
        made = assembled(config, state, data, device, registries)
        dense = ready(drawn(config, data, device, registries), data)
        return {**_times(made.network, dense, data, device), **_sizes(made.network)}
    finally:
        put_drawn_state(random, device)


@torch.inference_mode()
def _times(network: Network, dense: Network, data: Dataset, device: torch.device) -> dict[str, float]:
    numbers = {}
    clock = time.perf_counter if device.type == "cuda" else time.thread_time
    with _one_thread():
        for batch, ending in BATCHES.items():
            samples = some_samples(data, batch)
            calls = [partial(_call, each, samples, _waits(device)) for each in (network, dense)]
            seconds, of_dense = median_seconds(calls, clock=clock)
            numbers[f"latency_ms{ending}"] = 1e3 * seconds
            numbers[f"speedup{ending}"] = of_dense / seconds
    return numbers


def _call(network: Network, samples: Tensor, wait: Callable[[], None]) -> None:
    network(samples)
    wait()


def _waits(device: torch.device) -> Callable[[], None]:
    """Until the device has done its work."""
    return partial(torch.cuda.synchronize, device) if device.type == "cuda" else lambda: None


def _sizes(network: Network) -> dict[str, float]:
    content = safetensors.torch.save(plain_tensors(network))
    return {"file_bytes": float(len(content)), "compressed_bytes": float(len(zlib.compress(content, _LEVEL)))}


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

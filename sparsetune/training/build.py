"""From a config to what is trained: a network with weights drawn from the seed, and the method that works on it.

What can be known of a network before it trains is worked out once a process: a study's trials mostly share one shape.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from sparsetune.config.base import Part
from sparsetune.config.metrics import Kind
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.measures.cost import SampleFlops, count_flops
from sparsetune.measures.macs import Work, work
from sparsetune.sparsity.method import Method
from sparsetune.sparsity.monte_carlo import averaged
from sparsetune.training.computing import compute_as_asked
from sparsetune.training.randomness import seed_all
from sparsetune.training.session import TrainingSession

DTYPES = {"float32": torch.float32, "float64": torch.float64}
_MOST = 256  # shapes remembered: a space may vary the layers
_CACHED = 4 << 20  # bytes; with more a CPU waits for memory: LeNet-5 takes twice as long with 20 MB
_SHARE = 128  # of a GPU's memory: a layer holds its input too, and trials may share the GPU
_anatomies: dict[Hashable, Anatomy] = {}


@dataclass(frozen=True)
class Anatomy:
    """Of one sample.

    Attributes:
        flops: forward, and forward with backward.
        sizes: numbers in what each module gives, by name, in the order in which they first give it; "" is the whole.
        entering: numbers in the sample.
        work: multiply-accumulates of a forward pass, by weight.
        parameters: sizes of all, by name.
    """

    flops: SampleFlops
    sizes: Mapping[str, int]
    entering: int
    work: Work
    parameters: Mapping[str, int]

    def widest(self, first_dropout: str | None = None, samples: int = 1) -> int:
        """Numbers of one sample in the largest tensor that goes into or comes out of a module.

        Args:
            first_dropout: the module from whose output on there are ``samples`` times as many.
        """
        after = list(self.sizes)[list(self.sizes).index(first_dropout) :] if first_dropout else []
        return max(self.entering, *self.sizes.values(), *(samples * self.sizes[name] for name in after))


def anatomy(network: nn.Module, config: Part, input_shape: tuple[int, ...]) -> Anatomy:
    """What can be said of a network before it trains, once a process: a study's trials mostly share one shape.

    Samples go through a copy, so that nothing is changed; ``config`` is that of the model.
    """
    modules = tuple((name, type(module), module.extra_repr()) for name, module in network.named_modules())
    parameters = tuple((name, tuple(p.shape), p.requires_grad) for name, p in network.named_parameters())
    key = config.model_dump_json(), input_shape, modules, parameters  # a method may have changed what the model built
    if key not in _anatomies:
        if len(_anatomies) >= _MOST:
            _anatomies.clear()
        flops = count_flops(network, input_shape, lambda outputs, targets: outputs.sum())  # no loss multiplies matrices
        sizes = output_sizes(network, input_shape)
        counts = {name: parameter.numel() for name, parameter in network.named_parameters()}
        _anatomies[key] = Anatomy(flops, sizes, math.prod(input_shape), work(network, input_shape), counts)
    return _anatomies[key]


def output_sizes(network: nn.Module, input_shape: tuple[int, ...]) -> dict[str, int]:
    """Numbers of one sample in what each module gives, by its name, in the order in which they first give it."""
    shadow = copy.deepcopy(network).cpu().eval()
    dtype = next((p.dtype for p in shadow.parameters()), torch.float32)
    sizes: dict[str, int] = {}

    def look(name: str, module: nn.Module, inputs: Any, outputs: Any) -> None:
        if isinstance(outputs, Tensor):
            sizes[name] = max(sizes.get(name, 0), outputs.numel())

    for name, module in shadow.named_modules():
        module.register_forward_hook(partial(look, name))
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        shadow(torch.zeros((1, *input_shape), dtype=dtype))
    return sizes


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


def evaluation_batch(widest: int, dtype: torch.dtype, device: torch.device) -> int:
    """Samples that are evaluated at once: so many that the network's largest tensor fills what the device has for it.

    A function of network and device alone, not of the memory that happens to be free: equal trials sum in equal parts.

    Args:
        widest: numbers in the largest tensor that one sample passes through.
    """
    room = torch.cuda.get_device_properties(device).total_memory // _SHARE if device.type == "cuda" else _CACHED
    return max(1, room // (widest * dtype.itemsize))


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
    draw = partial(model.build, config.model, input_shape, outputs)
    network: nn.Module = draw().to(device, dtype)
    prunable, sites = model.prunable(network), model.dropout_sites(config.model)
    session = TrainingSession.of(network, prunable, sites, task, config.seed, device)
    session.draw = draw
    method_class: type[Method] = registries.method.get(config.method.name)
    method = method_class(config.method, session)
    undisturbed = anatomy(network, config.model, input_shape)
    compute_as_asked(network, config.training, device)  # casts of weights would count as activations
    return Built(session, method, undisturbed, dtype)


def device_of(wanted: str) -> torch.device:
    """The device of ``training.device``: with ``auto`` a GPU where there is one."""
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)

"""A network as the operations that an example passes in evaluation."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn
from torch.fx import Graph

from sparsetune.sparsity.units.flat import flattened
from sparsetune.sparsity.units.flow import Named


class Untraceable(Exception):
    """What a network does cannot be written down as one list of operations; the message is one line that says why."""


@dataclass(frozen=True)
class Trace:
    """Operations in their order, and what goes into them.

    Attributes:
        named: parameters and buffers by the name of their placeholder.
    """

    graph: Graph
    named: dict[str, Named]


def trace(network: nn.Module, example: Tensor) -> Trace:
    """What ``torch.export`` makes of a network and an example (N, *input_shape); changes neither, nor random numbers.

    Raises:
        Untraceable: what it does depends on values, or its code cannot be followed.
    """
    try:
        with evaluating(network), torch.enable_grad(), quietly():
            program = torch.export.export(network, (example,))
    except Exception as error:  # torch.export has no kind of its own, and the network's code may be the user's
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise Untraceable(f"{type(network).__name__} cannot be followed: {reason}") from error
    signature = program.graph_signature
    names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    tensors = dict(_tensors(network))
    owners = Counter(map(id, tensors.values()))
    graph = flattened(program.graph_module)
    uses = {node.name: len(node.users) for node in graph.nodes if node.op == "placeholder"}
    named = {
        place: Named(name, tensors[name].detach(), uses[place] == 1 and owners[id(tensors[name])] == 1)
        for place, name in names.items()
    }
    return Trace(graph, named)


@contextmanager
def quietly() -> Iterator[None]:
    """Without the graphs that torch prints of what it cannot export."""
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def _tensors(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Also under their second names, if they are shared."""
    return chain(network.named_parameters(remove_duplicate=False), network.named_buffers(remove_duplicate=False))


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Within, the network is in evaluation mode; each of its modules goes back to its own."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode

"""One operation of a traced network, and what is done if nothing is known of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Node
from torch.fx.node import map_arg
from torch.utils._pytree import tree_leaves, tree_map

from sparsetune.sparsity.units.flow import STAYS, Flow, Named, Notes


@dataclass(frozen=True)
class Call:
    """An operation with its arguments, in which tensors are :class:`Flow` or :class:`Named`.

    Attributes:
        values: what came of the nodes before.
    """

    node: Node
    values: Mapping[Node, Any]
    notes: Notes
    network: nn.Module

    @cached_property
    def args(self) -> tuple[Any, ...]:
        return tuple(self.valued(self.node.args))

    @cached_property
    def kwargs(self) -> dict[str, Any]:
        return dict(self.valued(self.node.kwargs))

    def valued(self, arguments: Any) -> Any:
        """Arguments of a node with what came of others in their place."""
        return map_arg(arguments, self.values.__getitem__)

    @property
    def module(self) -> nn.Module:
        """In whose code it is written."""
        inside = [*self.node.meta.get("nn_module_stack", {}).values()]
        return self.network.get_submodule(inside[-1][0]) if inside else self.network

    def arg(self, position: int, default: Any = None) -> Any:
        return self.args[position] if len(self.args) > position else default

    @property
    def flow(self) -> Flow:
        """The first argument, of an operation whose first argument is on its way through the network."""
        flow: Flow = self.args[0]
        return flow

    @property
    def shape(self) -> torch.Size:
        shape: torch.Size = self.node.meta["val"].shape
        return shape

    def run(self, pick: Callable[[Flow], Tensor] = lambda flow: flow.values) -> Any:
        """What the operation itself makes of its arguments; in place is nothing done."""

        def value(leaf: Any) -> Any:
            if isinstance(leaf, Named):
                return leaf.tensor.double()
            return pick(leaf) if isinstance(leaf, Flow) else leaf

        return operator(self.node)(*tree_map(value, self.args), **tree_map(value, self.kwargs))

    def tensors(self) -> Iterator[Flow | Named]:
        yield from (leaf for leaf in tree_leaves((self.args, self.kwargs)) if isinstance(leaf, Flow | Named))


Operation = Callable[[Call], Any]


def base_name(node: Node) -> str:
    """``relu`` for ``aten::relu_`` and each of its overloads; a function's own name."""
    schema = getattr(node.target, "_schema", None)
    name: str = getattr(node.target, "__name__", "") if schema is None else schema.name
    return name.removeprefix("aten::").removesuffix("_")


def in_place(node: Node) -> bool:
    schema = getattr(node.target, "_schema", None)
    return schema is not None and schema.is_mutable


def operator(node: Node) -> Callable[..., Any]:
    """The operation, or the one that makes a new tensor for one in place."""
    target: Any = node.target
    if in_place(node):
        target = getattr(getattr(torch.ops.aten, base_name(node)), target._overloadname)
    operation: Callable[..., Any] = target
    return operation


def unknown(call: Call) -> Any:
    """All that goes in stays; what comes out can be anything."""
    for flow in call.tensors():
        if isinstance(flow, Flow):
            call.notes.pin(flow.labels)
    made = call.node.meta.get("val")
    return tree_map(lambda value: anything(value, call.notes) if isinstance(value, Tensor) else value, made)


def anything(like: Tensor, notes: Notes) -> Flow:
    """Values that nothing is known of, of units that stay."""
    nan = torch.full((), torch.nan, dtype=torch.float64, device=notes.device)
    return Flow(nan.expand(like.shape), torch.full((), STAYS, device=notes.device).expand(like.shape))

"""Through the operations of a network in their order."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Graph, Node
from torch.utils._pytree import tree_leaves

from sparsetune.sparsity.units.flow import Flow, Notes
from sparsetune.sparsity.units.operations import elementwise, layers, shapes
from sparsetune.sparsity.units.operations.call import Call, Operation, anything, base_name, in_place, unknown
from sparsetune.sparsity.units.operations.memory import read_again
from sparsetune.sparsity.units.trace import Untraceable, trace

OPERATIONS: dict[str, Operation] = {**elementwise.OPERATIONS, **layers.OPERATIONS, **shapes.OPERATIONS}


@torch.no_grad()
def walk(network: nn.Module, example: Tensor, fixed: Collection[str]) -> Notes:
    """What is seen of a network's units.

    Raises:
        Untraceable: see :func:`trace`.
    """
    traced = trace(network, example)
    notes = Notes(example.device, fixed)
    values: dict[Node, Any] = {}
    last = _last_uses(traced.graph)
    for node in traced.graph.nodes:
        if node.op == "placeholder":
            like = node.meta.get("val")
            values[node] = traced.named.get(node.name) or (anything(like, notes) if isinstance(like, Tensor) else like)
        elif node.op == "output":
            leaves = tree_leaves(Call(node, values, notes, network).args)
            notes.outputs += [leaf.labels.unique() for leaf in leaves if isinstance(leaf, Flow)]
        else:
            values[node] = _followed(Call(node, values, notes, network))
        for done in last.get(node, ()):
            del values[done]
    return notes


def _followed(call: Call) -> Any:
    if call.node.op != "call_function":
        return unknown(call)
    operation = OPERATIONS.get(base_name(call.node))
    if in_place(call.node) and (operation is None or "out" in call.kwargs or read_again(call.node)):
        raise Untraceable(f"{type(call.module).__name__} changes values in place: {call.node.target}")
    if operation is None or not (call.args and isinstance(call.args[0], Flow | list | tuple)):
        return unknown(call)
    return operation(call)


def _last_uses(graph: Graph) -> dict[Node, list[Node]]:
    """By node what nobody needs after it; parameters are kept."""
    position = {node: number for number, node in enumerate(graph.nodes)}
    last: dict[Node, list[Node]] = {}
    for node in graph.nodes:
        if node.op != "placeholder" and node.users:
            last.setdefault(max(node.users, key=position.__getitem__), []).append(node)
    return last

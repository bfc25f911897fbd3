"""Operations in place: who else would see what they change."""

from __future__ import annotations

from torch.fx import Node

from sparsetune.sparsity.units.operations.call import base_name
from sparsetune.sparsity.units.operations.elementwise import POOLS, TOGETHER
from sparsetune.sparsity.units.operations.layers import OPERATIONS as LAYERS

NEW = {*LAYERS, *POOLS, *TOGETHER.split(), "relu", "tanh", "sigmoid", "gelu", "silu", "cat"}  # memory of their own


def read_again(node: Node) -> bool:
    """Whether memory that this operation changes is read after it, by another name than that of what it gives."""
    order = {each: number for number, each in enumerate(node.graph.nodes)}
    names = _same_memory(node)
    return any(order[user] > order[node] for name in names for user in name.users)


def _same_memory(node: Node) -> set[Node]:
    """What may share memory with what is changed, but for what comes of the change."""
    names: set[Node] = set()
    waiting = [node.args[0]]
    while waiting:
        name = waiting.pop()
        if isinstance(name, Node) and name not in names:
            names.add(name)
            waiting += [] if _new(name) else name.all_input_nodes
            waiting += [user for user in name.users if user is not node and not _new(user)]
    return names


def _new(node: Node) -> bool:
    return node.op == "placeholder" or base_name(node) in NEW

"""Contexts in a network's code, such as autocast, are graphs within its graph; here what is in them comes out."""

from __future__ import annotations

from typing import Any

from torch.fx import Graph, GraphModule, Node

from sparsetune.sparsity.units.operations.call import base_name

CONTEXTS = ("wrap_with_autocast", "wrap_with_set_grad_enabled")


def flattened(module: GraphModule) -> Graph:
    """The graph of a module, in which the operations of contexts have taken their place."""
    for node in [*module.graph.nodes]:
        if base_name(node) in CONTEXTS:
            _unwrap(node, module)
    return module.graph


def _unwrap(node: Node, module: GraphModule) -> None:
    """A context is called with settings, a graph, and what goes into the graph; it gives a tuple."""
    at = next(number for number, each in enumerate(node.args) if isinstance(each, Node) and each.op == "get_attr")
    part = node.args[at]
    assert isinstance(part, Node)
    inner = module.get_submodule(str(part.target))
    assert isinstance(inner, GraphModule)
    graph = flattened(inner)
    places = (each for each in graph.nodes if each.op == "placeholder")
    operands: Any = node.args[at + 1 :]
    with module.graph.inserting_before(node):
        outputs: Any = module.graph.graph_copy(graph, dict(zip(places, operands, strict=True)))
    for reader in [*node.users]:  # each takes one of the tuple
        reader.replace_all_uses_with(outputs[reader.args[1]])
        module.graph.erase_node(reader)
    module.graph.erase_node(node)

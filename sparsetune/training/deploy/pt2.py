"""torch's own format, that of ``torch.export``: a graph that needs no code of the network's, and runs none."""

from __future__ import annotations

import io
from collections.abc import Callable

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from sparsetune.sparsity.units.trace import quietly
from sparsetune.training.deploy.deployed import Deployed
from sparsetune.training.deploy.format import ABOUT, Format, Words, as_json


def program(deployed: Deployed) -> ExportedProgram:
    """The graph of a network, for batches of any size; it says nothing of the files of the code that it comes from."""
    batch = {0: Dim("batch")}
    with quietly():
        made = torch.export.export(deployed.network, (torch.from_numpy(deployed.example),), dynamic_shapes=(batch,))
    for node in made.graph.nodes:
        node.meta.pop("stack_trace", None)
    return made


def _content(deployed: Deployed, words: Words) -> bytes:
    file = io.BytesIO()
    torch.export.save(program(deployed), file, extra_files={f"{ABOUT}.json": as_json(words)})
    return file.getvalue()


def _running(content: bytes) -> Callable[[Tensor], Tensor]:
    network: Callable[[Tensor], Tensor] = torch.export.load(io.BytesIO(content)).module()
    return network


def _loading(path: str, words: Words) -> tuple[str, ...]:
    sample = ", ".join(map(str, (1, *words["shape"])))
    return (
        "import torch",
        f"network = torch.export.load({path}).module()",
        f"outputs = network(torch.zeros(({sample}), dtype=torch.{words['type']}))",
    )


PT2 = Format(".pt2", _content, _running, _loading)

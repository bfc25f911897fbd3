"""ONNX: a graph that other runtimes compute, with its weights in the same file.

Wants:  pip install 'sparsetune[onnx]'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from sparsetune.base.errors import BadInput
from sparsetune.base.layout.text import listed
from sparsetune.training.deploy.deployed import Deployed
from sparsetune.training.deploy.format import ABOUT, Format, Words, as_json
from sparsetune.training.deploy.pt2 import program

INPUT, OUTPUT = "samples", "outputs"
_PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def refuse_missing_packages(packages: Iterable[str] = _PACKAGES) -> None:
    """Raise :class:`BadInput` with the line to type where one of them is not installed."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        problem = f"onnx wants {listed(missing, 3)}: pip install 'sparsetune[onnx]'"
        raise BadInput(problem, key="format", code="missing")


def _content(deployed: Deployed, words: Words) -> bytes:
    refuse_missing_packages()
    made = torch.onnx.export(
        program(deployed),
        dynamo=True,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_shapes=({0: "batch"},),
        external_data=False,
        verbose=False,
    )
    assert made is not None
    made.model.metadata_props[ABOUT] = as_json(words)
    content: bytes = made.model_proto.SerializeToString()
    return content


def _running(content: bytes) -> Callable[[Tensor], Tensor]:
    from onnxruntime import InferenceSession

    session: Any = InferenceSession(content, providers=["CPUExecutionProvider"])
    return lambda samples: torch.from_numpy(session.run([OUTPUT], {INPUT: samples.numpy()})[0])


def _loading(path: str, words: Words) -> tuple[str, ...]:
    sample = ", ".join(map(str, (1, *words["shape"])))
    return (
        "import numpy, onnxruntime",
        f"network = onnxruntime.InferenceSession({path})",
        f'outputs = network.run(None, {{"{INPUT}": numpy.zeros(({sample}), "{words["type"]}")}})[0]',
    )


ONNX = Format(".onnx", _content, _running, _loading)

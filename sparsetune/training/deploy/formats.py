"""Formats of network files, found by name."""

from sparsetune.config.registry import Registry

_HERE = "sparsetune.training.deploy"

FORMATS = Registry(
    "format",
    {
        "onnx": f"{_HERE}.onnx_graph:ONNX",
        "safetensors": f"{_HERE}.tensors:SAFETENSORS",
        "torch": f"{_HERE}.pt2:PT2",
    },
)

"""safetensors: weights and buffers by name, and in the header all that is to be known of them. It holds no function:
what reads it builds the network, and scales the inputs as the header says."""

from __future__ import annotations

import safetensors.torch
from torch import Tensor, nn

from sparsetune.training.deploy.deployed import Deployed
from sparsetune.training.deploy.format import ABOUT, Format, Words, as_json


def _content(deployed: Deployed, words: Words) -> bytes:
    return safetensors.torch.save(plain_tensors(deployed.network), {ABOUT: as_json(words)})


def plain_tensors(network: nn.Module) -> dict[str, Tensor]:
    """Weights and buffers of a network by their names in the model, on the CPU."""
    state = network.state_dict()
    return {name.removeprefix("network."): value.cpu().contiguous() for name, value in state.items()}


def _loading(path: str, words: Words) -> tuple[str, ...]:
    return (
        "import json, safetensors",
        f'file = safetensors.safe_open({path}, "pt")',
        f'about = json.loads(file.metadata()["{ABOUT}"])',
        "tensors = {name: file.get_tensor(name) for name in file.keys()}",
    )


SAFETENSORS = Format(".safetensors", _content, None, _loading)

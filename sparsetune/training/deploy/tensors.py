"""safetensors: weights and buffers by name, and in the header all that is to be known of them. It holds no function:
what reads it builds the network, and scales the inputs as the header says."""

from __future__ import annotations

import safetensors.torch

from sparsetune.training.deploy.deployed import Deployed
from sparsetune.training.deploy.format import ABOUT, Format, Words, as_json


def _content(deployed: Deployed, words: Words) -> bytes:
    state = deployed.network.state_dict()
    tensors = {name.removeprefix("network."): value.cpu().contiguous() for name, value in state.items()}
    return safetensors.torch.save(tensors, {ABOUT: as_json(words)})


def _loading(path: str, words: Words) -> tuple[str, ...]:
    return (
        "import json, safetensors",
        f'file = safetensors.safe_open({path}, "pt")',
        f'about = json.loads(file.metadata()["{ABOUT}"])',
        "tensors = {name: file.get_tensor(name) for name in file.keys()}",
    )


SAFETENSORS = Format(".safetensors", _content, None, _loading)

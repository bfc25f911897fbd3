"""Weights from a safetensors file or from torchvision, put into a network; no code of a file is ever executed."""

from __future__ import annotations

import hashlib
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sparsetune.base.errors import BadInput
from sparsetune.models.layers import layers

KEY = "model.weights"


def locate(weights: str, project_root: Path, model: str, pretrained: str | None) -> str:
    """The absolute path of a weights file whose header is sound, or a name that torchvision knows, as it is.

    Args:
        pretrained: torchvision's name of the architecture; None where it has no weights for it.

    Raises:
        BadInput: neither.
    """
    if _is_file(weights):
        path = project_root / Path(weights).expanduser()
        _header(path)
        return str(path.resolve())
    if pretrained is None:
        raise BadInput(found=repr(weights), allowed=f"a .safetensors file for {model!r} as it is set", key=KEY)
    names = torchvision_weights(pretrained)
    if weights not in names:
        raise BadInput.unknown("weights", weights, names, key=KEY).at(more="; a file's name ends in .safetensors")
    return weights


def read(weights: str, pretrained: str | None) -> dict[str, Tensor]:
    """The tensors that :func:`locate` gives, by name; torchvision's are downloaded where torch.hub lacks them.

    Raises:
        BadInput: a file that is missing or broken, or a download that fails.
    """
    if _is_file(weights):
        from safetensors.torch import load_file

        _header(Path(weights))
        return load_file(weights)
    offered = torchvision_weights(pretrained or "")[weights]
    try:
        state: dict[str, Tensor] = offered.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise BadInput(f"{weights} cannot be had from {offered.url}: {reason}", key=KEY, code="unavailable") from None
    return state


def digest(weights: str) -> str:
    """The first 16 digits of a file's SHA-256; a name of torchvision's as it is."""
    if not _is_file(weights):
        return weights
    with Path(weights).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def replace_weights(network: nn.Module, state: Mapping[str, Tensor], old_names: Mapping[str, str], origin: str) -> None:
    """Put the tensors into the network; a last layer with another number of outputs stays as it was drawn.

    Args:
        old_names: patterns of names in older files, and what replaces them.
        origin: what messages call the tensors.

    Raises:
        BadInput: names the first tensor that is missing, too much, of another shape or kind, or not finite.
    """
    state = {_renamed(name, old_names): value for name, value in state.items()}
    own = network.state_dict()
    names = [layer.name for layer in layers(network)]
    ending = {names[-1], names[-1].removesuffix("weight") + "bias"}
    if all(_same_but_outputs(own.get(name), state.get(name)) for name in ending):
        state = {name: own[name] if name in ending and name in own else value for name, value in state.items()}
    for name, value in own.items():
        if name not in state and not name.endswith("num_batches_tracked"):  # which older files lack, and nothing needs
            raise BadInput(f"{origin}: tensor {name!r} is missing", key=KEY, code="conflict")
        problem = _misfit(state.get(name, value), value)
        if problem:
            channels = name == names[0] and state[name].shape[:1] == value.shape[:1]
            hint = "; the first layer has to fit the data's channels" if channels else ""
            raise BadInput(f"{origin}: tensor {name!r} {problem}{hint}", key=KEY, code="conflict")
    if spare := sorted(state.keys() - own.keys()):
        raise BadInput(f"{origin}: tensor {spare[0]!r} is not in this network", key=KEY, code="conflict")
    network.load_state_dict({**own, **state})


def torchvision_weights(pretrained: str) -> Mapping[str, Any]:
    """By name, what torchvision offers for that architecture; :class:`KeyError` for no name of its own."""
    from torchvision.models import get_model_weights

    members: Mapping[str, Any] = get_model_weights(pretrained).__members__
    return members


def _is_file(weights: str) -> bool:
    return not weights.isidentifier()  # as all of torchvision's names are


def _header(path: Path) -> None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt"):
            pass
    except (OSError, SafetensorError) as error:
        if isinstance(error, FileNotFoundError):
            raise BadInput(f"there is no file {path}", key=KEY, code="missing") from None
        raise BadInput(f"{path} is not a sound safetensors file: {error}", key=KEY, code="damaged") from None


def _renamed(name: str, old_names: Mapping[str, str]) -> str:
    for pattern, replacement in old_names.items():
        name = re.sub(pattern, replacement, name)
    return name


def _same_but_outputs(own: Tensor | None, new: Tensor | None) -> bool:
    """Whether both are there and differ in the number of outputs only, or neither is."""
    if own is None or new is None:
        return own is new
    return own.shape[1:] == new.shape[1:] and own.shape[:1] != new.shape[:1]


def _misfit(new: Tensor, own: Tensor) -> str:
    if new.shape != own.shape:
        shape, wanted = ("x".join(map(str, tensor.shape)) or "one number" for tensor in (new, own))
        return f"is {shape}, the network's {wanted}"
    if new.is_floating_point() != own.is_floating_point():
        return f"holds {new.dtype}, the network's {own.dtype}"
    return "" if bool(torch.isfinite(new).all()) else "has values that are not finite"

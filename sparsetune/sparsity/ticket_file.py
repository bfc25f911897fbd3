"""The file of a ticket: tensors, one bit for each prunable weight, and words whose checksum covers all of it.

It is one of safetensors: ``mask`` holds the bits, eight to a byte, the first in the highest place, through all prunable
tensors in their order; the other tensors are what the words do not give, by their name in the network. The words are
JSON text in the header; their version says of which kind it is. Reading executes nothing, and needs no torch.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import TICKET
from sparsetune.config.base import Model

SEED, WEIGHTS = 1, 2
"""Versions: random weights that a seed draws again; weights that are in the file."""
NEWEST = WEIGHTS
_HEADER = "sparsetune_ticket"  # one entry: safetensors writes several in any order
_MASK = "mask"

Positive = Annotated[int, Field(gt=0)]
Made = TypeVar("Made")
Tensors = Mapping[str, NDArray[Any]]


class Layer(Model):
    """A prunable tensor."""

    name: str
    shape: tuple[Positive, ...]

    @property
    def size(self) -> int:
        return math.prod(self.shape)


_LAYERS = TypeAdapter(tuple[Layer, ...])


@dataclass(frozen=True)
class Content:
    """What a file holds.

    Attributes:
        words: all that its header says, but for version and checksum.
        mask: (n,) bool, which of the n prunable weights are kept.
        tensors: the others, by name.
    """

    version: int
    words: Mapping[str, Any]
    layers: tuple[Layer, ...]
    mask: NDArray[np.bool_]
    tensors: Tensors

    def masks(self) -> dict[str, NDArray[np.bool_]]:
        """The mask of each prunable tensor, in its shape."""
        parts = pieces(self.layers, self.mask)
        return {layer.name: part.reshape(layer.shape) for layer, part in zip(self.layers, parts, strict=True)}


def pieces(layers: Sequence[Layer], mask: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """The part of a mask, (n,), that is each layer's."""
    return [mask[start:end] for start, end in pairwise(accumulate((layer.size for layer in layers), initial=0))]


def written(version: int, words: Mapping[str, Any], mask: NDArray[np.bool_], state: Tensors) -> bytes:
    """The file; equal tickets give equal bytes."""
    tensors = {_MASK: np.packbits(mask), **state}
    header = {"version": version, "sha256": digest(words, tensors), **words}
    return save(tensors, {_HEADER: json.dumps(header)})


def read_content(path: Path) -> Content:
    """What the file of a ticket holds.

    Raises:
        BadInput: there is none, it is damaged, it is something else, or a newer version has written it.
    """
    return _read(path, _content)


def read_words(path: Path) -> dict[str, Any]:
    """What its header says, whose checksum is not looked at: to tell tickets apart. Raises as :func:`read_content`."""
    return _read(path, lambda header, tensors: {k: v for k, v in header.items() if k not in ("version", "sha256")})


def _read(path: Path, made: Callable[[dict[str, Any], Callable[[], dict[str, NDArray[Any]]]], Made]) -> Made:
    """What is made of the header, and of the tensors once they are asked for."""
    try:
        with safe_open(path, framework="np") as file:
            text = (file.metadata() or {}).get(_HEADER)
            if text is None:
                raise BadInput(f"is no ticket, which is called {TICKET} where a run leaves one", code="damaged")
            header = _header(text)
            return made(header, lambda: {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 - no mapping
    except FileNotFoundError:
        raise BadInput("no such file", source=path, code="missing") from None
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror or error}", source=path, code="unavailable") from None
    except SafetensorError as error:
        raise BadInput(f"is damaged or cut off, or no safetensors file: {error}", source=path, code="damaged") from None
    except BadInput as error:
        raise error.located(source=path) from None


def _header(text: str) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        header = None
    version = header.get("version") if isinstance(header, dict) else None
    if not isinstance(header, dict) or not isinstance(version, int):
        raise BadInput("is damaged: its header is not that of a ticket", code="damaged")
    if version > NEWEST:
        problem = f"is a ticket of version {version}; a newer SparseTune has written it"
        raise BadInput(problem, allowed=f"up to {NEWEST}")
    return header


def _content(header: Mapping[str, Any], read: Callable[[], dict[str, NDArray[Any]]]) -> Content:
    words = {name: value for name, value in header.items() if name not in ("version", "sha256")}
    tensors = read()
    if header.get("sha256") != digest(words, tensors):
        raise BadInput("is damaged: its content does not have the checksum that it names", code="damaged")
    layers = _layers(header["version"], words)
    bits, count = tensors.pop(_MASK, None), sum(layer.size for layer in layers)
    if bits is None or bits.dtype != np.uint8 or bits.shape != (math.ceil(count / 8),):
        raise BadInput(f"is no ticket: its mask is not one bit for each of {count:,} weights", code="damaged")
    mask = np.unpackbits(bits, count=count).astype(np.bool_)
    return Content(header["version"], words, layers, mask, tensors)


def _layers(version: int, words: Mapping[str, Any]) -> tuple[Layer, ...]:
    try:
        return _LAYERS.validate_json(json.dumps(words.get("layers")))
    except ValidationError as error:
        raise misread(version, error, "layers") from None


def misread(version: int, error: ValidationError, *within: str) -> BadInput:
    """The error for words that are not those of a ticket, ``within`` a part of them."""
    first = error.errors(include_url=False)[0]
    where = ".".join([*within, *map(str, first["loc"])])
    return BadInput(f"is no ticket of version {version}: {where}: {first['msg']}", code="damaged")


def digest(words: Mapping[str, Any], tensors: Tensors) -> str:
    """SHA-256 of all that a ticket says."""
    sha = hashlib.sha256(json.dumps(words, sort_keys=True).encode())
    for name, values in sorted(tensors.items()):
        sha.update(f"{name} {values.dtype.str} {values.shape}".encode())
        sha.update(values.tobytes())
    return sha.hexdigest()

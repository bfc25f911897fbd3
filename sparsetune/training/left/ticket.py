"""A ticket: what a network of random weights is made of again. Its seed, one bit for each weight, BatchNorm's state.

The file is one of safetensors: ``mask`` holds the bits, eight to a byte, the first in the highest place, through all
prunable tensors in their order; the other tensors are what the seed does not give, by their name in the network. All
else is JSON text in the header. Reading executes nothing, and needs no torch.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, field_validator
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Metrics
from sparsetune.base.paths import TICKET
from sparsetune.config.base import Model
from sparsetune.config.metrics import Kind
from sparsetune.config.trial import NAMED
from sparsetune.data.pixels import Pixels

VERSION = 1
_HEADER = "sparsetune_ticket"  # one entry: safetensors writes several in any order
_MASK = "mask"

Positive = Annotated[int, Field(gt=0)]


class Layer(Model):
    """A prunable tensor."""

    name: str
    shape: tuple[Positive, ...]

    @property
    def size(self) -> int:
        return math.prod(self.shape)


class About(Model):
    """The words of a ticket.

    Attributes:
        config: of the trial, with its seed, without what belongs to a machine.
        input_shape: of one sample.
        outputs: classes, or numbers to predict.
        layers: the prunable tensors, in the order of the mask.
        counters: whole numbers of the network's state, such as BatchNorm's count of batches.
        density: kept fraction of the prunable weights; ``sparsity`` is the removed one.
        drawn: SHA-256 of the weights as the seed drew them.
        torch: the version that drew them.
        device: where the trial trained: ``cpu`` or ``cuda``.
        threads: with which it computed on the CPU.
        split: digest of its data and their division.
        metrics: what the trial says of its predictions for validation and test data.
        pixels: how images whose pixels are no bytes were scaled; None: there were none.
    """

    config: dict[str, Any]
    input_shape: tuple[Positive, ...]
    outputs: Positive
    task: Kind
    layers: tuple[Layer, ...]
    counters: dict[str, int]
    density: float
    sparsity: float
    drawn: str
    torch: str
    device: str
    threads: Positive
    split: str
    metrics: Metrics
    pixels: Pixels | None = None

    @field_validator("config")
    @classmethod
    def _is_a_trial_s(cls, config: dict[str, Any]) -> dict[str, Any]:
        parts = [config.get(section) for section in NAMED]
        if not all(isinstance(part, dict) and isinstance(part.get("name"), str) for part in parts):
            raise ValueError(f"found no names of {', '.join(NAMED)}")
        return config


@dataclass(frozen=True)
class Ticket:
    """Words and tensors.

    Attributes:
        mask: (n,) bool, which of the n prunable weights are kept.
        state: what else the seed does not give, by name: BatchNorm's running statistics.
    """

    about: About
    mask: NDArray[np.bool_]
    state: Mapping[str, NDArray[Any]]

    def kept(self) -> list[int]:
        """How many weights of each layer are kept."""
        ends = accumulate((layer.size for layer in self.about.layers), initial=0)
        return [int(np.count_nonzero(self.mask[start:end])) for start, end in pairwise(ends)]

    @property
    def dense_bytes(self) -> int:
        """What the same network takes with every weight as a float32."""
        return 4 * len(self.mask) + sum(values.nbytes for values in self.state.values())

    def to_bytes(self) -> bytes:
        """The file; equal tickets give equal bytes."""
        tensors = {_MASK: np.packbits(self.mask), **self.state}
        unsaid = {"pixels"} if self.about.pixels is None else None  # so that earlier versions read it
        words = self.about.model_dump(mode="json", exclude=unsaid)
        header = {"version": VERSION, "sha256": _digest(words, tensors), **words}
        return save(tensors, {_HEADER: json.dumps(header)})


def read_ticket(path: Path) -> Ticket:
    """The ticket of a file.

    Raises:
        BadInput: there is none, it is damaged, it is something else, or a newer version has written it.
    """
    try:
        with safe_open(path, framework="np") as file:
            text = (file.metadata() or {}).get(_HEADER)
            if text is None:
                raise BadInput(
                    f"is no ticket, which is called {TICKET} where a run leaves one", source=path, code="damaged"
                )
            header = _header(text)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
        return _ticket(header, tensors)
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
    if version > VERSION:
        problem = f"is a ticket of version {version}; a newer SparseTune has written it"
        raise BadInput(problem, allowed=str(VERSION))
    return header


def _ticket(header: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> Ticket:
    words = {name: value for name, value in header.items() if name not in ("version", "sha256")}
    if header.get("sha256") != _digest(words, tensors):
        raise BadInput("is damaged: its content does not have the checksum that it names", code="damaged")
    try:
        about = About.model_validate_json(json.dumps(words))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInput(f"is no ticket of version {VERSION}: {where}: {first['msg']}", code="damaged") from None
    state = dict(tensors)
    bits, count = state.pop(_MASK, None), sum(layer.size for layer in about.layers)
    if bits is None or bits.dtype != np.uint8 or bits.shape != (math.ceil(count / 8),):
        raise BadInput(f"is no ticket: its mask is not one bit for each of {count:,} weights", code="damaged")
    return Ticket(about, np.unpackbits(bits, count=count).astype(np.bool_), state)


def _digest(words: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of all that a ticket says."""
    sha = hashlib.sha256(json.dumps(words, sort_keys=True).encode())
    for name, values in sorted(tensors.items()):
        sha.update(f"{name} {values.dtype.str} {values.shape}".encode())
        sha.update(values.tobytes())
    return sha.hexdigest()

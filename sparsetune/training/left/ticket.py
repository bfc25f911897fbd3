"""A ticket: which weights of a network are kept, and what they are; ``sparsity/ticket_file.py`` has its file.

Of a network of random weights that is its seed, and what the seed does not give, such as BatchNorm's state. Of a level
of iterative pruning it is all weights as its training began with them. Reading needs no torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError, field_validator

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Metrics
from sparsetune.config.base import Model
from sparsetune.config.metrics import Kind
from sparsetune.config.trial import NAMED
from sparsetune.data.pixels import Pixels
from sparsetune.sparsity.ticket_file import (
    SEED,
    WEIGHTS,
    Content,
    Layer,
    Positive,
    misread,
    pieces,
    read_content,
    written,
)


class About(Model):
    """The words of a ticket.

    Attributes:
        config: of the trial, with its seed, without what belongs to a machine.
        input_shape: of one sample.
        outputs: classes, or numbers to predict.
        layers: the prunable tensors, in the order of the mask.
        counters: whole numbers of the network's state, such as BatchNorm's count of batches.
        density: kept fraction of the prunable weights; ``sparsity`` is the removed one.
        torch: the version that drew them.
        device: where the trial trained: ``cpu`` or ``cuda``.
        threads: with which it computed on the CPU.
        split: digest of its data and their division.
        metrics: what the trial says of its predictions for validation and test data.
        pixels: how images whose pixels are no bytes were scaled; None: there were none.
    """

    version: ClassVar[int]

    config: dict[str, Any]
    input_shape: tuple[Positive, ...]
    outputs: Positive
    task: Kind
    layers: tuple[Layer, ...]
    counters: dict[str, int]
    density: float
    sparsity: float
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


class OfSeed(About):
    """Of a network whose weights are drawn and never trained.

    Attributes:
        drawn: SHA-256 of the weights as the seed drew them.
    """

    version = SEED

    drawn: str


class Origin(Model):
    """Which training a ticket's weights are of, as far as that is known.

    Attributes:
        study, trial: none of a single run.
        level: of pruning, from 1.
        arm: of the level.
    """

    study: str | None = None
    trial: int | None = None
    level: Positive
    arm: str


class Start(Model):
    """Where in its training the weights are as they are here: at its beginning, or as far as it was rewound to.

    Attributes:
        iterations: steps of the optimiser before.
        epoch: number of the order of samples that is drawn from, or comes next, from 0.
        step: steps done within that.
    """

    iterations: int
    epoch: int
    step: int


class OfWeights(About):
    """Of a level: what its training begins with.

    Attributes:
        origin: which level.
        start: where its training begins.
    """

    version = WEIGHTS

    origin: Origin
    start: Start


_KINDS: Mapping[int, type[About]] = {kind.version: kind for kind in (OfSeed, OfWeights)}


@dataclass(frozen=True)
class Ticket:
    """Words and tensors.

    Attributes:
        mask: (n,) bool, which of the n prunable weights are kept.
        state: what else the words do not give, by name: BatchNorm's running statistics; of weights, all of them.
    """

    about: About
    mask: NDArray[np.bool_]
    state: Mapping[str, NDArray[Any]]

    def kept(self) -> list[int]:
        """How many weights of each layer are kept."""
        return [int(np.count_nonzero(part)) for part in pieces(self.about.layers, self.mask)]

    @property
    def dense_bytes(self) -> int:
        """What the same network takes with every weight as a float32."""
        drawn = 0 if isinstance(self.about, OfWeights) else 4 * len(self.mask)
        return drawn + sum(values.nbytes for values in self.state.values())

    def to_bytes(self) -> bytes:
        """The file; equal tickets give equal bytes."""
        unsaid = {"pixels"} if self.about.pixels is None else None  # so that earlier versions read it
        words = self.about.model_dump(mode="json", exclude=unsaid)
        return written(self.about.version, words, self.mask, self.state)


def read_ticket(path: Path) -> Ticket:
    """The ticket of a file.

    Raises:
        BadInput: there is none, it is damaged, it is something else, or a newer version has written it.
    """
    content = read_content(path)
    try:
        return Ticket(_about(content), content.mask, content.tensors)
    except BadInput as error:
        raise error.located(source=path) from None


def _about(content: Content) -> About:
    try:
        return _KINDS[content.version].model_validate_json(json.dumps(content.words))
    except KeyError:
        raise BadInput(f"is no ticket: there is no version {content.version}", code="damaged") from None
    except ValidationError as error:
        raise misread(content.version, error) from None

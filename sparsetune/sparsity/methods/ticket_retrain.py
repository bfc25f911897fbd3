"""Ticket retraining: take up a lottery ticket, its weights and its mask, and train it as a config says.

Paper:   A. Morcos, H. Yu, M. Paganini, Y. Tian, One Ticket to Win Them All (2019): tickets of one data set or
         optimiser train well with others.
Idea:    a level's training needs what it began with and nothing else. With the same data, seed and training it gives
         the level's numbers again; with others it says whether the ticket is worth anything there.
Hooks:   numbers.
Ranges:  those of the ``training`` section; search_spaces/optimizer.yaml.

``control`` says what is trained instead; forked, each comes from the same ticket:

- none: the ticket
- new_weights: weights drawn anew under the ticket's mask
- shuffled: the ticket's weights under its mask permuted over all prunable weights together, as Morcos et al. do
- random_mask: the ticket's weights under a random mask with as many of them in each layer

Of data with another number of classes the last layer is new, as Morcos et al. have it: drawn from the seed, and dense.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch

from sparsetune.base.durations import Rest
from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Metrics
from sparsetune.config.base import Part, param
from sparsetune.config.facts import Facts, steps_of
from sparsetune.config.registry import Registries
from sparsetune.config.trial import Training, TrialConfig
from sparsetune.sparsity.masks import kept_share
from sparsetune.sparsity.method import Method
from sparsetune.sparsity.rewinding import MANY, Rewind, check_rewind, start_of
from sparsetune.sparsity.stage import Stage
from sparsetune.sparsity.taking_up import Control, TakenUp, beginning
from sparsetune.sparsity.ticket_file import read_content
from sparsetune.sparsity.ticket_source import OfStudy, digest_of, file_of

TAKE_UP, TRAIN = "take up", "train"  # phases


class TicketRetrainConfig(Part):
    """Which ticket, and what of it."""

    name: Literal["ticket_retrain"] = "ticket_retrain"
    source: str | OfStudy = param(
        ..., "a ticket.safetensors, a folder that has some, or {study, trial} of the project", phase=TAKE_UP, place=True
    )
    level: int | None = param(
        None, "of pruning, where the source has tickets of several; null: the only one", phase=TRAIN, ge=1
    )
    rewind: Rewind = param(
        0.0,
        "what of the training lies before the ticket's weights, which it goes on from: as method.rewind of its lottery",
        phase=TAKE_UP,
    )
    control: Control = param("none", "what is trained instead of the ticket", phase=TRAIN)

    @property
    def place(self) -> str:
        """The file or folder of a located config."""
        return str(self.source)


class TicketRetraining(Method):
    """Trains what a level of lottery tickets began with."""

    Config = TicketRetrainConfig
    metrics = ("density",)
    arms = "control"
    phases = (TAKE_UP, TRAIN)

    @classmethod
    def check(cls, config: TrialConfig, registries: Registries) -> None:
        """Something has to be left to train."""
        method = config.method
        assert isinstance(method, TicketRetrainConfig)
        check_rewind(method.rewind, config.training.length, steps_of(config, registries) or MANY)

    @classmethod
    def locate(cls, config: TicketRetrainConfig, project_root: Path) -> TicketRetrainConfig:
        """With the absolute path of a place that has the ticket."""
        place = (project_root / Path(config.place).expanduser()).resolve()
        if not place.exists():
            raise BadInput(f"there is no file or folder {place}", key="method.source", code="missing")
        return config.model_copy(update={"source": str(place)})

    @classmethod
    def prepare(cls, config: TrialConfig, facts: Facts, registries: Registries) -> None:
        """Read the ticket, and see whether it fits the network."""
        method = config.method
        assert isinstance(method, TicketRetrainConfig)
        file = file_of(Path(method.place), method.level, config.seed)
        taken = TakenUp.of(read_content(file))
        model = registries.model.get(config.model.name)
        with torch.device("meta"):
            network = model.network(config.model, facts.input_shape, facts.outputs)
        try:
            taken.fitting(network.state_dict(), list(model.prunable(network)))
        except BadInput as error:
            raise error.at(source=file) from None

    @classmethod
    def content(cls, config: TicketRetrainConfig) -> str:
        return digest_of(Path(config.place))

    @classmethod
    def tree(cls, config: TicketRetrainConfig, training: Training) -> Stage:
        before = beginning(config.place, config.level, config.control)
        start = start_of(config.rewind, training.length)
        length = Rest(training.length, start) if start.count else training.length
        return cls.stage(TRAIN, length, config, training, before=before, skipped=start)

    def numbers(self) -> Metrics:
        """The density that masks allow."""
        sizes = {name: weight.numel() for name, weight in self.session.prunable.items()}
        return {"density": kept_share(self.session.masks, sizes)}

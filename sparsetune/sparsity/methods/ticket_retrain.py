"""Ticket retraining: take up a lottery ticket, its weights and its mask, and train it as a config says.

Paper:   A. Morcos, H. Yu, M. Paganini, Y. Tian, One Ticket to Win Them All (2019): tickets of one data set or
         optimiser train well with others.
Idea:    a level's training needs what it began with and nothing else. With the same data, seed and training it gives
         the level's numbers again; with others it says whether the ticket is worth anything there.
Hooks:   numbers.
Ranges:  those of the ``training`` section; search_spaces/optimizer.yaml.

``arm`` says what is trained; forked, all come from the same ticket:

- ticket: the ticket
- new_weights: weights drawn anew under the ticket's mask
- shuffled: the ticket's weights under its mask permuted over all prunable weights together, as Morcos et al. do
- random_mask: the ticket's weights under a random mask with as many of them in each layer

``first`` is a training that comes before, of other data, optimiser or samples: its tickets are taken up. It is no part
of the trial's numbers, nor of what these say that training has cost.

Of data with another number of classes the last layer is new, as Morcos et al. have it: drawn from the seed, and dense.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from pydantic import model_validator
from torch import nn

from sparsetune.base.durations import Rest
from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Metrics
from sparsetune.config.base import Part, param
from sparsetune.config.facts import Facts, facts_of, steps_of
from sparsetune.config.registry import Registries
from sparsetune.config.trial import Training, TrialConfig
from sparsetune.sparsity import trained_first
from sparsetune.sparsity.masks import kept_share
from sparsetune.sparsity.method import Method
from sparsetune.sparsity.rewinding import MANY, Rewind, check_rewind, start_of
from sparsetune.sparsity.stage import Stage
from sparsetune.sparsity.taking_up import Arm, TakenUp, beginning
from sparsetune.sparsity.ticket_file import read_content
from sparsetune.sparsity.ticket_source import OfStudy, digest_of, file_of, levels_in
from sparsetune.sparsity.trained_first import First

TAKE_UP, TRAIN = "take up", "train"  # phases


class TicketRetrainConfig(Part):
    """Which ticket, and what of it."""

    name: Literal["ticket_retrain"] = "ticket_retrain"
    source: str | OfStudy | None = param(
        None,
        "a ticket.safetensors, a folder that has some, or {study, trial} of the project; else what first leaves",
        phase=TAKE_UP,
        place=True,
    )
    first: First | None = param(
        None, "instead of source: {method, data, training} of a training that comes first, of as many", phase=TAKE_UP
    )
    level: int | None = param(
        None, "of pruning, where the source has tickets of several; null: the only one, or the last", phase=TRAIN, ge=1
    )
    rewind: Rewind = param(
        0.0,
        "what of the training lies before the ticket's weights, which it goes on from: as method.rewind of its lottery",
        phase=TAKE_UP,
    )
    arm: Arm = param("ticket", "what is trained: the ticket, or a control of it", phase=TRAIN)

    @model_validator(mode="after")
    def _one_of_them(self) -> TicketRetrainConfig:
        if self.source is not None and self.first is not None:
            raise BadInput("written beside method.first; remove one", key="source", code="conflict")
        if self.source is None and self.first is None:
            raise BadInput("missing: which tickets", key="source", code="missing")
        return self

    @property
    def place(self) -> str:
        """The file or folder of a located config."""
        return str(self.source)


class TicketRetraining(Method):
    """Trains what a level of lottery tickets began with."""

    Config = TicketRetrainConfig
    metrics = ("density",)
    arms = "arm"
    phases = (TAKE_UP, TRAIN)

    @classmethod
    def check(cls, config: TrialConfig, registries: Registries) -> None:
        """Something has to be left to train."""
        method = config.method
        assert isinstance(method, TicketRetrainConfig)
        check_rewind(method.rewind, config.training.length, steps_of(config, registries) or MANY)
        if method.first is not None:
            trained_first.check(method.first, config, method.level, registries)

    @classmethod
    def completed(cls, config: TicketRetrainConfig, registries: Registries) -> TicketRetrainConfig:
        if config.first is None:
            return config
        return config.model_copy(update={"first": trained_first.completed(config.first, registries)})

    @classmethod
    def comes_first(cls, config: TrialConfig) -> TrialConfig | None:
        method = config.method
        assert isinstance(method, TicketRetrainConfig)
        return None if method.first is None else trained_first.config_of(method.first, config)

    @classmethod
    def taking(cls, config: TicketRetrainConfig, folder: Path) -> TicketRetrainConfig:
        level = config.level or max(levels_in(folder))
        return config.model_copy(update={"source": str(folder), "level": level})

    @classmethod
    def locate(cls, config: TicketRetrainConfig, project_root: Path) -> TicketRetrainConfig:
        """With the absolute path of a place that has the ticket."""
        if config.source is None:
            return config
        place = (project_root / Path(config.place).expanduser()).resolve()
        if not place.exists():
            raise BadInput(f"there is no file or folder {place}", key="method.source", code="missing")
        return config.model_copy(update={"source": str(place)})

    @classmethod
    def prepare(cls, config: TrialConfig, facts: Facts, registries: Registries) -> None:
        """Read the ticket, and see whether it fits the network."""
        method, first = config.method, cls.comes_first(config)
        assert isinstance(method, TicketRetrainConfig)
        model = registries.model.get(config.model.name)

        def network_of(facts: Facts) -> nn.Module:
            with torch.device("meta"):
                network: nn.Module = model.network(config.model, facts.input_shape, facts.outputs)
                return network

        network = network_of(facts)
        if first is None:
            file: Path | None = file_of(Path(method.place), method.level, config.seed)
            assert file is not None
            taken = TakenUp.of(read_content(file))
        else:
            of_first = facts_of(first, registries)
            assert of_first is not None
            file, taken = None, TakenUp(network_of(of_first).state_dict(), {})
        try:
            taken.fitting(network.state_dict(), list(model.prunable(network)))
        except BadInput as error:
            raise error.at(source=file, key=None if first is None else trained_first.FIRST) from None

    @classmethod
    def content(cls, config: TicketRetrainConfig) -> str:
        return "" if config.source is None else digest_of(Path(config.place))

    @classmethod
    def tree(cls, config: TicketRetrainConfig, training: Training) -> Stage:
        before = beginning(config.place, config.level, config.arm)
        start = start_of(config.rewind, training.length)
        length = Rest(training.length, start) if start.count else training.length
        return cls.stage(TRAIN, length, config, training, before=before, skipped=start)

    def numbers(self) -> Metrics:
        """The density that masks allow."""
        sizes = {name: weight.numel() for name, weight in self.session.prunable.items()}
        return {"density": kept_share(self.session.masks, sizes)}

"""PMMP (probabilistic minimax pruning): training that counts weights by probabilities to keep them, then pruning.

Source:  L0-and-behold/efficient-compression.
Idea:    each weight theta has a copy w of its own, a probability p that it is kept and a multiplier u of the constraint
         that theta is w where it is kept and else 0. alpha p is the cost of keeping it; u ascends while that is not
         so. What comes of it is a gradient of the number of weights without samples of masks.
Hooks:   after_backward, after_step, numbers.
Ranges:  search_spaces/pmmp.yaml: alpha 1e-5-3e-2 (log), initial_u 0-5, ascent_lr 3e-5-3e-3 (log);
         search_spaces/tamade.yaml: delta 0-0.5.

The network's weights are theta; pruning looks at them, as in all methods of compression. w, p and u are parameters of
the optimiser, of the same step; in fine-tuning they rest. ``sparsity/minimax.py`` has the objective.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sparsetune.base.messages import Metrics
from sparsetune.config.base import param
from sparsetune.sparsity.compression_settings import TRAIN
from sparsetune.sparsity.history import History, Rule
from sparsetune.sparsity.methods.pmmp_metrics import METRICS
from sparsetune.sparsity.minimax import Copies, Minimax, as_factor, copies_of, undecided_share, violation
from sparsetune.sparsity.minimax_layers import KeptByLayer
from sparsetune.sparsity.penalised import PenalisedConfig, Regularised
from sparsetune.sparsity.penalties import RelaxedL1
from sparsetune.sparsity.session import Session
from sparsetune.sparsity.stage import Procedure, Yielded
from sparsetune.sparsity.tamade import narrow

_PROGRAM = "L0-and-behold/efficient-compression"


class PmmpConfig(PenalisedConfig):
    """Settings of PMMP."""

    name: Literal["pmmp"] = "pmmp"
    l1_alpha: float = param(0.0, "weight of the weights' magnitudes", phase=TRAIN, ge=0, allow_inf_nan=False)
    initial_p: float = param(1.0, "keep probabilities before training", phase=TRAIN, source=_PROGRAM, gt=0, le=1)
    initial_u: float = param(
        0.0, "multipliers before training", phase=TRAIN, source=_PROGRAM, ge=0, allow_inf_nan=False
    )
    multiplier_factor: float = param(
        1.0, "on all multipliers, in every step", phase=TRAIN, source=_PROGRAM, gt=0, allow_inf_nan=False
    )
    ascent_lr: float | None = param(
        None,
        "the multipliers' learning rate, which the schedule scales as it does training.lr; null: that one",
        phase=TRAIN,
        gt=0,
        allow_inf_nan=False,
    )
    undecided_share: float = param(
        0.01,
        "with smoothing_window: training does not end while more of the keep probabilities are between 0.1 and 0.9",
        unit="fraction",
        phase=TRAIN,
        source=_PROGRAM,
        ge=0,
        le=1,
    )


@dataclass(frozen=True)
class Decided:
    """Another rule, once no more than a share of the keep probabilities of what masks keep is undecided."""

    rule: Rule
    share: float

    @property
    def window(self) -> int:
        return self.rule.window

    def __call__(self, history: History, session: Session) -> bool:
        return self.rule(history, session) and undecided_share(copies_of(session), session.masks) <= self.share


@dataclass(frozen=True)
class Unkept:
    """Take weights whose keep probability is 0 out of the masks."""

    def __call__(self, session: Session, state: Any = None) -> None:
        narrow(session, {name: copies.keep.detach() > 0 for name, copies in copies_of(session).items()})


@dataclass(frozen=True)
class Forgotten:
    """Another procedure; of what is pruned after it the keep probability is 0, so that nothing pulls it back."""

    procedure: Procedure

    def __call__(self, session: Session, state: Any = None) -> Iterator[Yielded]:
        yield from self.procedure(session, state) or ()
        for name, copies in copies_of(session).items():
            if name in session.masks:
                copies.keep.detach().masked_fill_(~session.masks[name], 0)


class MinimaxPruning(Regularised):
    """Trains weights, their copies, keep probabilities and multipliers at once; without alpha weights alone."""

    Config = PmmpConfig
    metrics = (*Regularised.metrics, *METRICS)
    by_layer = KeptByLayer

    def __init__(self, config: PmmpConfig, session: Session) -> None:
        super().__init__(config, session)
        self._gradients: dict[str, Copies] = {}  # kept from step to step: new memory takes as long as filling it
        self._numbers: Metrics = {}  # none without copies
        self.copies: dict[str, Copies] = {}
        for name, weight in self.weights.items() if config.alpha else ():
            of_weight = weight.detach()
            beside = (
                of_weight.clone(),
                torch.full_like(of_weight, config.initial_p),
                torch.full_like(of_weight, config.initial_u),
            )
            self.copies[name] = Copies(*map(nn.Parameter, beside))
            session.register(name, *self.copies[name])

    @classmethod
    def unpenalised(cls, config: PmmpConfig) -> Any:
        return super().unpenalised(config).model_copy(update={"l1_alpha": 0.0})

    @classmethod
    def pruning(cls, config: PmmpConfig) -> Procedure:
        return Forgotten(super().pruning(config))

    @classmethod
    def pruning_on_the_way(cls, config: PmmpConfig) -> Procedure:
        """By keep probabilities; without alpha there are none."""
        return Forgotten(cls.step(config, Unkept())) if config.alpha else cls.pruning(config)

    @classmethod
    def ended(cls, config: PmmpConfig) -> Rule | None:
        rule = super().ended(config)
        return rule if rule is None else Decided(rule, config.undecided_share)

    def parameters(self) -> list[dict[str, Any]]:
        """Weight decay and clipping are for the network's alone; multipliers ascend."""
        network: dict[str, Any] = {"params": [*self.session.network.parameters()]}
        if not self.copies:
            return [network]
        for name, copies in self.copies.items():  # the network's memory may have got another order since they were made
            for each in copies:
                each.data = _in_order_of(self.weights[name], each)
        free, keep, multipliers = ([*each] for each in zip(*self.copies.values(), strict=True))
        apart, lr = {"weight_decay": 0.0, "clipped": False}, self.config.ascent_lr
        ascent = {**apart, "maximize": True, **({} if lr is None else {"lr": lr})}
        return [network, {"params": free + keep, **apart}, {"params": multipliers, **ascent}]

    def adopt(self, config: Any) -> None:
        super().adopt(config)
        if not config.alpha:
            self._gradients.clear()

    @torch.no_grad()
    def after_backward(self) -> None:
        config, gradients = self.config, self.gradients
        if config.rho or config.l1_alpha:
            penalty = RelaxedL1(config.l1_alpha * self.share, config.rho * self.share)
            penalty.add_gradient(gradients, [*self.weights.values()], [1.0] * len(gradients), 1.0)
        if config.alpha:
            minimax = Minimax(config.alpha * self.share, config.multiplier_factor)
            for (name, copies), onto in zip(self.copies.items(), gradients, strict=True):
                of_copies = self._gradients_of(name)
                mask = self.session.masks.get(name)
                minimax.add_gradients(onto, of_copies, self.weights[name], copies, mask)
                for parameter, gradient in zip(copies, of_copies, strict=True):
                    parameter.grad = gradient

    @torch.no_grad()
    def after_step(self) -> None:
        """Probabilities stay probabilities, and 0 of what is pruned, which momentum would move."""
        for name, copies in self.copies.items() if self.config.alpha else ():
            copies.keep.clamp_(0, 1)
            if name in self.session.masks:
                copies.keep.mul_(as_factor(self.session.masks[name]))

    def numbers(self) -> Metrics:
        if self.config.alpha:
            with torch.no_grad():
                numbers = undecided_share(self.copies, self.session.masks), violation(self.weights, self.copies)
            self._numbers = {metric.name: number for metric, number in zip(METRICS, numbers, strict=True)}
        return {**super().numbers(), **self._numbers}

    def state_dict(self) -> dict[str, Any]:
        copies = {name: [each.detach() for each in beside] for name, beside in self.copies.items()}
        return {"copies": copies, "numbers": dict(self._numbers)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Their shapes may have changed since."""
        for name, saved in state["copies"].items():
            for parameter, value in zip(self.copies[name], saved, strict=True):
                parameter.data = _in_order_of(self.weights[name], value)
                parameter.grad = None
        self._numbers = dict(state["numbers"])

    def _gradients_of(self, name: str) -> Copies:
        """Room for those of a weight's copies."""
        if name not in self._gradients or self._gradients[name].free.shape != self.weights[name].shape:
            self._gradients[name] = Copies(*(torch.empty_like(each) for each in self.copies[name]))
        return self._gradients[name]


def _in_order_of(weight: Tensor, values: Tensor) -> Tensor:
    """A copy that lies in memory as the weight does: channels last, or not."""
    return torch.empty_like(weight.detach()).copy_(values.detach())

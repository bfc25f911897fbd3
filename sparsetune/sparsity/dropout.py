"""Dropout that stays on in evaluation: Monte Carlo dropout.

Source: Y. Gal, Z. Ghahramani, Dropout as a Bayesian Approximation (2016).

Predictions are averaged over T networks with different units dropped. What lies before the first dropout is the same
in all of them and is computed once: there the batch is repeated T times, and the rest of the network sees one batch of
T x B samples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from sparsetune.base.errors import BadInput
from sparsetune.base.seeds import mix
from sparsetune.config.base import EVALUATION, Part, param
from sparsetune.config.metrics import Kind
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.sparsity.session import Session

MC_SAMPLES = "method.mc_samples"  # as a config names it
_UNITS = 0xD209  # apart from what training draws with the same seed


class DropoutConfig(Part):
    """Settings of Monte Carlo dropout, for every method that has it."""

    n_dropout_layers: int = param(
        0, "places with dropout, counted from the output; a model says where they are", phase="train", ge=0
    )
    p_dropout: float = param(
        0.5, "fraction of values that a place drops", phase="train", needs="n_dropout_layers", ge=0, lt=1
    )
    mc_samples: int = param(
        0,
        "networks with other units dropped whose predictions are averaged in evaluation; 0: one in which nothing is",
        phase=EVALUATION,
        needs="n_dropout_layers",
        ge=0,
        le=1000,
    )


class MonteCarloDropout:
    """Drops outputs of named modules of a network: in training always, in evaluation within :meth:`predict` only."""

    def __init__(self, network: nn.Module, sites: Sequence[str], p: float, samples: int, seed: int, task: Kind) -> None:
        """
        Args:
            sites: names of modules, in the order in which a sample passes them; at least one.
            p: fraction of a module's output values that is set to zero, the others are multiplied by 1 / (1 - p).
            samples: T, networks to average over.
            seed: fixes which units the evaluations drop.
        """
        self.sites = tuple(sites)
        self._network, self._task = network, task
        self._units = _Units(p, samples, seed)
        for number, name in enumerate(sites):
            network.get_submodule(name).register_forward_hook(_Site(self._units, number))

    @property
    def samples(self) -> int:
        """T, networks to average over."""
        return self._units.samples

    def restart(self, samples: int | None = None) -> None:
        """Begin an evaluation, with so many networks from now on: every one drops the same units."""
        self._units.samples = samples or self._units.samples
        self._units.restart()

    def predict(self, inputs: Tensor) -> Tensor:
        """The outputs (T, B, ...) of T networks for a batch (B, ...), without gradient."""
        with self._units.drawn(inputs.device):
            outputs: Tensor = self._network(inputs)
        each: Tensor = outputs.unflatten(0, (self.samples, -1))
        return each

    def fix(self, sample: Tensor) -> None:
        """From here on each of the T networks drops the same units of all samples: those of an evaluation's first one.

        Args:
            sample: (1, ...), a batch of any one sample.
        """
        self._units.hold()
        self.predict(sample)

    def mean(self, inputs: Tensor) -> Tensor:
        """(B, C): the mean of the T predictions; of classes as logarithms of probabilities, which serve as logits."""
        outputs = self.predict(inputs)
        return outputs.mean(0) if self._task == "regression" else log_mean_probability(outputs)


def make_dropout(config: DropoutConfig, session: Session) -> MonteCarloDropout | None:
    """Dropout at the last places of a network; None where nothing is dropped."""
    if not (config.n_dropout_layers and config.p_dropout):
        return None
    sites = session.dropout_sites[-config.n_dropout_layers :]
    return MonteCarloDropout(session.network, sites, config.p_dropout, 1, session.seed, session.task)


def check_dropout(config: TrialConfig, registries: Registries) -> None:
    """Raise :class:`BadInput` when a model has fewer places for dropout than are asked for."""
    method = config.method
    assert isinstance(method, DropoutConfig)
    sites = registries.model.get(config.model.name).dropout_sites(config.model)
    if method.n_dropout_layers > len(sites):
        raise BadInput(
            found=str(method.n_dropout_layers),
            allowed=f"for {config.model.name!r} at most {len(sites)} ({', '.join(sites) or 'it has no such place'})",
            key="method.n_dropout_layers",
        )


class _Units:
    """What the sites of a network drop. Does not know the network, whose memory is free as soon as nobody wants it."""

    def __init__(self, p: float, samples: int, seed: int) -> None:
        self.samples = samples
        self._p, self._seed = p, seed
        self._generators: list[torch.Generator] | None = None
        self._predicting = False
        self._held: dict[int, Tensor] | None = None  # by site: what is kept of every sample, (T, 1, ...)

    def restart(self) -> None:
        """Draw as from the start."""
        self._generators = None

    def hold(self) -> None:
        """Draw as from the start for one batch of one sample, and the same for all that follow."""
        self.restart()
        self._held = {}

    @contextmanager
    def drawn(self, device: torch.device) -> Iterator[None]:
        """Within, a network in evaluation drops; each of the T from a generator of its own."""
        if self._generators is None:
            numbers = range(self.samples)
            self._generators = [torch.Generator(device).manual_seed(mix(self._seed, _UNITS, t)) for t in numbers]
        self._predicting = True
        try:
            yield
        finally:
            self._predicting = False

    def drop(self, values: Tensor, *, training: bool, site: int) -> Tensor:
        """What a site makes of a module's output."""
        if training:
            return dropout(values, self._p)
        if not self._predicting:
            return values
        each = values.unflatten(0, (self.samples, -1)) if site else values.unsqueeze(0)
        if self._held is not None and site not in self._held:
            self._held[site] = self._kept(each)
        kept = self._kept(each) if self._held is None else self._held[site]
        return (kept * each).div_(1 - self._p).flatten(0, 1)

    def _kept(self, each: Tensor) -> Tensor:
        """1 where a value is kept, else 0, for each network: of (1 or T, B, ...) values (T, B, ...)."""
        assert self._generators is not None
        count = each[0].numel()
        bits = torch.empty((self.samples, (count + 1) // 2), dtype=torch.int64, device=each.device)
        for row, generator in zip(bits, self._generators, strict=True):
            row.random_(-(2**63), None, generator=generator)  # two numbers of 32 bits: half the time of floats
        dropped = min(round(self._p * 2**32) - 2**31, 2**31 - 1)
        kept = torch.empty((self.samples, count), dtype=each.dtype, device=each.device)
        torch.ge(bits.view(torch.int32)[:, :count], dropped, out=kept)
        return kept.view(self.samples, *each.shape[1:])


class _Site:
    """A forward hook; a class, so that a copied network has copies of its sites."""

    def __init__(self, units: _Units, number: int) -> None:
        self._units, self._number = units, number

    def __call__(self, module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        return self._units.drop(output, training=module.training, site=self._number)


def log_mean_probability(logits: Tensor) -> Tensor:
    """ln of the mean over T of softmax probabilities: (T, B, C) to (B, C). As logits, they give these probabilities."""
    shifted = logits - logits.amax(-1, keepdim=True)
    log_p = shifted - shifted.exp().sum(-1, keepdim=True).log()  # on a CPU a third of log_softmax's time for 10 classes
    return torch.logsumexp(log_p, dim=0) - math.log(len(logits))

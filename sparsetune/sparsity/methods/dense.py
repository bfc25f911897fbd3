"""Dense training: the null method, which takes the same path as every other.

Idea:    train all weights on all samples; with dropout layers, average predictions over networks with dropped units.
Hooks:   begin_evaluation, predict.
Ranges:  those of the ``training`` section; search_spaces/optimizer.yaml. p_dropout 0.02-0.6, mc_samples 1-50 (log).
"""

from typing import Literal

from torch import Tensor, nn

from sparsetune.config.registry import Registries
from sparsetune.config.trial import Training, TrialConfig
from sparsetune.sparsity.dropout import DropoutConfig, MonteCarloDropout, check_dropout, make_dropout
from sparsetune.sparsity.method import ANYTHING, Method, Subject


class DenseConfig(DropoutConfig):
    """Dense training has no settings but those of dropout."""

    name: Literal["dense"] = "dense"


class Dense(Method):
    """Changes nothing."""

    Config = DenseConfig

    config: DenseConfig

    def __init__(
        self, config: DenseConfig, network: nn.Module, training: Training, subject: Subject = ANYTHING
    ) -> None:
        super().__init__(config, network, training, subject)
        self._dropout = make_dropout(config, network, subject)

    @classmethod
    def check(cls, config: TrialConfig, registries: Registries) -> None:
        """The model must have as many places for dropout as are asked for."""
        check_dropout(config, registries)

    def adopt(self, config: DenseConfig) -> None:
        """Another number of Monte Carlo samples, or none."""
        super().adopt(config)
        if self._dropout is not None:
            self._dropout.samples = config.mc_samples

    @property
    def _averaged(self) -> MonteCarloDropout | None:
        return self._dropout if self.config.mc_samples else None

    @property
    def samples(self) -> int:
        return 1 if self._averaged is None else self._averaged.samples

    @property
    def first_dropout(self) -> str | None:
        return None if self._averaged is None else self._averaged.sites[0]

    def begin_evaluation(self) -> None:
        """Every evaluation drops the same units."""
        if self._averaged is not None:
            self._averaged.restart()

    def predict(self, inputs: Tensor) -> Tensor:
        """With dropout the mean over Monte Carlo samples: of probabilities (as logarithms), or of numbers."""
        return super().predict(inputs) if self._averaged is None else self._averaged.mean(inputs)

"""What methods with Monte Carlo dropout have in common: how predictions are averaged, and over how many networks."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, TypeGuard

from torch import Tensor

from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.sparsity.dropout import DropoutConfig, MonteCarloDropout, check_dropout, make_dropout
from sparsetune.sparsity.method import Method
from sparsetune.sparsity.session import Session


class Averages(Protocol):
    """Predicts by several networks. A method that has all of this does, whatever it derives from."""

    @property
    def samples(self) -> int:
        """Networks whose predictions ``predict`` averages."""
        ...

    @property
    def first_dropout(self) -> str | None:
        """The first module whose output these networks drop differently; None where predictions are certain."""
        ...


def averaged(method: Method) -> tuple[str | None, int]:
    """``first_dropout`` and ``samples`` of a method's predictions; None and 1 where one network predicts."""
    return (method.first_dropout, method.samples) if _averages(method) else (None, 1)


def _averages(method: Any) -> TypeGuard[Averages]:
    """Asked at every evaluation: isinstance of a protocol would take as long as a layer of a small network."""
    return hasattr(method, "first_dropout") and hasattr(method, "samples")


class MonteCarloMethod(Method):
    """Base of methods whose ``Config`` is a :class:`~sparsetune.sparsity.dropout.DropoutConfig`."""

    Config: ClassVar[type[DropoutConfig]]

    config: Any  # a DropoutConfig, in each method its own

    def __init__(self, config: Any, session: Session) -> None:
        super().__init__(config, session)
        self._dropout = make_dropout(config, session)

    @classmethod
    def check(cls, config: TrialConfig, registries: Registries) -> None:
        """The model must have as many places for dropout as are asked for."""
        check_dropout(config, registries)

    @property
    def _networks(self) -> int:
        """How many are averaged; 0, one in which nothing is dropped, where a stage does not say how it is evaluated."""
        return int(vars(self.config).get("mc_samples", 0))

    @property
    def _averaged(self) -> MonteCarloDropout | None:
        return self._dropout if self._networks else None

    @property
    def samples(self) -> int:
        return 1 if self._averaged is None else self._networks

    @property
    def first_dropout(self) -> str | None:
        return None if self._averaged is None else self._averaged.sites[0]

    def begin_evaluation(self) -> None:
        """Every evaluation drops the same units."""
        if self._averaged is not None:
            self._averaged.restart(self._networks)

    def fix(self, sample: Tensor) -> None:
        """Each of the averaged networks drops the same units of all samples: those of an evaluation's first one."""
        if self._averaged is not None:
            self._averaged.restart(self._networks)
            self._averaged.fix(sample)

    def predict(self, inputs: Tensor) -> Tensor:
        """With dropout the mean over Monte Carlo samples: of probabilities (as logarithms), or of numbers."""
        return super().predict(inputs) if self._averaged is None else self._averaged.mean(inputs)

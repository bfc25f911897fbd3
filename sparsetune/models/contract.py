"""What a model is to the registry: it says what it takes, and builds networks whose parts have names.

A network maps (N, *input_shape) to (N, outputs): logits, or the predicted numbers of a regression. Building draws from
torch's global generator; the device is the current default, so ``with torch.device("meta")`` counts without memory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from torch import nn

from sparsetune.base.errors import BadInput
from sparsetune.config.base import Part, param
from sparsetune.config.facts import Facts, facts_of
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.models.init import INITS
from sparsetune.models.layers import layers
from sparsetune.models.weights import digest, locate, read, replace_weights


class ModelConfig(Part):
    """Settings that all models share."""

    width_scale: float = param(
        1.0, "factor on every hidden width, rounded down to at least 1", gt=0, allow_inf_nan=False
    )
    init: Literal["default", "kaiming", "xavier", "glorot", "lux", "signed_constant"] = param(
        "default", "how weights are drawn: as the architecture's source does, or by that rule"
    )
    weights: str | None = param(
        None, "weights to start from: a .safetensors file, or a name of torchvision's such as IMAGENET1K_V1", place=True
    )

    def scaled(self, width: int) -> int:
        """A hidden width as it is built."""
        return max(1, int(width * self.width_scale))


class Model:
    """Base of all models."""

    Config: ClassVar[type[ModelConfig]]
    torchvision: ClassVar[str | None] = None  # what torchvision calls the architecture, where it has weights for it
    old_names: ClassVar[dict[str, str]] = {}  # pattern -> replacement, for tensors of torchvision's older files

    @classmethod
    def check(cls, config: TrialConfig, registries: Registries) -> None:
        """Raise :class:`BadInput` for data or batches that it cannot train on, as far as they are known."""
        facts = facts_of(config, registries)
        if facts is None:
            return
        cls.fits(config.model, facts.input_shape)
        batch = config.training.batch_size
        if cls.batch_norm(config.model) and (batch == 1 or facts.train_samples % batch == 1):
            fitting = next(size for size in range(max(2, batch), batch + 3) if facts.train_samples % size != 1)
            raise BadInput(
                f"{facts.train_samples:,} samples in batches of {batch} leave a batch of one, which has no statistics "
                "for BatchNorm",
                key="training.batch_size",
                allowed=f"such as {fitting}",
            )

    @classmethod
    def fits(cls, config: Any, input_shape: tuple[int, ...]) -> None:
        """Raise :class:`BadInput` for samples that the network cannot take."""

    @classmethod
    def locate(cls, config: Any, project_root: Path) -> Any:
        """The config with the absolute path of a weights file whose header is sound.

        Raises:
            BadInput: there is no such file, it is broken, or torchvision has no weights of that name.
        """
        if config.weights is None:
            return config
        located = locate(config.weights, project_root, config.name, cls.pretrained(config))
        return config.model_copy(update={"weights": located})

    @classmethod
    def prepare(cls, config: Any, facts: Facts) -> None:
        """Look once at weights that every worker will load, and download those of torchvision.

        Raises:
            BadInput: they cannot be had, or do not fit this network.
        """
        if config.weights is not None:
            cls.build(config, facts.input_shape, facts.outputs)

    @classmethod
    def content(cls, config: Any) -> str:
        """16 hexadecimal digits that name the file of a located config's weights; their name, or "", without one."""
        return digest(config.weights) if config.weights is not None else ""

    @classmethod
    def pretrained(cls, config: Any) -> str | None:
        """torchvision's name of the architecture that its weights fit; None where it has none."""
        return cls.torchvision

    @classmethod
    def batch_norm(cls, config: Any) -> bool:
        """Whether training needs two samples in every batch."""
        return False

    @classmethod
    def dropout_sites(cls, config: Any) -> tuple[str, ...]:
        """Names of modules whose output can be dropped, in forward order; the last is nearest to the output."""
        return ()

    @classmethod
    def network(cls, config: Any, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
        """The architecture in float32, as its source draws it."""
        raise NotImplementedError

    @classmethod
    def build(cls, config: Any, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
        """The network a trial starts from: drawn as ``init`` says, then with ``weights`` put in.

        Raises:
            BadInput: samples of that shape do not fit, or the weights do not.
        """
        cls.fits(config, input_shape)
        network = cls.network(config, input_shape, outputs)
        INITS[config.init](network)
        if config.weights is not None:
            replace_weights(network, read(config.weights, cls.pretrained(config)), cls.old_names, config.weights)
        return network

    @classmethod
    def prunable(cls, network: nn.Module) -> tuple[str, ...]:
        """Names of the tensors that pruning may remove: weights of convolutions, linear layers and attention.

        Of one that several layers share its first.
        """
        named = dict(network.named_parameters())
        return tuple(layer.name for layer in layers(network) if layer.name in named)

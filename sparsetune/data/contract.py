"""What a data set is to the registry: it says what it holds, finds its files, and reads its samples undivided.

Dividing, label noise and scaling are the same for all and stand in ``splits.py`` and ``dataset.py``, so that a split
is a function of the data's config alone.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sparsetune.base.errors import BadInput, shown
from sparsetune.config.facts import Facts
from sparsetune.config.metrics import Kind
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.data.balance import balance_remarks
from sparsetune.data.config import DataConfig, OnePoolConfig
from sparsetune.data.dataset import Dataset, assemble
from sparsetune.data.pools import Pools
from sparsetune.data.splits import Counts, Division, counts, divide

__all__ = ["DataConfig", "DataSet", "OnePoolConfig", "Outline", "Progress"]

Progress = Callable[[int, int], None]  # done, of how many; 0 of 0: another process is at it, this one waits


@dataclass(frozen=True)
class Outline:
    """What is known of a config before samples are read.

    Attributes:
        samples: in the pool that training samples are taken from.
        has_val, has_test: whether the data bring their own; else they are taken from that pool.
    """

    input_shape: tuple[int, ...]
    outputs: int
    samples: int
    has_val: bool = False
    has_test: bool = True


class DataSet:
    """Base of all data sets."""

    Config: ClassVar[type[DataConfig]]

    @classmethod
    def task(cls, config: Any) -> Kind:
        """What is learned from it."""
        return "classification"

    @classmethod
    def standardizes_targets(cls, config: Any) -> bool:
        """Whether regression learns targets of mean 0 and deviation 1; results are in the data's own unit anyway."""
        return False

    @classmethod
    def outline(cls, config: Any) -> Outline | None:
        """What the config holds; None where that depends on files which :meth:`prepare` has not seen."""
        raise NotImplementedError

    @classmethod
    def locate(cls, config: Any, project_root: Path) -> Any:
        """The config with absolute paths, whose files are there; nothing is decoded or written.

        Raises:
            BadInput: files are missing or broken; names them.
        """
        return config

    @classmethod
    def prepare(cls, config: Any, progress: Progress) -> None:
        """Decode a located config's files, once a machine; returns at once when that has been done."""

    @classmethod
    def content(cls, config: Any) -> str:
        """16 hexadecimal digits that name the samples of a config whose data have been prepared."""
        return cls.read(config).content()[:16]

    @classmethod
    def remarks(cls, config: Any) -> list[str]:
        """What a user should be told of the data that :meth:`prepare` has decoded."""
        return []

    @classmethod
    def all_remarks(cls, config: Any) -> list[str]:
        """Those, and what the classes of its splits keep numbers from showing."""
        remarks = cls.remarks(config)
        if cls.task(config) == "classification":
            with suppress(BadInput):  # who divides them says why they cannot be divided
                pools = cls.read(config)
                division = None if config.stratified else divide(pools, config, "classification")
                rows = (None, None) if division is None else (division.val, division.test)
                remarks += dict.fromkeys(balance_remarks(pools, *rows))
        return remarks

    @classmethod
    def read(cls, config: Any) -> Pools:
        """All samples of a located config, undivided.

        Raises:
            BadInput: names file, row or key.
        """
        raise NotImplementedError

    @classmethod
    def at_hand(cls, config: Any) -> Pools | None:
        """What :meth:`read` gives, as far as a division depends on it; None where something has to be decoded first."""
        decodes = next(each for each in cls.__mro__ if "prepare" in vars(each)) is not DataSet
        return None if decodes else cls.read(config)

    @classmethod
    def divided(cls, pools: Pools, config: DataConfig) -> Division:
        """Which sample belongs to which split; raises :class:`BadInput` for splits that cannot be made."""
        return divide(pools, config, cls.task(config))

    @classmethod
    def counts(cls, config: DataConfig) -> Counts | None:
        """Samples of each split; None where the outline is not known."""
        outline = cls.outline(config)
        if outline is None:
            return None
        test_size = None if outline.has_test else getattr(config, "test_size", None)
        return counts(outline.samples, None if outline.has_val else config.val_size, test_size, config.num_train)

    @classmethod
    def facts(cls, config: DataConfig) -> Facts | None:
        """What models and methods are checked against."""
        outline, counted = cls.outline(config), cls.counts(config)
        if outline is None or counted is None:
            return None
        return Facts(outline.input_shape, outline.outputs, cls.task(config), counted.train)

    @classmethod
    def check(cls, config: TrialConfig, registries: Registries) -> None:
        """Raise :class:`BadInput` for settings that cannot be together."""
        data = config.data
        assert isinstance(data, DataConfig)
        if cls.task(data) == "regression" and data.label_noise:
            raise BadInput(found=shown(data.label_noise), allowed="0 for regression", key="data.label_noise")
        smoothing = config.training.label_smoothing
        if cls.task(data) == "regression" and smoothing:
            raise BadInput(found=shown(smoothing), allowed="0 for regression", key="training.label_smoothing")
        if cls.task(data) == "classification" and config.training.loss is not None:
            allowed = "null for classification, which is cross entropy"
            raise BadInput(found=repr(config.training.loss), allowed=allowed, key="training.loss", code="conflict")
        outline = cls.outline(data)
        if outline is not None and len(outline.input_shape) != 3 and data.augment != "none":
            raise BadInput(found=repr(data.augment), allowed="none for data other than images", key="data.augment")
        counted = cls.counts(data)
        if outline is None or counted is None or cls.task(data) == "regression":
            return
        if counted.train < outline.outputs:
            raise BadInput(
                found=f"{counted.train:,} training samples",
                allowed=f"at least {outline.outputs:,}, one of each class",
                key="data.num_train" if data.num_train else "data.val_size",
            )

    @classmethod
    def load(cls, config: DataConfig) -> Dataset:
        """The three splits of a located config, on the CPU; files that were decoded are mapped, not copied."""
        pools = cls.read(config)
        scaled = cls.standardizes_targets(config)
        return assemble(pools, cls.divided(pools, config), config, cls.task(config), standardize_targets=scaled)

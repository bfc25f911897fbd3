"""What a data set is to the training core: three splits whose samples come in batches, scaled as networks like them.

Images stay bytes until a batch is made of them: a quarter of the memory, and one mapped file serves all workers of a
machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sparsetune.config.facts import Kind
from sparsetune.training.augment import AUGMENTATIONS
from sparsetune.training.data.pools import Array, Pools, Samples
from sparsetune.training.data.precision import scaling_dtype

if TYPE_CHECKING:
    from sparsetune.training.data.contract import DataConfig
    from sparsetune.training.data.splits import Division, Rows

Augment = Callable[[Tensor], Tensor]
_AT_ONCE = 1 << 24  # values whose moments are taken together


@dataclass(frozen=True)
class Scaling:
    """(values - shift) / scale, as ``dtype``; numbers for all values, or tensors that fit a batch of samples.

    Tensors of float64 make the arithmetic float64: what is left after the mean is taken off becomes ``dtype``.
    """

    shift: float | Tensor
    scale: float | Tensor
    dtype: torch.dtype = torch.float32

    def __call__(self, values: Tensor) -> Tensor:
        scaled = torch.sub(values, self.shift).div_(self.scale)  # bytes minus floats are float32
        return scaled if scaled.dtype == self.dtype else scaled.to(self.dtype)

    def undone(self, scaled: Tensor) -> Tensor:
        """Scaled values in their own unit; float64 where float32 would not hold them."""
        return scaled * self.scale + self.shift

    def to(self, device: torch.device, dtype: torch.dtype) -> Scaling:
        shift, scale = (part.to(device) if isinstance(part, Tensor) else part for part in (self.shift, self.scale))
        return Scaling(shift, scale, dtype)


@dataclass(frozen=True)
class Split:
    """Samples of one split.

    Attributes:
        store: (M, ...) the samples of one or several splits, as they lie in files; on the training device, or in
            main memory where it is not to be copied there as a whole.
        rows: (N,) int64, which of them are this split's; where the store is.
        targets: (N,) int64 classes or (N, outputs) floats in the data's own unit, on the training device.
    """

    store: Tensor
    rows: Tensor
    targets: Tensor
    scaling: Scaling
    augment: Augment | None = None

    def __len__(self) -> int:
        return self.targets.shape[0]

    @classmethod
    def of(cls, inputs: Tensor, targets: Tensor) -> Split:
        """Samples that are as a network takes them already."""
        return cls(inputs, torch.arange(len(inputs)), targets, Scaling(0.0, 1.0, inputs.dtype))

    @property
    def inputs(self) -> Tensor:
        """All samples as a network takes them, not augmented: for small splits and for tests."""
        return self.scaling(self.store.index_select(0, self.rows).to(self.targets.device))

    def prepared(self, values: Tensor) -> Tensor:
        """Stored values as the network's inputs, augmented where the split is."""
        return self.scaling(values if self.augment is None else self.augment(values))


@dataclass(frozen=True)
class Dataset:
    """Three disjoint splits.

    Attributes:
        input_shape: of one sample.
        outputs: classes, or numbers to predict.
        target_scaling: what regression learns is targets scaled by this; None: as they are.
        digest: names data and split: 16 hexadecimal digits.
    """

    train: Split
    val: Split
    test: Split
    input_shape: tuple[int, ...]
    outputs: int
    task: Kind
    digest: str
    classes: tuple[str, ...] = ()
    target_scaling: Scaling | None = None

    @property
    def splits(self) -> tuple[Split, Split, Split]:
        return self.train, self.val, self.test

    @property
    def nbytes(self) -> int:
        """Bytes of all samples, each store counted once."""
        return sum(store.nbytes for store in {id(split.store): split.store for split in self.splits}.values())

    def to(self, device: torch.device, dtype: torch.dtype, *, resident: bool = True) -> Dataset:
        """The same splits for training on ``device`` with inputs of ``dtype``; ``resident``: all samples go there."""
        moved: dict[int, Tensor] = {}

        def place(split: Split) -> Split:
            where = device if resident else split.store.device
            store = moved.setdefault(id(split.store), split.store.to(where))
            targets = split.targets.to(device)
            if targets.is_floating_point():  # those that are scaled first keep their digits until then
                scaled = self.target_scaling is not None
                targets = targets.to(torch.promote_types(targets.dtype, dtype) if scaled else dtype)
            return Split(store, split.rows.to(where), targets, split.scaling.to(device, dtype), split.augment)

        scaling = self.target_scaling and self.target_scaling.to(device, dtype)
        return replace(
            self, train=place(self.train), val=place(self.val), test=place(self.test), target_scaling=scaling
        )


def assemble(
    pools: Pools, division: Division, config: DataConfig, task: Kind, *, standardize_targets: bool = False
) -> Dataset:
    """The splits of that division, on the CPU; all are scaled by the training split's numbers."""
    train_pool = _tensor(pools.train.inputs)
    scaling = _SCALINGS[config.normalize](pools, division.train)

    def own(rows: Rows | None, pool: Samples | None) -> Split:
        if rows is not None:
            return Split(train_pool, torch.from_numpy(rows), _targets(pools.train.targets[rows], task), scaling)
        assert pool is not None
        every = torch.arange(len(pool))
        return Split(_tensor(pool.inputs), every, _targets(pool.targets, task), scaling)

    train = Split(
        train_pool,
        torch.from_numpy(division.train),
        _targets(division.targets, task),
        scaling,
        AUGMENTATIONS.get(config.augment),
    )
    return Dataset(
        train,
        own(division.val, pools.val),
        own(division.test, pools.test),
        input_shape=tuple(pools.train.inputs.shape[1:]),
        outputs=pools.outputs,
        task=task,
        digest=division.digest(pools.content()),
        classes=pools.classes,
        target_scaling=_standard(*moments(division.targets), ndim=2) if standardize_targets else None,
    )


def moments(values: Array, rows: Rows | None = None) -> tuple[NDArray[Any], NDArray[Any]]:
    """Mean and (population) standard deviation by channel of bytes (N, C, H, W) or feature of floats (N, F).

    Of bytes by sums of whole numbers: exact, so equal on every machine and for every number of threads. Of floats by
    differences from the first sample: a constant has deviation 0, and large numbers that are alike keep their digits.

    Args:
        rows: which samples count; else all.
    """
    order = np.arange(len(values)) if rows is None else np.sort(rows)  # a mapped file is read forwards
    axes = (0, 2, 3) if values.ndim == 4 else (0,)
    whole = values.dtype == np.uint8
    kind: Any = np.int64 if whole else np.float64
    origin = kind(0) if whole else values[order[0]].astype(kind)
    total = squares = np.zeros(values.shape[1], kind)
    chunk = max(1, _AT_ONCE // math.prod(values.shape[1:]))
    for start in range(0, len(order), chunk):
        part = values[order[start : start + chunk]]
        part = part if whole else part - origin
        total = total + part.sum(axes, dtype=kind)
        squared = np.square(part, dtype=np.uint16 if whole else kind)  # 255^2 fits
        squares = squares + squared.sum(axes, dtype=kind)
    count = len(order) * math.prod(values.shape[2:])
    if whole:
        variances = [count * int(q) - int(s) ** 2 for q, s in zip(squares, total, strict=True)]  # exact, any size
        return total / count, np.array([math.sqrt(v) / count for v in variances])
    mean = total / count
    return origin + mean, np.sqrt(np.maximum(squares / count - mean**2, 0))


_SCALINGS: dict[str, Callable[[Pools, Rows], Scaling]] = {
    "none": lambda pools, rows: Scaling(0.0, 1.0),
    "unit": lambda pools, rows: Scaling(0.0, pools.white),
    "standard": lambda pools, rows: _standard(*moments(pools.train.inputs, rows), ndim=pools.train.inputs.ndim),
}


def _standard(mean: Array, std: Array, ndim: int) -> Scaling:
    std = np.where(std == 0, 1, std)  # a constant says nothing, and becomes 0
    kind = scaling_dtype(mean, std) if ndim == 2 else np.float32  # bytes are small numbers
    if len(mean) == 1 and kind is np.float32:
        return Scaling(float(mean[0]), float(std[0]))
    shape = (-1,) + (1,) * (ndim - 2)
    shift, scale = (torch.from_numpy(part.reshape(shape).astype(kind)) for part in (mean, std))
    return Scaling(shift, scale)


def _tensor(values: Array) -> Tensor:
    """The same memory as a tensor; of a file that is mapped copy-on-write, so nothing is copied."""
    return torch.from_numpy(values if values.flags.writeable else values.copy())


def _targets(targets: Array, task: Kind) -> Tensor:
    if task == "classification":
        return torch.from_numpy(targets.astype(np.int64))
    return torch.from_numpy(targets.astype(np.float64 if targets.dtype == np.float64 else np.float32))

"""What a data set is to the training core: three splits whose samples come in batches, scaled as networks like them.

Images stay bytes until a batch is made of them: a quarter of the memory, and one mapped file serves all workers of a
machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sparsetune.base.errors import BadInput
from sparsetune.config.metrics import Kind
from sparsetune.data.augment import AUGMENTATIONS
from sparsetune.data.config import DataConfig
from sparsetune.data.depth import words
from sparsetune.data.pixels import Pixels, measured
from sparsetune.data.pools import Array, Pools, Samples, Truth
from sparsetune.data.scaling import Brightness, Scaling, moments, scaling_dtype
from sparsetune.data.splits import Division, Rows

Augment = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Split:
    """Samples of one split.

    Attributes:
        store: (M, ...) the samples of one or several splits, as they lie in files; on the training device, or in
            main memory where it is not to be copied there as a whole.
        rows: (N,) int64, which of them are this split's; where the store is.
        targets: (N,) int64 classes or (N, outputs) floats in the data's own unit, on the training device.
        brightness: what comes before all else where the store holds pixels that are no bytes.
    """

    store: Tensor
    rows: Tensor
    targets: Tensor
    scaling: Scaling
    augment: Augment | None = None
    brightness: Brightness | None = None

    def __len__(self) -> int:
        return self.targets.shape[0]

    @classmethod
    def of(cls, inputs: Tensor, targets: Tensor) -> Split:
        """Samples that are as a network takes them already."""
        return cls(inputs, torch.arange(len(inputs)), targets, Scaling(0.0, 1.0, inputs.dtype))

    @property
    def inputs(self) -> Tensor:
        """All samples as a network takes them, not augmented: for small splits and for tests."""
        values = self.store.index_select(0, self.rows).to(self.targets.device)
        return replace(self, augment=None).prepared(values)

    def prepared(self, values: Tensor) -> Tensor:
        """Stored values as the network's inputs, augmented where the split is."""
        values = values if self.brightness is None else self.brightness(values)
        return self.scaling(values if self.augment is None else self.augment(values))


@dataclass(frozen=True)
class Dataset:
    """Three disjoint splits.

    Attributes:
        input_shape: of one sample.
        outputs: classes, or numbers to predict.
        target_scaling: what regression learns is targets scaled by this; None: as they are.
        digest: names data and split: 16 hexadecimal digits.
        classes: their names, where the data have them.
        features: names of the inputs of a table.
        pixels: how those that are no bytes are scaled; None: there are none.
        truth: what targets are made of before noise is added; None: nobody knows.
    """

    train: Split
    val: Split
    test: Split
    input_shape: tuple[int, ...]
    outputs: int
    task: Kind
    digest: str
    classes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    target_scaling: Scaling | None = None
    pixels: Pixels | None = None
    truth: Truth | None = None

    @property
    def splits(self) -> tuple[Split, Split, Split]:
        return self.train, self.val, self.test

    @property
    def nbytes(self) -> int:
        """Bytes of all samples, each store counted once."""
        return sum({id(split.store): split.store.nbytes for split in self.splits}.values())

    def to(self, device: torch.device, dtype: torch.dtype, *, resident: bool = True) -> Dataset:
        """The same splits for training on ``device`` with inputs of ``dtype``; ``resident``: all samples go there."""
        stores: dict[int, Tensor] = {}

        def moved_to(split: Split) -> Split:
            where = device if resident else split.store.device
            store = stores.setdefault(id(split.store), split.store.to(where))
            targets = split.targets.to(device)
            if targets.is_floating_point():  # those that are scaled first keep their digits until then
                scaled = self.target_scaling is not None
                targets = targets.to(torch.promote_types(targets.dtype, dtype) if scaled else dtype)
            scaling = split.scaling.to(device, dtype)
            return replace(split, store=store, rows=split.rows.to(where), targets=targets, scaling=scaling)

        scaling = self.target_scaling and self.target_scaling.to(device, dtype)
        train, val, test = map(moved_to, self.splits)
        return replace(self, train=train, val=val, test=test, target_scaling=scaling)

    def scaled_by(self, pixels: Pixels | None) -> Dataset:
        """The same, with pixels scaled as they were elsewhere, where a network was trained on them.

        Raises:
            BadInput: pixels of another type are here.
        """
        here, there = (np.dtype(np.uint8 if each is None else each.depth) for each in (self.pixels, pixels))
        if here != there:
            raise BadInput(
                found=f"images of {words(here)}", allowed=f"{words(there)}, as it was trained on", key="data"
            )
        if pixels is None:
            return self
        brightness, scaling = _steps(pixels)
        train, val, test = (replace(each, scaling=scaling, brightness=brightness) for each in self.splits)
        return replace(self, train=train, val=val, test=test, pixels=pixels)


def assemble(
    pools: Pools, division: Division, config: DataConfig, task: Kind, *, standardize_targets: bool = False
) -> Dataset:
    """The splits of that division, on the CPU; all are scaled by the training split's numbers."""
    train_pool = _tensor(pools.train.inputs)
    if pools.white is None:
        pixels = measured(pools.train.inputs, division.train, config.normalize)
        brightness, scaling = _steps(pixels)
    else:
        pixels, brightness, scaling = None, None, _SCALINGS[config.normalize](pools, division.train)

    def split(rows: Rows | None, pool: Samples | None, targets: Array | None = None) -> Split:
        if rows is None:
            assert pool is not None
            store, rows, targets = _tensor(pool.inputs), np.arange(len(pool)), pool.targets
        else:
            store, targets = train_pool, pools.train.targets[rows] if targets is None else targets
        return Split(store, torch.from_numpy(rows), _targets(targets, task), scaling, brightness=brightness)

    return Dataset(
        replace(split(division.train, None, division.targets), augment=AUGMENTATIONS.get(config.augment)),
        split(division.val, pools.val),
        split(division.test, pools.test),
        input_shape=tuple(pools.train.inputs.shape[1:]),
        outputs=pools.outputs,
        task=task,
        digest=division.digest(pools.content()),
        classes=pools.classes,
        features=pools.features,
        target_scaling=_standard(*moments(division.targets), ndim=2) if standardize_targets else None,
        pixels=pixels,
        truth=pools.truth,
    )


_SCALINGS: dict[str, Callable[[Pools, Rows], Scaling]] = {
    "none": lambda pools, rows: Scaling(0.0, 1.0),
    "unit": lambda pools, rows: Scaling(0.0, pools.white or 1.0),
    "standard": lambda pools, rows: _standard(*moments(pools.train.inputs, rows), ndim=pools.train.inputs.ndim),
}


def _steps(pixels: Pixels) -> tuple[Brightness, Scaling]:
    """What is done to pixels that are no bytes, before and after images are changed at random."""
    scaling = _standard(np.array(pixels.mean), np.array(pixels.deviation), ndim=4)
    return Brightness(pixels.black, pixels.white), scaling


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

"""Which sample belongs to which split: a function of the data and their config alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparsetune.base.errors import BadInput
from sparsetune.config.facts import Kind
from sparsetune.data.config import DataConfig
from sparsetune.data.pools import Array, Pools
from sparsetune.data.stratified import stratified_split

Rows = NDArray[np.int64]
Size = int | float
_NOISE = 0x5EED  # a stream of its own, so that noise does not change the split


@dataclass(frozen=True)
class Counts:
    """Samples of each split; 0 for one that the data bring themselves."""

    train: int
    val: int
    test: int


@dataclass(frozen=True)
class Division:
    """Rows of the training pool for each split; None for a split that is a pool of its own.

    ``targets`` are those of the training rows, noise included.
    """

    train: Rows
    val: Rows | None
    test: Rows | None
    targets: Array

    def digest(self, content: str) -> str:
        """The first 16 digits of the SHA-256 over content, rows and training targets."""
        digest = hashlib.sha256(content.encode())
        for rows in (self.train, self.val, self.test):
            digest.update(b"own" if rows is None else rows.astype("<i8").tobytes())
        digest.update(np.ascontiguousarray(self.targets).data)
        return digest.hexdigest()[:16]


def counts(samples: int, val_size: Size | None, test_size: Size | None, num_train: int | None) -> Counts:
    """How many samples of a pool go where; a size of None takes nothing.

    Raises:
        BadInput: they do not fit.
    """
    val, test = _count(samples, val_size), _count(samples, test_size)
    left = samples - val - test
    if left < 1:
        held = " + ".join(f"{n:,} for {what}" for n, what in ((val, "validation"), (test, "test")) if n)
        raise BadInput(f"{held} leave nothing of {samples:,} samples to train on", key="data.val_size")
    if num_train is not None and num_train > left:
        raise BadInput(
            f"found {num_train:,}, allowed: at most {left:,}, what validation and test leave of {samples:,} samples",
            key="data.num_train",
        )
    return Counts(num_train or left, val, test)


def divide(pools: Pools, config: DataConfig, task: Kind) -> Division:
    """Test samples are drawn first, then validation, then ``num_train`` of the rest.

    Raises:
        BadInput: sizes do not fit; the training split lacks a class, or with shares any split; labels are none.
    """
    targets = pools.train.targets
    if task == "classification":
        _refuse_strange(targets, pools.outputs, config.label_noise)
    test_size = None if pools.test is not None else getattr(config, "test_size", None)
    counted = counts(len(targets), None if pools.val is not None else config.val_size, test_size, config.num_train)
    stratified = config.stratified and task == "classification"
    rest: Rows = np.arange(len(targets))
    rest, test = _hold_out(rest, counted.test, "data.test_size", pools, config.seed, stratified)
    rest, val = _hold_out(rest, counted.val, "data.val_size", pools, config.seed, stratified)
    rest = _kept(rest, counted.train, targets, config.seed, stratified)
    if task == "classification":
        _refuse_gaps(targets[rest], pools)
    return Division(
        rest,
        val if counted.val else None,
        test if counted.test else None,
        noisy(targets[rest], config.label_noise, pools.outputs, config.seed),
    )


def noisy(targets: Array, fraction: float, classes: int, seed: int) -> Array:
    """Labels of which round(fraction x N), drawn without repetition, are another class, each other one as likely."""
    count = round(fraction * len(targets))
    if count == 0:
        return targets
    random = np.random.RandomState([seed, _NOISE])
    chosen = random.permutation(len(targets))[:count]
    changed = targets.copy()
    changed[chosen] = (targets[chosen] + random.randint(1, classes, size=count)) % classes
    return changed


def _hold_out(rows: Rows, held: int, key: str, pools: Pools, seed: int, stratified: bool) -> tuple[Rows, Rows]:
    """The rows that stay and those that are held out, both in random order; ``key`` is of how many."""
    if held == 0:
        return rows, rows[:0]
    labels = pools.train.targets[rows]
    if stratified:
        _refuse_small(labels, held, key, pools)
    stay, leave = _drawn(rows, held, labels, seed, stratified)
    missing = np.setdiff1d(labels, pools.train.targets[leave])
    if stratified and len(missing):
        raise BadInput(
            f"{held:,} of {len(rows):,} samples have none of {class_names(missing, pools)}; change the sizes of the "
            "splits, leave them out, or set data.stratified to false",
            key=key,
        )
    return stay, leave


def _kept(rows: Rows, count: int, targets: Array, seed: int, stratified: bool) -> Rows:
    """As many rows, drawn at random; the others belong to no split."""
    spare = len(rows) - count
    return _drawn(rows, spare, targets[rows], seed, stratified)[0] if spare else rows


def _drawn(rows: Rows, held: int, labels: Array, seed: int, stratified: bool) -> tuple[Rows, Rows]:
    if stratified:
        stay, leave = stratified_split(labels, held, seed)
        return rows[stay], rows[leave]
    order = np.random.RandomState(seed).permutation(len(rows))  # the one generator whose stream never changes
    return rows[order[held:]], rows[order[:held]]


def _refuse_strange(labels: Array, classes: int, noise: float) -> None:
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        problem = f"found labels of {labels.dtype} and shape {labels.shape}, allowed: a whole number for each sample"
        raise BadInput(problem, key="data")
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        found = labels.max() if labels.min() >= 0 else labels.min()
        raise BadInput(f"found the label {found}, allowed: 0 to {classes - 1}", key="data")
    if noise and classes < 2:
        raise BadInput(f"found {noise}, allowed with one class: 0", key="data.label_noise")


def _refuse_small(labels: Array, held: int, key: str, pools: Pools) -> None:
    present, found = np.unique(labels, return_counts=True)
    if found.min() < 2:
        raise BadInput(
            f"too few samples of {class_names(present[found < 2], pools)} to be in every split; leave them out, or set "
            "data.stratified to false",
            key="data.stratified",
        )
    if not len(present) <= held <= len(labels) - len(present):
        raise BadInput(
            f"{held:,} of {len(labels):,} samples cannot hold a share of each of {len(present):,} classes; "
            "change the sizes of the splits, or set data.stratified to false",
            key=key,
        )


def _refuse_gaps(labels: Array, pools: Pools) -> None:
    missing = np.flatnonzero(np.bincount(labels, minlength=pools.outputs) == 0)
    if len(missing):
        raise BadInput(
            f"no training sample is left of {class_names(missing, pools)}; raise data.num_train, lower data.val_size, "
            "or set data.stratified to true",
            key="data.num_train",
        )


def class_names(missing: Any, pools: Pools) -> str:
    """``class 'a'``, or the first three of several."""
    names = [repr(pools.classes[each]) if pools.classes else str(each) for each in missing]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{'class' if len(names) == 1 else 'classes'} {', '.join(names[:3])}{more}"


def _count(samples: int, size: Size | None) -> int:
    if size is None:
        return 0
    return size if isinstance(size, int) else max(1, round(size * samples))

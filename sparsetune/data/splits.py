"""Which sample belongs to which split: a function of the data and their config alone.

Splits in which each class has its share are equal index for index to those of scikit-learn. Its ``train_test_split``
would do, but importing it takes a second, which every worker process would spend before its first trial. NumPy
promises that the streams of RandomState never change.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparsetune.base.errors import BadInput
from sparsetune.config.metrics import Kind
from sparsetune.data.balance import class_names, refuse_gaps, refuse_small, refuse_strange
from sparsetune.data.config import DataConfig
from sparsetune.data.pools import Array, Pools

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
        raise BadInput(f"{held} leave nothing of {samples:,} samples to train on", key="data.val_size", code="conflict")
    if num_train is not None and num_train > left:
        raise BadInput(
            found=f"{num_train:,}",
            allowed=f"at most {left:,}, what validation and test leave of {samples:,} samples",
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
        refuse_strange(targets, pools.outputs, config.label_noise)
    test_size = None if pools.test is not None else getattr(config, "test_size", None)
    counted = counts(len(targets), None if pools.val is not None else config.val_size, test_size, config.num_train)
    stratified = config.stratified and task == "classification"
    rest: Rows = np.arange(len(targets))
    rest, test = _hold_out(rest, counted.test, "data.test_size", pools, config.seed, stratified)
    rest, val = _hold_out(rest, counted.val, "data.val_size", pools, config.seed, stratified)
    if spare := len(rest) - counted.train:
        rest, _ = _drawn(rest, spare, targets[rest], config.seed, stratified)
    if task == "classification":
        refuse_gaps(targets[rest], pools)
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
        refuse_small(labels, held, key, pools)
    stay, leave = _drawn(rows, held, labels, seed, stratified)
    missing = np.setdiff1d(labels, pools.train.targets[leave])
    if stratified and len(missing):
        raise BadInput(
            f"{held:,} of {len(rows):,} samples have none of {class_names(missing, pools)}; change the sizes of the "
            "splits, leave them out, or set data.stratified to false",
            key=key,
        )
    return stay, leave


def _drawn(rows: Rows, held: int, labels: Array, seed: int, stratified: bool) -> tuple[Rows, Rows]:
    if stratified:
        stay, leave = stratified_split(labels, held, seed)
        return rows[stay], rows[leave]
    order = np.random.RandomState(seed).permutation(len(rows))  # the one generator whose stream never changes
    return rows[order[held:]], rows[order[:held]]


def _count(samples: int, size: Size | None) -> int:
    if size is None:
        return 0
    return size if isinstance(size, int) else max(1, round(size * samples))


def stratified_split(labels: NDArray[Any], held_out: int, seed: int) -> tuple[Rows, Rows]:
    """Positions of the samples that stay and of those that are held out, each in random order.

    Equal to ``train_test_split(np.arange(len(labels)), test_size=held_out, stratify=labels, random_state=seed)``.

    Args:
        labels: (N,) classes, each at least twice.
        held_out: from the number of classes to N minus that number.
        seed: from 0 to 2^32 - 1.
    """
    random = np.random.RandomState(seed)
    classes, sizes = np.unique(labels, return_counts=True)
    staying = _shares(sizes, len(labels) - held_out, random)
    leaving = _shares(sizes - staying, held_out, random)
    stay: list[Rows] = []
    leave: list[Rows] = []
    for label, size, first, second in zip(classes, sizes, staying, leaving, strict=True):
        members = np.flatnonzero(labels == label)[random.permutation(size)]
        stay.append(members[:first])
        leave.append(members[first : first + second])
    return random.permutation(np.concatenate(stay)), random.permutation(np.concatenate(leave))


def _shares(sizes: Rows, total: int, random: np.random.RandomState) -> Rows:
    """``total`` shared out in proportion to ``sizes``; the largest remainders are rounded up, equal ones by lot."""
    exact = sizes / sizes.sum() * total
    shares = np.floor(exact)
    missing, remainders = int(total - shares.sum()), exact - shares
    for remainder in np.unique(remainders)[::-1]:
        if missing == 0:
            break
        equal = np.flatnonzero(remainders == remainder)
        chosen = random.choice(equal, size=min(len(equal), missing), replace=False)
        shares[chosen] += 1
        missing -= len(chosen)
    whole: Rows = shares.astype(np.int64)
    return whole

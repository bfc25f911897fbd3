"""Splits in which each class has its share, equal index for index to those of scikit-learn.

Its ``train_test_split`` would do, but importing it takes a second, which every worker process would spend before its
first trial. NumPy promises that the streams of RandomState never change.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def stratified_split(labels: NDArray[Any], held_out: int, seed: int) -> tuple[Indices, Indices]:
    """Positions of the samples that stay and of those that are held out, each in random order.

    Equal to ``train_test_split(np.arange(len(labels)), test_size=held_out, stratify=labels, random_state=seed)``.

    Args:
        labels: (N,) classes, each at least twice.
        held_out: from the number of classes to N minus that number.
        seed: from 0 to 2^32 - 1.
    """
    random = np.random.RandomState(seed)
    classes, counts = np.unique(labels, return_counts=True)
    staying = _shares(counts, len(labels) - held_out, random)
    leaving = _shares(counts - staying, held_out, random)
    stay: list[Indices] = []
    leave: list[Indices] = []
    for label, count, first, second in zip(classes, counts, staying, leaving, strict=True):
        members = np.flatnonzero(labels == label)[random.permutation(count)]
        stay.append(members[:first])
        leave.append(members[first : first + second])
    return random.permutation(np.concatenate(stay)), random.permutation(np.concatenate(leave))


def _shares(counts: Indices, total: int, random: np.random.RandomState) -> Indices:
    """``total`` shared out in proportion to ``counts``; the largest remainders are rounded up, equal ones by lot."""
    exact = counts / counts.sum() * total
    shares = np.floor(exact)
    missing, remainders = int(total - shares.sum()), exact - shares
    for remainder in np.unique(remainders)[::-1]:
        if missing == 0:
            break
        equal = np.flatnonzero(remainders == remainder)
        chosen = random.choice(equal, size=min(len(equal), missing), replace=False)
        shares[chosen] += 1
        missing -= len(chosen)
    whole: Indices = shares.astype(np.int64)
    return whole

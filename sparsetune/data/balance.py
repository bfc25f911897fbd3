"""What the numbers of a split cannot show: classes that it lacks, and one that is nearly all of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sparsetune.data.config import DataConfig
from sparsetune.data.pools import Array, Pools
from sparsetune.data.splits import class_names, divide

_NEARLY_ALL = 0.9  # of the samples
_SHARES = "data.stratified: true gives each split its share"


def balance_remarks(pools: Pools, config: DataConfig) -> Iterator[str]:
    """What is to be said of the classes of validation and test, a line each.

    Raises:
        BadInput: the data cannot be divided so.
    """
    division = None if config.stratified else divide(pools, config, "classification")
    splits = (
        ("validation", pools.val, None if division is None else division.val),
        ("test", pools.test, None if division is None else division.test),
    )
    for name, own, rows in splits:
        if own is not None:
            yield from _lacking(name, own.targets, pools, "")
        elif rows is not None:
            yield from _lacking(name, pools.train.targets[rows], pools, f"; {_SHARES}")
    if pools.val is not None:
        yield from _uneven("validation samples", pools.val.targets, pools)
    elif division is not None:
        yield from _uneven("validation samples", pools.train.targets[division.val], pools)
    else:  # of which validation has its share
        yield from _uneven("samples", pools.train.targets, pools)


def _lacking(split: str, labels: Array, pools: Pools, hint: str) -> Iterator[str]:
    counts = np.bincount(labels, minlength=pools.outputs)
    here, missing = np.flatnonzero(counts), np.flatnonzero(counts == 0)
    if len(here) == 1:
        told = class_names(here, pools)
        yield f"all {split} samples are of {told}: {split} numbers tell no classes apart, and auc has no value{hint}"
    elif len(missing):
        told = class_names(missing, pools)
        of_them = "it" if len(missing) == 1 else "them"
        yield f"no {split} sample is of {told}: {split} numbers say nothing of {of_them}{hint}"


def _uneven(what: str, labels: Array, pools: Pools) -> Iterator[str]:
    counts = np.bincount(labels, minlength=pools.outputs)
    most = int(counts.argmax())
    if _NEARLY_ALL * len(labels) <= counts[most] < len(labels):
        yield (
            f"{counts[most]:,} of {len(labels):,} {what} are of {class_names([most], pools)}, and as accurate is a "
            "model that always says so; balanced_accuracy, macro_f1 and auc weigh all classes alike"
        )

"""What is wrong with the classes of a split: too few samples of one, none, or one that is nearly all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sparsetune.base.errors import BadInput, shown
from sparsetune.data.pools import Array, Pools

_NEARLY_ALL = 0.9  # of the samples


def class_names(labels: Sequence[int] | NDArray[np.int64], pools: Pools) -> str:
    """``class 'a'``, or the first three of several."""
    names = [repr(pools.classes[each]) if pools.classes else str(each) for each in labels]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{'class' if len(names) == 1 else 'classes'} {', '.join(names[:3])}{more}"


def refuse_strange(labels: Array, classes: int, noise: float) -> None:
    """Raise :class:`BadInput` for labels that are not one of so many classes each, or cannot be noisy."""
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        strange = f"labels of {labels.dtype} and shape {labels.shape}"
        raise BadInput(found=strange, allowed="a whole number for each sample", key="data")
    low, high = (labels.min(), labels.max()) if len(labels) else (0, 0)
    if low < 0 or high >= classes:
        raise BadInput(found=f"the label {low if low < 0 else high}", allowed=f"0 to {classes - 1}", key="data")
    if noise and classes < 2:
        raise BadInput(found=shown(noise), allowed="0 with one class", key="data.label_noise")


def refuse_small(labels: Array, held: int, key: str, pools: Pools) -> None:
    """Raise :class:`BadInput` for classes of which ``held`` samples, and the others, cannot each have a share."""
    present, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2:
        raise BadInput(
            f"too few samples of {class_names(present[counts < 2], pools)} to be in every split; leave them out, or "
            "set data.stratified to false",
            key="data.stratified",
        )
    if not len(present) <= held <= len(labels) - len(present):
        raise BadInput(
            f"{held:,} of {len(labels):,} samples cannot hold a share of each of {len(present):,} classes; "
            "change the sizes of the splits, or set data.stratified to false",
            key=key,
        )


def refuse_gaps(labels: Array, pools: Pools) -> None:
    """Raise :class:`BadInput` for classes that no training sample is left of."""
    missing = np.flatnonzero(np.bincount(labels, minlength=pools.outputs) == 0)
    if len(missing):
        raise BadInput(
            f"no training sample is left of {class_names(missing, pools)}; raise data.num_train, lower data.val_size, "
            "or set data.stratified to true",
            key="data.num_train",
        )


def balance_remarks(pools: Pools, val: Array | None, test: Array | None) -> Iterator[str]:
    """What is to be said of the classes of validation and test, a line each.

    Args:
        val, test: rows of the training pool; None for a pool of its own, and where each class has its share.
    """
    hint = "; data.stratified: true gives each split its share"
    for name, pool, rows in (("validation", pools.val, val), ("test", pools.test, test)):
        if pool is not None:
            yield from _lacking(name, pool.targets, pools, "")
        elif rows is not None:
            yield from _lacking(name, pools.train.targets[rows], pools, hint)
    if pools.val is not None:
        yield from _uneven("validation samples", pools.val.targets, pools)
    elif val is not None:
        yield from _uneven("validation samples", pools.train.targets[val], pools)
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

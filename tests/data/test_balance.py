"""What is said of the classes of splits: those that one lacks, and one that is nearly all."""

from typing import Any

import numpy as np
import pytest

from sparsetune.data.balance import balance_remarks
from sparsetune.data.contract import DataSet, OnePoolConfig
from sparsetune.data.pools import Array, Pools, Samples
from sparsetune.data.splits import divide

SHARES = "; data.stratified: true gives each split its share"
ALIKE = "and as accurate is a model that always says so; balanced_accuracy, macro_f1 and auc weigh all classes alike"
NAMES = ("cat", "dog", "owl", "fox", "emu", "yak")


def samples(*sizes: int) -> Samples:
    labels: Array = np.repeat(np.arange(len(sizes)), sizes)
    return Samples(np.zeros((len(labels), 1), np.float32), labels)


def said(
    *train: int, val: tuple[int, ...] = (), test: tuple[int, ...] = (), names: tuple[str, ...] = (), **settings: Any
) -> list[str]:
    own = {"val": samples(*val) if val else None, "test": samples(*test) if test else None}
    pools = Pools(samples(*train), len(train), classes=names[: len(train)], **own)
    config = OnePoolConfig(name="any", **settings)  # type: ignore[call-arg]
    division = None if config.stratified else divide(pools, config, "classification")
    return list(balance_remarks(pools, *((None, None) if division is None else (division.val, division.test))))


QUIET: dict[str, dict[str, Any]] = {
    "even": {"train": (50, 50)},
    "uneven": {"train": (170, 30)},
    "just below": {"train": (899, 101)},
    "ten classes": {"train": (20,) * 10},
    "drawn alike": {"train": (50, 50), "stratified": False},
    "own splits": {"train": (50, 50), "val": (5, 5), "test": (9, 1)},  # test chooses nothing
}


@pytest.mark.parametrize("case", QUIET.values(), ids=QUIET)
def test_nothing_is_said(case: dict[str, Any]) -> None:
    train = case["train"]
    assert said(*train, **{name: value for name, value in case.items() if name != "train"}) == []


LOUD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nearly all": ({"train": (90, 10), "names": NAMES}, [f"90 of 100 samples are of class 'cat', {ALIKE}"]),
    "without names": ({"train": (1, 2000, 99)}, [f"2,000 of 2,100 samples are of class 1, {ALIKE}"]),
    "own validation": (
        {"train": (50, 50), "val": (1, 19)},
        [f"19 of 20 validation samples are of class 1, {ALIKE}"],
    ),
    "validation lacks one": (
        {"train": (50, 50, 50), "val": (5, 0, 5), "names": NAMES},
        ["no validation sample is of class 'dog': validation numbers say nothing of it"],
    ),
    "test lacks two": (
        {"train": (50, 50, 50, 50), "test": (5, 0, 5, 0)},
        ["no test sample is of classes 1, 3: test numbers say nothing of them"],
    ),
    "many": (
        {"train": (9,) * 6, "val": (1, 1), "names": NAMES},
        ["no validation sample is of classes 'owl', 'fox', 'emu' and 1 more: validation numbers say nothing of them"],
    ),
    "one class is all": (
        {"train": (50, 50), "val": (0, 9), "names": NAMES},
        ["all validation samples are of class 'dog': validation numbers tell no classes apart, and auc has no value"],
    ),
    "both splits": (
        {"train": (50, 50), "val": (9,), "test": (0, 9)},
        [
            "all validation samples are of class 0: validation numbers tell no classes apart, and auc has no value",
            "all test samples are of class 1: test numbers tell no classes apart, and auc has no value",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("case", "lines"), LOUD.values(), ids=LOUD)
def test_what_is_said(case: dict[str, Any], lines: list[str]) -> None:
    train = case["train"]
    assert said(*train, **{name: value for name, value in case.items() if name != "train"}) == lines


def test_a_rare_class_that_is_drawn_alike() -> None:
    """Four of 200: that validation or test lacks it is likely, and what mends it is said."""
    found = [said(196, 4, names=NAMES, stratified=False, seed=seed) for seed in range(20)]
    lines = {line for each in found for line in each}
    for split in ("validation", "test"):
        told = f"all {split} samples are of class 'cat': {split} numbers tell no classes apart, and auc has no value"
        assert f"{told}{SHARES}" in lines
    assert said(196, 4, names=NAMES, val_size=20) == [f"196 of 200 samples are of class 'cat', {ALIKE}"]


def test_a_data_set_says_it_after_its_own_and_nothing_where_it_cannot_be_divided() -> None:
    class Toy(DataSet):
        pools = Pools(samples(196, 4), 2, classes=NAMES[:2])

        @classmethod
        def remarks(cls, config: Any) -> list[str]:
            return ["own"]

        @classmethod
        def read(cls, config: Any) -> Pools:
            return cls.pools

    def all_of(**settings: Any) -> list[str]:
        return Toy.all_remarks(OnePoolConfig(name="any", **settings))  # type: ignore[call-arg]

    assert all_of() == ["own", f"196 of 200 samples are of class 'cat', {ALIKE}"]
    drawn = all_of(stratified=False, seed=1)
    assert drawn == ["own", *said(196, 4, names=NAMES, stratified=False, seed=1)]
    assert len(drawn) > 1
    assert all_of(stratified=False, val_size=200) == ["own"]

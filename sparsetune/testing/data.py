"""What every data set must hold; one joins by a row: a :class:`DataCase`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

from sparsetune.config.base import Part
from sparsetune.training.data.dataset import Dataset, Split


@dataclass(frozen=True)
class DataCase:
    """A registered class, a config that it can load here, and whether its splits are stratified by class."""

    data: Any
    config: Part
    stratified: bool

    def other_seed(self) -> Part:
        return self.config.model_copy(update={"seed": 1_234_567})


Check = Callable[[DataCase], None]


def forget() -> None:
    """Free the data set that the checks share."""
    _loaded.cache_clear()


def class_attributes_are_true(case: DataCase) -> None:
    dataset = _loaded(case)
    assert dataset.input_shape == case.data.input_shape
    assert dataset.classes == case.data.classes
    assert len(dataset.train) == case.data.train_samples


def shapes_and_types(case: DataCase) -> None:
    for split in _splits(_loaded(case)):
        assert split.inputs.shape == (len(split), *case.data.input_shape)
        assert split.targets.shape == (len(split),)
        assert split.inputs.dtype == torch.float32
        assert split.targets.dtype == torch.int64
        assert split.inputs.device.type == split.targets.device.type == "cpu"
        assert split.inputs.isfinite().all()


def every_split_has_every_class(case: DataCase) -> None:
    for split in _splits(_loaded(case)):
        assert split.targets.unique().tolist() == list(range(case.data.classes))


def train_split_is_standardised(case: DataCase) -> None:
    inputs = _loaded(case).train.inputs.double()
    assert abs(inputs.mean().item()) < 1e-5
    assert abs(inputs.std(correction=0).item() - 1) < 1e-5


def same_seed_same_tensors(case: DataCase) -> None:
    dataset = _loaded(case)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        state = torch.get_rng_state()
        again = case.data.load(case.config)
        assert torch.equal(torch.get_rng_state(), state), "loading draws from the global generator"
    for first, second in zip(_splits(dataset), _splits(again), strict=True):
        assert torch.equal(first.inputs, second.inputs)
        assert torch.equal(first.targets, second.targets)


def no_sample_in_two_splits(case: DataCase) -> None:
    train, val, test = (set(keys) for keys in _keys(_loaded(case)))
    assert not train & val
    assert not train & test
    assert not val & test


def another_seed_splits_the_same_samples_otherwise(case: DataCase) -> None:
    here, there = _keys(_loaded(case)), _keys(case.data.load(case.other_seed()))
    assert [len(keys) for keys in here] == [len(keys) for keys in there]
    assert set(here[1]) != set(there[1]), "the same validation split"
    assert Counter(key for keys in here for key in keys) == Counter(key for keys in there for key in keys)


def stratified_where_claimed(case: DataCase) -> None:
    if not case.stratified:
        return
    splits = _splits(_loaded(case))
    counts = torch.stack([split.targets.bincount(minlength=case.data.classes) for split in splits]).double()
    sizes = counts.sum(1, keepdim=True)
    ideal = sizes * counts.sum(0) / sizes.sum()
    assert (counts - ideal).abs().max() < 2  # each of two draws may be off by less than one sample


def config_survives_plain_values(case: DataCase) -> None:
    assert case.data.Config.model_validate(case.config.model_dump(mode="json")) == case.config


CHECKS: list[Check] = [
    class_attributes_are_true,
    shapes_and_types,
    every_split_has_every_class,
    train_split_is_standardised,
    same_seed_same_tensors,
    no_sample_in_two_splits,
    another_seed_splits_the_same_samples_otherwise,
    stratified_where_claimed,
    config_survives_plain_values,
]


@lru_cache(maxsize=1)
def _loaded(case: DataCase) -> Dataset:
    dataset: Dataset = case.data.load(case.config)
    return dataset


def _splits(dataset: Dataset) -> tuple[Split, Split, Split]:
    return dataset.train, dataset.val, dataset.test


def _keys(dataset: Dataset) -> list[list[int]]:
    """One number for each sample of each split, equal for equal samples also under another seed.

    Standardisation differs between seeds; the place of a value between the least and the greatest one does not.
    """
    splits = _splits(dataset)
    low = min(split.inputs.min().item() for split in splits)
    high = max(split.inputs.max().item() for split in splits)
    keys = []
    for split in splits:
        levels = ((split.inputs - low) * (4096 / (high - low))).round().to(torch.int16).flatten(1).numpy()
        keys.append([hash((row.tobytes(), label)) for row, label in zip(levels, split.targets.tolist(), strict=True)])
    return keys

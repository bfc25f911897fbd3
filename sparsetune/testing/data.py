"""What every data set must hold; one joins by a row: a :class:`DataCase`."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any, Literal

import torch
from torch import Tensor

from sparsetune.data.contract import DataConfig
from sparsetune.data.dataset import Dataset, Split
from sparsetune.testing.checks import checks_in

FLOATS = {torch.float32, torch.float64}  # the second where the first would lose what differs


@dataclass(frozen=True)
class DataCase:
    """A registered class and a located config that it can load here.

    Attributes:
        draws: what ``data.seed`` decides: which rows of a pool are whose, the samples themselves, or nothing where
            the data bring all three splits.
    """

    data: Any
    config: DataConfig
    draws: Literal["rows", "samples", "nothing"] = "rows"

    def load(self, **changes: Any) -> Dataset:
        """The data set of the config with some settings changed."""
        dataset: Dataset = self.data.load(self.config.model_copy(update=changes))
        return dataset


Check = Callable[[DataCase], None]


def what_is_known_beforehand_is_true(case: DataCase) -> None:
    case.data.prepare(case.config, lambda done, of: None)
    dataset, facts, counts = _loaded(case), case.data.facts(case.config), case.data.counts(case.config)
    assert (dataset.input_shape, dataset.outputs) == (facts.input_shape, facts.outputs)
    assert dataset.task == facts.task == case.data.task(case.config)
    assert len(dataset.train) == facts.train_samples == counts.train
    for split, count in ((dataset.val, counts.val), (dataset.test, counts.test)):
        assert count in (0, len(split)), "0 where the data bring that split"
    pools = case.data.at_hand(case.config)
    if pools is not None:
        assert case.data.divided(pools, case.config).train.tolist() == dataset.train.rows.tolist()


def shapes_and_types(case: DataCase) -> None:
    dataset = _loaded(case)
    for split in dataset.splits:
        inputs, targets = split.inputs, split.targets
        assert inputs.shape == (len(split), *dataset.input_shape)
        assert inputs.dtype == torch.float32
        assert inputs.device.type == targets.device.type == "cpu"
        assert inputs.isfinite().all()
        if dataset.task == "classification":
            assert (targets.shape, targets.dtype) == ((len(split),), torch.int64)
            assert 0 <= targets.min() <= targets.max() < dataset.outputs
        else:
            assert targets.shape == (len(split), dataset.outputs)
            assert targets.dtype in FLOATS
            assert targets.isfinite().all()


def images_stay_bytes(case: DataCase) -> None:
    for split in _loaded(case).splits:
        assert split.store.dtype in ({torch.uint8} if split.store.ndim == 4 else FLOATS)


def every_split_has_every_class(case: DataCase) -> None:
    dataset = _loaded(case)
    if dataset.task == "classification":
        for split in dataset.splits:
            assert split.targets.unique().tolist() == list(range(dataset.outputs))


def train_split_is_standardised_by_channel(case: DataCase) -> None:
    if case.config.normalize != "standard":
        return
    inputs = _loaded(case).train.inputs.double()
    axes = (0, *range(2, inputs.ndim))
    std, mean = torch.std_mean(inputs, axes, correction=0)
    assert mean.abs().max() < 1e-5
    constant = inputs.amax(axes) == inputs.amin(axes)
    assert ((std - 1).abs()[~constant] < 1e-5).all()
    assert (inputs.abs().amax(axes)[constant] < 1e-5).all()


def same_config_same_tensors(case: DataCase) -> None:
    dataset = _loaded(case)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        state = torch.get_rng_state()
        again = case.load()
        assert torch.equal(torch.get_rng_state(), state), "loading draws from the global generator"
    for first, second in zip(dataset.splits, again.splits, strict=True):
        assert torch.equal(first.inputs, second.inputs)
        assert torch.equal(first.targets, second.targets)
    assert re.fullmatch("[0-9a-f]{16}", dataset.digest)
    assert dataset.digest == again.digest


def no_sample_in_two_splits_and_none_left_out(case: DataCase) -> None:
    splits = _loaded(case).splits
    for first, second in combinations(splits, 2):
        one, other = (_rows(each) if _share(first, second) else set(_keys(each)) for each in (first, second))
        assert not one & other
    for split in splits:
        rows = [row for each in splits if _share(each, split) for row in each.rows.tolist()]
        assert sorted(rows) == list(range(len(split.store)))


def another_seed_divides_the_same_samples_otherwise(case: DataCase) -> None:
    here, there = _loaded(case), case.load(seed=1_234_567)
    assert [len(split) for split in here.splits] == [len(split) for split in there.splits]
    val, other_val = _keys(here.val), _keys(there.val)
    if case.draws == "nothing":
        assert val == other_val
        return
    assert here.digest != there.digest
    assert set(val) != set(other_val), "the same validation split"
    if case.draws == "rows":
        samples, others = (Counter(key for split in each.splits for key in _keys(split)) for each in (here, there))
        assert samples == others


def stratified_where_claimed(case: DataCase) -> None:
    dataset = _loaded(case)
    if dataset.task == "regression" or not case.config.stratified:
        return
    splits = [split for split in dataset.splits if _share(split, dataset.train)]
    counts = torch.stack([split.targets.bincount(minlength=dataset.outputs) for split in splits]).double()
    sizes = counts.sum(1, keepdim=True)
    ideal = sizes * counts.sum(0) / sizes.sum()
    assert (counts - ideal).abs().max() < 2  # each of two draws may be off by less than one sample


def fewer_training_samples(case: DataCase) -> None:
    dataset = _loaded(case)
    half = len(dataset.train) // 2
    fewer = case.load(num_train=half)
    assert case.data.facts(case.config.model_copy(update={"num_train": half})).train_samples == half
    assert [len(split) for split in fewer.splits] == [half, len(dataset.val), len(dataset.test)]
    assert len(_rows(fewer.train)) == half
    if case.draws == "rows":
        assert _rows(fewer.train) < _rows(dataset.train)
    assert torch.equal(fewer.val.targets, dataset.val.targets)
    assert torch.equal(fewer.test.targets, dataset.test.targets)
    assert fewer.digest != dataset.digest


def noisy_labels_are_counted_and_in_the_training_split_alone(case: DataCase) -> None:
    dataset = _loaded(case)
    if dataset.task == "regression":
        return
    noisy = case.load(label_noise=0.25)
    assert torch.equal(noisy.train.rows, dataset.train.rows)
    assert int((noisy.train.targets != dataset.train.targets).sum()) == round(0.25 * len(dataset.train))
    assert 0 <= noisy.train.targets.min() <= noisy.train.targets.max() < dataset.outputs
    assert torch.equal(noisy.val.targets, dataset.val.targets)
    assert torch.equal(noisy.test.targets, dataset.test.targets)
    assert noisy.digest != dataset.digest


def config_survives_plain_values(case: DataCase) -> None:
    assert case.data.Config.model_validate(case.config.model_dump(mode="json")) == case.config


CHECKS: list[Check] = checks_in(globals())


def forget() -> None:
    """Free the data set that the checks share."""
    _loaded.cache_clear()


@lru_cache(maxsize=1)
def _loaded(case: DataCase) -> Dataset:
    return case.load()


def _share(first: Split, second: Split) -> bool:
    return first.store.data_ptr() == second.store.data_ptr()


def _rows(split: Split) -> set[int]:
    return set(split.rows.tolist())


def _keys(split: Split) -> list[int]:
    """One number for each sample, equal for equal ones."""
    values = _bytes(split.store.index_select(0, split.rows))
    targets = _bytes(split.targets)
    return [hash((value.tobytes(), target.tobytes())) for value, target in zip(values, targets, strict=True)]


def _bytes(values: Tensor) -> Any:
    return values.reshape(len(values), math.prod(values.shape[1:])).contiguous().numpy()

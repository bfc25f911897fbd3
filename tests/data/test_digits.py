"""The digits data set: the conformance suite, and its split counted by hand."""

from collections import Counter

import numpy as np
import pytest
from sklearn.datasets import load_digits

from sparsetune.data import DATA, load_dataset
from sparsetune.data.digits import Digits, DigitsConfig
from sparsetune.testing.data import CHECKS, Check, DataCase

CONFIGS = {
    "plain": DigitsConfig(),
    "resized": DigitsConfig(resize=28),
    "drawn alike": DigitsConfig(stratified=False, normalize="unit"),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance(check: Check, config: DigitsConfig) -> None:
    check(DataCase(Digits, config))


def test_the_registry_knows_it() -> None:
    assert DATA.get("digits") is Digits


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1])
def test_sixty_twenty_twenty_in_each_class(seed: int) -> None:
    dataset = Digits.load(DigitsConfig(seed=seed))
    assert [len(split) for split in (dataset.train, dataset.val, dataset.test)] == [1079, 359, 359]
    whole = Counter(load_digits().target.tolist())
    for split, share in ((dataset.train, 0.6), (dataset.val, 0.2), (dataset.test, 0.2)):
        counts = dict.fromkeys(whole, 0)
        for target in split.targets.tolist():
            counts[target] += 1
        for label, count in counts.items():
            assert abs(count - share * whole[label]) < 2


def test_every_image_is_there_with_its_label_and_the_train_splits_numbers() -> None:
    """Each sample, found again in scikit-learn's own array by brute force."""
    dataset = Digits.load(DigitsConfig(seed=3))
    source = load_digits()
    position = {image.tobytes(): number for number, image in enumerate(source.images)}
    assert len(position) == 1797
    # The standardised value of a black and a white pixel gives mean and deviation back.
    black, white = dataset.train.inputs.min().item(), dataset.train.inputs.max().item()
    found = {}
    for name in ("train", "val", "test"):
        split = getattr(dataset, name)
        pixels = ((split.inputs.double() - black) / (white - black) * 16).round().numpy()
        found[name] = [position[image.tobytes()] for image in pixels[:, 0]]
        assert source.target[found[name]].tolist() == split.targets.tolist()
    assert sorted(number for part in found.values() for number in part) == list(range(1797))
    scaled = source.images[found["train"]] / 16
    for name, numbers in found.items():
        expected = (source.images[numbers] / 16 - scaled.mean()) / scaled.std()
        np.testing.assert_allclose(getattr(dataset, name).inputs[:, 0].numpy(), expected, rtol=0, atol=2e-6)


def test_white_is_one_in_units() -> None:
    for config in (DigitsConfig(normalize="unit"), DigitsConfig(normalize="unit", resize=28)):
        inputs = Digits.load(config).train.inputs
        assert (inputs.min().item(), inputs.max().item()) == (0, 1)


def test_the_split_of_seed_0_is_the_same_for_ever() -> None:
    dataset = Digits.load(DigitsConfig())
    assert [split.rows[:6].tolist() for split in dataset.splits] == [
        [1526, 169, 722, 1223, 790, 630],
        [1665, 1669, 484, 166, 1676, 797],
        [188, 1758, 977, 876, 386, 1372],
    ]


def test_warm_processes_load_once() -> None:
    first = load_dataset(DigitsConfig())
    assert load_dataset(DigitsConfig()) is first
    assert load_dataset(DigitsConfig(seed=1)) is not first

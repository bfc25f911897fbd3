"""The digits data set: the conformance suite, and its split counted by hand."""

from collections import Counter

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from sparsetune.testing.data import CHECKS, Check, DataCase
from sparsetune.training.data import DATA, load_dataset
from sparsetune.training.data.digits import Digits, DigitsConfig

CASE = DataCase(Digits, DigitsConfig(), stratified=True)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance(check: Check) -> None:
    check(CASE)


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


def test_warm_processes_load_once() -> None:
    cpu = torch.device("cpu")
    first = load_dataset(DigitsConfig(), cpu, torch.float32)
    assert load_dataset(DigitsConfig(), cpu, torch.float32) is first
    double = load_dataset(DigitsConfig(), cpu, torch.float64)
    assert double.val.inputs.dtype == torch.float64
    assert double.val.targets.dtype == torch.int64
    assert load_dataset(DigitsConfig(seed=1), cpu, torch.float32) is not first

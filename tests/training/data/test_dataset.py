"""The arithmetic of data sets, worked by hand."""

import math

import numpy as np

from sparsetune.training.data.dataset import grey_images, moments


def test_moments_of_four_numbers() -> None:
    # mean 4, squares of the deviations 9 + 1 + 1 + 9 = 20, divided by 4
    assert moments(np.array([[1, 3], [5, 7]], np.uint8)) == (4.0, math.sqrt(5))


def test_moments_do_not_overflow() -> None:
    mean, std = moments(np.repeat(np.array([0, 255], np.uint8), 1_000_000))
    assert (mean, std) == (127.5, 127.5)


def test_all_splits_take_the_train_splits_numbers() -> None:
    pixels = [np.array([[[low, high]]], np.uint8) for low, high in ((0, 2), (1, 3), (5, 9))]
    labels = np.array([1])
    dataset = grey_images([(part, labels) for part in pixels], classes=2)
    assert [split.inputs.flatten().tolist() for split in (dataset.train, dataset.val, dataset.test)] == [
        [-1, 1],
        [0, 2],
        [4, 8],
    ]
    assert dataset.train.inputs.shape == (1, 1, 1, 2)
    assert dataset.input_shape == (1, 1, 2)

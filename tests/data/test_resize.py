"""Images of another size, by hand; tests of the data sets compare them with torchvision's."""

import numpy as np
import pytest

from sparsetune.data.images import resize as module
from sparsetune.data.images.resize import resized


def test_a_constant_stays_and_halves_are_means() -> None:
    images = np.full((2, 3, 4, 4), 200, np.uint8)
    assert (resized(images, 9) == 200).all()
    halves = np.zeros((1, 1, 2, 2), np.uint8)
    halves[..., 1] = 101
    assert resized(halves, 1).tolist() == [[[[50]]]]  # 50.5 is rounded to the even number


def test_in_pieces_and_into_an_array(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).integers(0, 256, (11, 3, 8, 6), np.uint8)
    whole = resized(images, 12)
    assert (whole.shape, whole.dtype) == ((11, 3, 12, 12), np.uint8)
    monkeypatch.setattr(module, "_AT_ONCE", 3 * 144 * 4)
    out = np.zeros((11, 3, 12, 12), np.uint8)
    assert resized(images, 12, out) is out
    np.testing.assert_array_equal(out, whole)

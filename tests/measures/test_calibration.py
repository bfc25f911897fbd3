"""Calibration by hand: which bin, what it holds, what it adds."""

import pytest
import torch

from sparsetune.measures.quality import calibration_error, odds_confidences, reliability


def test_a_table_by_hand() -> None:
    """5 bins; .2 is the first's upper edge, .61 and .7 share the fourth.

    ECE: (1 x |0 - .2| + 2 x |.5 - .655| + 1 x |1 - .9|) / 4 = (.2 + .31 + .1) / 4.
    """
    confidences = torch.tensor([0.2, 0.61, 0.7, 0.9], dtype=torch.float64)
    table = reliability(confidences, torch.tensor([0.0, 1.0, 0.0, 1.0], dtype=torch.float64), 5)
    expected = [[1, 0, 0.2], [0, 0, 0], [0, 0, 0], [2, 0.5, 0.655], [1, 1, 0.9]]
    assert table.tolist() == [pytest.approx(row) for row in expected]
    assert float(calibration_error(table)) == pytest.approx(0.61 / 4)


@pytest.mark.parametrize("bins", [10, 15])
def test_a_bin_holds_its_upper_edge(bins: int) -> None:
    """m / M is in the m-th bin, the next number in the bin after it; 1 in the last."""
    edges = torch.arange(1, bins + 1, dtype=torch.float64) / bins
    ones = torch.ones(bins, dtype=torch.float64)
    assert reliability(edges, ones, bins)[:, 0].tolist() == [1] * bins
    beyond = torch.nextafter(edges[:-1], ones[:-1])
    assert reliability(beyond, ones[:-1], bins)[:, 0].tolist() == [0] + [1] * (bins - 1)


def test_odds_by_hand() -> None:
    """p = (.8, .2): odds 4 and 1/4, so 4 / 4.25. p = (1, 0): all of it."""
    p = torch.tensor([[0.8, 0.2], [1.0, 0.0], [0.25, 0.75]], dtype=torch.float64)
    assert odds_confidences(p).tolist() == pytest.approx([4 / 4.25, 1.0, 3 / (3 + 1 / 3)])


def test_calibrated_is_zero_and_overconfident_is_the_gap() -> None:
    confidences = torch.full((10,), 0.75, dtype=torch.float64)
    hits = torch.tensor([1, 1, 1, 0] * 5, dtype=torch.float64)
    assert float(calibration_error(reliability(confidences.repeat(2), hits, 10))) == 0
    assert float(calibration_error(reliability(confidences, torch.zeros(10), 10))) == 0.75

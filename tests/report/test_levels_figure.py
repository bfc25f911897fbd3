"""The figure of levels: points by hand, lines in the drawing, and what has nothing to show."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sparsetune.base.messages import Result, Which
from sparsetune.report.levels_figure import levels_figure
from sparsetune.sparsity.figure import OverLevels

WANTED = OverLevels(
    "density", "left (%)", "whole", "best", ({"test_accuracy": "accuracy", "test_loss": "loss"}, {"none": ""})
)


def run(*levels: tuple[float, float], metric: str = "test_accuracy", which: Which = "best") -> list[Result]:
    return [Result(f"level {n}", which, 1, 1, {"density": d, metric: value}) for n, (d, value) in enumerate(levels)]


def lines(figure: Any) -> dict[int, Any]:
    (axes,) = figure.axes
    return {number: line.get_xydata() for number, line in enumerate(axes.lines)}


def test_means_and_intervals_over_replicates() -> None:
    """Of 0.9, 0.8, 0.7 the mean is 0.8; half of the interval is 0.1 / sqrt 3 times t of two degrees of freedom."""
    replicates = [run((1.0, value), (0.5, value / 2)) for value in (0.9, 0.8, 0.7)]
    figure = levels_figure({"a": replicates, "b": [run((1.0, 0.8), (0.5, 0.2))]}, WANTED)
    assert figure is not None
    several, one, across = lines(figure).values()
    assert several == pytest.approx(np.array([[0, 0.8], [math.log(2), 0.4]]))
    assert one == pytest.approx(np.array([[0, 0.8], [math.log(2), 0.2]]))
    assert across[:, 1] == pytest.approx([0.8, 0.8])
    (band,) = figure.axes[0].collections[:1]
    low, high = stats.t.interval(0.95, 2, 0.8, stats.sem([0.9, 0.8, 0.7]))
    (path,) = band.get_paths()
    assert {round(y, 9) for x, y in path.vertices if x == 0} >= {round(low, 9), round(high, 9)}
    said = [text.get_text() for text in (*figure.texts, *figure.legends[0].get_texts())]
    assert {"accuracy", "left (%)", "100", "50", "a", "b", "whole"} <= {*said}


def test_the_first_number_that_all_have_at_levels_that_all_have() -> None:
    longer, shorter = (
        run((1.0, 3.0), (0.5, 2.0), (0.25, 1.0), metric="test_loss"),
        run((1.0, 5.0), (0.5, 4.0), metric="test_loss"),
    )
    figure = levels_figure({"": [longer, shorter]}, WANTED)
    assert figure is not None
    assert lines(figure)[0] == pytest.approx(np.array([[0, 4.0], [math.log(2), 3.0]]))
    assert "loss" in [text.get_text() for text in figure.texts]


@pytest.mark.parametrize(
    "runs",
    [[], [run((1.0, 0.9))], [run((1.0, 0.9), (0.5, 0.8), which="last")], [run((1.0, 0.9), (0.5, 0.8), metric="x")]],
)
def test_nothing_to_show(runs: list[list[Result]]) -> None:
    assert levels_figure({"a": runs}, WANTED) is None

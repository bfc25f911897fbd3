"""The figure of what layers keep."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb

from sparsetune.base.messages import Row
from sparsetune.report.canvas import save
from sparsetune.report.layers import density_figure, layer_curves, spread

PNG = b"\x89PNG"


def rows(*densities: tuple[float, ...]) -> list[Row]:
    names = [f"layer_density/conv{number}.weight" for number in range(99)]
    return [
        Row(epoch, 0, {"val_loss": 1.0, **dict(zip(names, each, strict=False))})
        for epoch, each in enumerate(densities, 1)
    ]


def test_curves_by_hand() -> None:
    assert layer_curves(rows((1.0, 0.5), (0.25, 0.5))) == {
        "conv0.weight": ([1, 2], [1.0, 0.25]),
        "conv1.weight": ([1, 2], [0.5, 0.5]),
    }


def test_where_nothing_is_pruned_there_is_nothing_to_draw() -> None:
    assert layer_curves(rows((1.0, 1.0), (1.0, 1.0))) == {}
    assert layer_curves([Row(1, 0, {"density": 0.5})]) == {}
    assert layer_curves([]) == {}


@pytest.mark.parametrize("layers", [1, 5, 21])
@pytest.mark.parametrize("epochs", [1, 8])
def test_a_figure_is_a_png(layers: int, epochs: int, tmp_path: Path) -> None:
    falling = [tuple(0.9 ** (epoch * number) for number in range(1, layers + 1)) for epoch in range(1, epochs + 1)]
    save(density_figure(layer_curves(rows(*falling))), tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(PNG)


def test_a_layer_that_lost_everything(tmp_path: Path) -> None:
    save(density_figure(layer_curves(rows((0.0,), (0.0,)))), tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize("layers", [2, 3, 5, 21, 60])
@pytest.mark.parametrize("density", [0.0001, 0.5, 1.0])
def test_labels_stand_apart_beside_the_axes(layers: int, density: float) -> None:
    """As they are drawn, with densities that are nearly equal at the end."""
    drawing = density_figure(layer_curves(rows((0.999,) * layers, tuple(density - n * 1e-6 for n in range(layers)))))
    drawing.draw_without_rendering()
    (axes,) = drawing.axes
    boxes = sorted((text.get_window_extent() for text in axes.texts), key=lambda box: box.y0)
    assert len(boxes) == layers
    assert all(low.y1 <= high.y0 for low, high in pairwise(boxes))
    assert boxes[0].y0 >= axes.bbox.y0 - 10, "half a label below the axes at most"
    assert boxes[-1].y1 <= axes.bbox.y1 + 10


@pytest.mark.parametrize("name", ["a.weight", "features.denseblock3.denselayer24.conv2.weight"])
def test_the_legend_stands_beside_the_axes(name: str) -> None:
    drawing = density_figure({f"{name}{number}": ([1, 2], [0.5, 0.4]) for number in range(30)})
    drawing.draw_without_rendering()
    box, (axes,) = drawing.legends[0].get_window_extent(), drawing.axes
    labels = [text.get_window_extent().x1 for text in axes.texts]
    assert max(labels) < box.x0
    assert box.x1 <= drawing.bbox.x1
    assert box.y0 >= 0
    assert axes.bbox.width >= 400


@pytest.mark.parametrize("layers", [1, 3, 5, 21])
def test_every_line_stands_out_from_white(layers: int) -> None:
    """A contrast ratio of at least 3, which WCAG 2.1 asks of graphics."""
    drawing = density_figure(layer_curves(rows((0.5,) * layers)))
    for line in drawing.axes[0].lines:
        red, green, blue = (
            each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in to_rgb(line.get_color())
        )
        assert 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) >= 3


def test_spread_by_hand() -> None:
    found = spread([0.5, 0.1, 0.5, 0.56], 0.1, 1.0)
    assert found == pytest.approx([0.42, 0.1, 0.52, 0.62]), "three around their mean"
    assert spread([0.3, 0.1, 0.2], 0.05, 1.0) == pytest.approx([0.3, 0.1, 0.2]), "what is apart stays"
    assert spread([0.0, 0.1, 0.0], 0.2, 1.0) == pytest.approx([0.0, 0.4, 0.2]), "none below 0"
    assert spread([1.0, 0.2, 0.95], 0.1, 1.0) == pytest.approx([1.0, 0.2, 0.9]), "none above the top"
    assert spread([0.5, 0.5, 0.5], 0.6, 1.0) == pytest.approx([0.0, 0.6, 1.2]), "no room"
    assert spread([], 0.1, 1.0) == []


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0, 0.2))
def test_spread_heights_keep_their_order_and_a_gap(heights: list[float], gap: float) -> None:
    found = spread(heights, gap, 1.0)
    ranked = sorted(range(len(heights)), key=heights.__getitem__)
    assert all(found[b] - found[a] >= gap - 1e-12 for a, b in pairwise(ranked))
    assert all(0 <= each <= max(1, gap * (len(heights) - 1)) + 1e-12 for each in found)


@given(st.lists(st.floats(40, 41), max_size=30), st.floats(0, 0.2))
def test_spread_heights_keep_their_mean_where_there_is_room(heights: list[float], gap: float) -> None:
    assert sum(spread(heights, gap, 100.0)) == pytest.approx(sum(heights))

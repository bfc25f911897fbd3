"""The figure of what a network says over its two inputs, beside what is true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from sparsetune.report.canvas import save
from sparsetune.report.figures import End, Numbers, draw_figures
from sparsetune.report.surface import surface_figure, surfaces_of

AT = np.linspace(-1, 1, 21)
CONFIG = {"method": {"name": "dense"}, "training": {"keep": "last"}}


def leave(folder: Path) -> Path:
    """The truth rises to the right; the network is right on the left, and 0 on the right."""
    truth = np.tile(AT, (21, 1))
    network = np.where(truth < 0, truth, 0)
    values = {"at": AT, "truth": truth, "network": network}
    np.savez(folder / "surfaces.npz", **{name: each.astype(np.float32) for name, each in values.items()})
    return folder


def test_what_a_run_has_left(tmp_path: Path) -> None:
    assert surfaces_of(tmp_path) is None
    surfaces = surfaces_of(leave(tmp_path))
    assert surfaces is not None
    assert {name: each.shape for name, each in surfaces.items()} == {
        "at": (21,),
        "truth": (21, 21),
        "network": (21, 21),
    }


def test_three_squares_and_two_scales(tmp_path: Path) -> None:
    surfaces = surfaces_of(leave(tmp_path))
    assert surfaces is not None
    drawing = surface_figure(surfaces)
    assert [axes.get_title() for axes in drawing.axes[:3]] == ["truth", "network", "network - truth"]
    images = [axes.images[0] for axes in drawing.axes if axes.images]
    assert [image.get_clim() for image in images] == [(-1, 1), (-1, 1), (-1, 1)]
    error = (np.maximum(AT, 0) ** 2).mean()
    assert f"mean squared difference over the square: {error:.3g}" in {text.get_text() for text in drawing.texts}
    drawing.draw_without_rendering()
    assert all(axes.get_tightbbox().x1 <= drawing.bbox.x1 for axes in drawing.axes)
    assert all(axes.get_tightbbox().x0 >= 0 for axes in drawing.axes)


def test_colours_are_where_values_are(tmp_path: Path) -> None:
    """Left halves are alike and right ones are not; the difference is white where there is none."""
    draw_figures(leave(tmp_path), [], CONFIG, Numbers(), End())
    assert [path.name for path in tmp_path.glob("*.png")] == ["surface.png"]
    surfaces = surfaces_of(tmp_path)
    assert surfaces is not None
    drawing = surface_figure(surfaces)
    save(drawing, tmp_path / "again.png")
    with Image.open(tmp_path / "surface.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    squares = [axes for axes in drawing.axes if axes.images]

    def colour(number: int, share: float) -> list[int]:
        box = squares[number].bbox
        return list(pixels[-round((box.y0 + box.y1) / 2), round(box.x0 + share * box.width)])

    assert colour(0, 0.2) == colour(1, 0.2)
    assert colour(0, 0.9) != colour(1, 0.9)
    assert min(colour(2, 0.2)) > 240
    assert colour(2, 0.9)[2] > colour(2, 0.9)[0] + 50, "blue where the network says too little"


def test_a_network_that_is_right_everywhere_has_a_figure(tmp_path: Path) -> None:
    flat = np.zeros((21, 21))
    save(surface_figure({"at": AT, "truth": flat, "network": flat}), tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as image:
        assert image.size[0] > 600

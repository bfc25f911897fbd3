"""The figure of the input's pixels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from sparsetune.report.canvas import save
from sparsetune.report.figures import End, Numbers, draw_figures
from sparsetune.report.pixels import left_of_pixels, pixel_counts, pixels_figure


def test_counts_by_hand() -> None:
    """Two units over an image of two channels, two rows and three columns."""
    one = [[1, 0, 2], [0, 0, 3]], [[0, 0, 1], [4, 0, 0]]
    other = [[1, 0, 2], [0, 0, 0]], [[-1, 0, 0], [0, 0, 0]]
    weights = np.array([np.ravel(one), np.ravel(other)])
    assert pixel_counts(weights, (2, 2, 3)).tolist() == [[3, 0, 3], [1, 0, 1]]


def leave(folder: Path, layers: list[dict[str, Any]], weights: np.ndarray) -> Path:
    (folder / "layers.json").write_text(json.dumps(layers))
    save_file({"linear1.weight": weights, "linear2.weight": np.zeros((2, 2))}, folder / "weights.safetensors")
    return folder


def test_what_a_run_has_left_says_whether_there_are_pixels(tmp_path: Path) -> None:
    assert left_of_pixels(tmp_path) is None, "of a dense network there is no list of layers"
    row = {"name": "linear1.weight", "density": 0.5}
    weights = np.array([[0.0, 0.5, 0.0, -1.0]], np.float32)
    assert left_of_pixels(leave(tmp_path, [row], weights)) is None
    counts = left_of_pixels(leave(tmp_path, [{**row, "image": [1, 2, 2]}, {"name": "linear2.weight"}], weights))
    assert counts is not None
    assert counts.tolist() == [[0, 1], [0, 1]]


@pytest.mark.parametrize("shape", [(28, 28), (8, 20), (20, 8), (1, 1)])
@pytest.mark.parametrize("most", [0, 1, 300, 12_000])
def test_a_pixel_without_weights_is_white_and_one_with_many_is_dark(
    shape: tuple[int, int], most: int, tmp_path: Path
) -> None:
    counts = np.zeros(shape, np.int64)
    counts[: shape[0] // 2] = most
    drawing = pixels_figure(counts)
    drawing.draw_without_rendering()
    assert all(text.get_window_extent().x1 <= drawing.bbox.x1 for axes in drawing.axes for text in axes.texts)
    assert max(axes.get_tightbbox().x1 for axes in drawing.axes) <= drawing.bbox.x1
    save(drawing, tmp_path / "figure.png")
    pixels = np.asarray(Image.open(tmp_path / "figure.png").convert("RGB"))
    box = drawing.axes[0].bbox
    across = round((box.x0 + box.x1) / 2)
    last = pixels[-round(box.y0 + box.height / shape[0] / 2), across]
    first = pixels[-round(box.y1 - box.height / shape[0] / 2), across]
    assert last.tolist() == [255, 255, 255]
    assert (first.max() < 160) == bool(most and shape[0] > 1)


def test_it_is_among_a_run_s_figures(tmp_path: Path) -> None:
    leave(tmp_path, [{"name": "linear1.weight", "image": [1, 2, 2]}], np.ones((3, 4), np.float32))
    draw_figures(tmp_path, [], {"method": {"name": "dense"}, "training": {"keep": "last"}}, Numbers(), End())
    assert [path.name for path in tmp_path.glob("*.png")] == ["input_pixels.png"]

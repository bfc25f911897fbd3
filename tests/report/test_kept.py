"""The figure of what each layer keeps at a run's end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sparsetune.report.figures import End, Numbers, draw_figures
from sparsetune.report.kept import Layer, kept_figure, layers_left

LAYERS = [Layer("linear1.weight", 1203, 235_200), Layer("linear2.weight", 0, 30_000), Layer("linear3.weight", 5, 5)]


def test_in_words() -> None:
    assert [each.said for each in LAYERS] == ["1,203 of 235,200 (0.51 %)", "0 of 30,000 (0 %)", "all 5"]
    assert Layer("", 123, 1000).said == "123 of 1,000 (12 %)"
    assert Layer("", 99_999, 100_000).said == "99,999 of 100,000 (99 %)", "nearly all are not all"


def test_read_from_what_a_run_has_left(tmp_path: Path) -> None:
    assert layers_left(tmp_path) == [], "of a dense network there is no list"
    rows = [{**each._asdict(), "density": 1, "macs": 0} for each in LAYERS]
    (tmp_path / "layers.json").write_text(json.dumps(rows))
    assert layers_left(tmp_path) == LAYERS


@pytest.mark.parametrize("layers", [LAYERS, [Layer("a" * 80, 1, 10**9)] * 60, [Layer("w", 0, 3)], [Layer("w", 3, 3)]])
def test_dots_stand_at_the_fractions_and_texts_fit(layers: list[Layer]) -> None:
    drawing = kept_figure(layers)
    axes = drawing.axes[0]
    dots = [tuple(line.get_xydata()[0]) for line in axes.lines]
    assert dots == [(each.nonzeros / each.size, line) for line, each in enumerate(layers) if each.nonzeros]
    assert axes.get_xlim()[0] <= min((at for at, _ in dots), default=1)
    drawing.draw_without_rendering()
    boxes = [text.get_window_extent() for text in (*axes.texts, *drawing.texts)]
    whole = drawing.bbox
    assert all(whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 for box in boxes)


def test_it_is_drawn_where_rows_say_nothing_of_layers(tmp_path: Path) -> None:
    rows = [{**each._asdict(), "density": 0.1} for each in LAYERS]
    (tmp_path / "layers.json").write_text(json.dumps(rows))
    config = {"method": {"name": "dense"}, "training": {"keep": "last"}}
    draw_figures(tmp_path, [[]], config, Numbers(), End())
    assert "density_by_layer.png" in {path.name for path in tmp_path.glob("*.png")}

"""Which figures a run gets, and that none of them is worth a trained trial."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparsetune.base.messages import Row
from sparsetune.report import curves
from sparsetune.report.figures import End, Numbers, draw_figures

TRAINING = {"keep": "last"}


def rows(*densities: float, **more: float) -> list[Row]:
    layers = [{"layer_density/conv1.weight": density} for density in densities]
    return [Row(epoch, 0, {"val_loss": 1 / epoch, **each, **more}) for epoch, each in enumerate(layers, 1)]


def drawn(folder: Path, *runs: list[Row], method: dict[str, Any] | None = None, trace: bool = False) -> set[str]:
    folder.mkdir(exist_ok=True)
    if trace:
        np.savez(folder / "trace.npz", threshold=np.ones(3), activation=np.ones(3))
    config = {"method": method or {"name": "dense"}, "training": TRAINING}
    draw_figures(folder, runs, config, Numbers(), End())
    return {path.name for path in folder.glob("*.png")}


def test_which_figures_follows_from_what_there_is(tmp_path: Path) -> None:
    controlled = {"name": "ast", "target_activation": 0.5}
    assert drawn(tmp_path / "no epoch", []) == set()
    assert drawn(tmp_path / "none", rows(1.0, 1.0)) == {"curves.png"}
    assert drawn(tmp_path / "sparse", rows(0.5, 0.5)) == {"curves.png", "density_by_layer.png"}
    assert drawn(tmp_path / "controlled", rows(1.0), method=controlled, trace=True) == {"curves.png", "controller.png"}
    both = {"curves.png", "controller.png", "density_by_layer.png"}
    assert drawn(tmp_path / "both", rows(0.5), method=controlled, trace=True) == both
    assert drawn(tmp_path / "another trace", rows(1.0), trace=True) == {"curves.png"}
    assert drawn(tmp_path / "several", rows(0.5), rows(0.5)) == {"curves.png"}


def test_a_figure_that_cannot_be_drawn_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "trace.npz").write_text("no arrays")
    assert drawn(tmp_path, rows(0.5), method={"name": "ast"}) == {
        "curves.png",
        "density_by_layer.png",
    }
    (tmp_path / "file").write_text("no folder")
    draw_figures(tmp_path / "file", [rows(0.5)], {"method": {}, "training": TRAINING}, Numbers(), End())


def test_what_curves_are_told_of_a_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told: list[curves.TrainedRuns] = []
    monkeypatch.setattr(curves, "curves_figure", told.append)
    config = {"method": {}, "training": {"keep": "best"}}
    numbers, runs = Numbers(("density",)), [rows(1.0, 1.0, best_epoch=1.0), rows(1.0, 1.0, best_epoch=2.0)]
    for end in (End(), End("PRUNED"), End("FAIL", "why", broke=True)):
        draw_figures(tmp_path, runs, config, numbers, end)
    draw_figures(tmp_path, runs, {**config, "training": TRAINING}, numbers, End())
    assert [each.kept for each in told] == [[1, 2], [], [], []]
    assert [each.broke for each in told] == [None, None, 3, None]
    assert {(each.reason, *each.objectives) for each in told} == {("", "density"), ("why", "density")}


def test_letters_that_the_font_lacks_are_boxes_without_a_warning(tmp_path: Path) -> None:
    odd = [Row(epoch, 0, {"val_loss": 1.0, "layer_density/\u5c64.weight": 1 / epoch}, "\u5c64") for epoch in (1, 2)]
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        assert drawn(tmp_path, odd) == {"curves.png", "density_by_layer.png"}
    assert shown == []

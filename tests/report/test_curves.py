"""The figure of learning curves, read back from what matplotlib has of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sparsetune.base.messages import Row
from sparsetune.report.canvas import save
from sparsetune.report.curves import BROKEN, INK, TrainedRuns, curves_figure

NAN = float("nan")


def run(epochs: int, seed: int = 0, phases: Sequence[str] = ("train",), **more: float) -> list[Row]:
    def metrics(epoch: int) -> dict[str, float]:
        classes = {"train_accuracy": 0.9 - 0.5 / epoch, "val_accuracy": 0.8 - 0.5 / epoch + seed / 100}
        losses = {"train_loss": 2 / epoch, "val_loss": 1 + 1 / epoch + seed / 10}
        return {**losses, **classes, **{name: value * epoch for name, value in more.items()}}

    share = -(-epochs // len(phases))
    return [Row(epoch, 0, metrics(epoch), phases[(epoch - 1) // share]) for epoch in range(1, epochs + 1)]


REGRESSION = [Row(epoch, 0, {"train_loss": 1 / epoch, "val_loss": 2 / epoch}) for epoch in range(1, 5)]
SUBJECTS = {
    "plain": TrainedRuns([run(20)]),
    "kept, objectives": TrainedRuns([run(8, compute_saved=0.05, macs=1e5)], [5], ("compute_saved", "macs")),
    "one epoch": TrainedRuns([run(1)]),
    "broke": TrainedRuns([run(2)], broke=3, reason="val_loss became nan in epoch 3"),
    "long reason": TrainedRuns([run(2)], reason="out of memory: " + "no room for so many numbers; " * 20),
    "seeds": TrainedRuns([run(6, 0), run(6, 1), run(5, 2)], [6, 4, 5]),
    "phases": TrainedRuns([run(60, phases=("train", "prune", "finetune"))], [44]),
    "many phases": TrainedRuns([run(60, phases=[f"level {number}" for number in range(20)])]),
    "regression": TrainedRuns([REGRESSION]),
}


def figure(trained: TrainedRuns) -> Any:
    found = curves_figure(trained)
    assert found is not None
    return found


def lines(axes: Any) -> dict[str, list[tuple[list[float], list[float]]]]:
    """What is drawn over epochs, by colour."""
    found: dict[str, list[tuple[list[float], list[float]]]] = {}
    for line in axes.lines:
        if len(line.get_xdata()) and line.get_transform() == axes.transData:
            found.setdefault(line.get_color(), []).append((list(line.get_xdata()), list(line.get_ydata())))
    return found


def texts(drawing: Any) -> list[str]:
    return [text.get_text() for text in (*drawing.texts, *(each for axes in drawing.axes for each in axes.texts))]


def legend(drawing: Any) -> list[str]:
    return [text.get_text() for text in drawing.legends[0].get_texts()]


def marks(axes: Any, colour: str) -> list[float]:
    """Where lines from bottom to top are."""
    upright = axes.get_xaxis_transform()
    return [
        line.get_xdata()[0] for line in axes.lines if line.get_transform() == upright and line.get_color() == colour
    ]


def test_curves_by_hand() -> None:
    rows = run(4, compute_saved=0.1)
    drawing = figure(TrainedRuns([rows], objectives=("val_accuracy", "compute_saved", "density")))
    loss, accuracy, saved = drawing.axes
    training, validation = lines(loss)
    assert lines(loss) == {
        training: [([1, 2, 3, 4], [2, 1, 2 / 3, 0.5])],
        validation: [([1, 2, 3, 4], pytest.approx([2, 1.5, 4 / 3, 1.25]))],
    }
    assert lines(accuracy)[training] == [([1, 2, 3, 4], pytest.approx([0.4, 0.65, 0.9 - 0.5 / 3, 0.775]))]
    assert lines(accuracy)[validation] == [([1, 2, 3, 4], pytest.approx([0.3, 0.55, 0.8 - 0.5 / 3, 0.675]))]
    assert list(lines(saved).values()) == [[([1, 2, 3, 4], pytest.approx([0.1, 0.2, 0.3, 0.4]))]]
    assert legend(drawing) == ["training", "validation"]
    labels = {"loss (nats)", "accuracy (fraction)", "compute saved (fraction)", "epoch", "1", "2", "3", "4"}
    assert labels <= set(texts(drawing))
    assert drawing.get_size_inches()[0] * drawing.dpi == 850


def test_losses_that_differ_by_decades_are_on_a_logarithmic_axis() -> None:
    steep = [Row(epoch, 0, {"train_loss": 10.0**-epoch, "val_loss": 1.0, "val_accuracy": 0.5}) for epoch in (1, 2, 3)]
    assert [axes.get_yscale() for axes in figure(TrainedRuns([steep])).axes] == ["log", "linear"]
    flat = [Row(epoch, 0, {"train_loss": 1 - epoch / 4, "val_loss": 1.0}) for epoch in (1, 2, 3)]
    assert figure(TrainedRuns([flat])).axes[0].get_yscale() == "linear"
    zero = [Row(epoch, 0, {"train_loss": 1.0 * (3 - epoch), "val_loss": 1.0}) for epoch in (1, 2, 3)]
    assert figure(TrainedRuns([zero])).axes[0].get_yscale() == "linear"


def test_the_kept_state_is_marked_and_named() -> None:
    drawing = figure(SUBJECTS["kept, objectives"])
    assert [marks(axes, INK) for axes in drawing.axes] == [[5]] * 4
    assert legend(drawing)[-1] == "kept state: epoch 5"
    assert marks(figure(SUBJECTS["plain"]).axes[0], INK) == []


def test_the_epoch_that_broke_is_marked_with_the_reason() -> None:
    drawing = figure(SUBJECTS["broke"])
    assert [marks(axes, BROKEN) for axes in drawing.axes] == [[3]] * 2
    assert legend(drawing)[-1] == "broke in epoch 3"
    assert "val_loss became nan in epoch 3" in texts(drawing)
    assert drawing.axes[0].get_xlim()[1] > 3
    said = [text for text in texts(figure(SUBJECTS["long reason"])) if "room" in text]
    assert len(said) == 3
    assert said[0].startswith("out of memory: ")
    assert said[-1].endswith(" ...")


def test_what_is_not_finite_leaves_a_gap() -> None:
    rows = run(4)
    rows[1] = Row(2, 0, {**rows[1].metrics, "val_loss": float("inf"), "train_loss": NAN})
    loss = figure(TrainedRuns([rows])).axes[0]
    for found in lines(loss).values():
        assert np.isnan(found[0][1]).tolist() == [False, True, False, False]
    assert np.isfinite(loss.get_ylim()).all()
    nothing = [Row(1, 0, {"train_loss": NAN, "val_loss": NAN})]
    assert curves_figure(TrainedRuns([nothing])) is None
    assert curves_figure(TrainedRuns([[]])) is None


def test_replicates_are_thin_and_their_mean_is_thick() -> None:
    drawing = figure(SUBJECTS["seeds"])
    validation = list(lines(drawing.axes[0]))[1]
    *each, mean = [line for line in drawing.axes[0].lines if line.get_color() == validation]
    assert [list(line.get_xdata()) for line in each] == [list(range(1, 7))] * 2 + [list(range(1, 6))]
    assert list(mean.get_xdata()) == [1, 2, 3, 4, 5], "of the epochs that all have"
    assert list(mean.get_ydata()) == pytest.approx([1.1 + 1 / epoch for epoch in range(1, 6)])
    assert all(mean.get_linewidth() > 2 * line.get_linewidth() for line in each)
    rings = [line for line in drawing.axes[0].lines if line.get_marker() == "o" and line.get_color() == INK]
    kept = [(line.get_xdata()[0], line.get_ydata()[0]) for line in rings]
    assert kept == [(6, 1 + 1 / 6), (4, pytest.approx(1.35)), (5, pytest.approx(1.4))]
    assert legend(drawing)[2:] == ["mean of 3 seeds", "each seed", "kept state"]


def test_phases_are_named_and_divided() -> None:
    rows = run(6, phases=("train", "finetune"))
    drawing = figure(TrainedRuns([rows]))
    edges = [line.get_xdata()[0] for line in drawing.axes[0].lines if line.get_linestyle() == ":" or line.is_dashed()]
    assert edges == [3.5]
    assert {"train", "finetune"} <= set(texts(drawing))
    assert "train" not in texts(figure(TrainedRuns([run(6)])))


def test_a_loss_with_a_trained_deviation_is_in_bits() -> None:
    rows = [Row(epoch, 0, {"train_loss": -epoch, "val_loss": 1.0 - epoch, "sigma": 0.1}) for epoch in (1, 2, 3)]
    assert "loss (bits, without log2(2 pi) / 2)" in texts(figure(TrainedRuns([rows])))


def test_numbers_of_a_regression() -> None:
    drawing = figure(SUBJECTS["regression"])
    assert "loss (mean squared error)" in texts(drawing)
    assert len(drawing.axes) == 1
    measured = [Row(row.epoch, 0, {**row.metrics, "val_r2": 1 - 1 / row.epoch}) for row in REGRESSION]
    of_r2 = figure(TrainedRuns([measured])).axes[1]
    assert list(lines(of_r2).values()) == [[([1, 2, 3, 4], pytest.approx([0, 0.5, 2 / 3, 0.75]))]]


def test_one_epoch_is_a_dot() -> None:
    drawing = figure(SUBJECTS["one epoch"])
    assert all(line.get_marker() == "o" for axes in drawing.axes for line in axes.lines)


@pytest.mark.parametrize("name", SUBJECTS)
def test_nothing_overlaps_and_nothing_is_cut_off(name: str, tmp_path: Path) -> None:
    drawing = figure(SUBJECTS[name])
    drawing.draw_without_rendering()
    whole = drawing.bbox
    shown = (*drawing.texts, *(each for axes in drawing.axes for each in axes.texts))
    boxes = [(text.get_text(), text.get_window_extent()) for text in shown]
    boxes.append(("legend", drawing.legends[0].get_window_extent()))
    for (one, first), (other, second) in combinations(boxes, 2):
        assert not first.overlaps(second), f"{one!r} lies on {other!r}"
    for text, box in boxes:
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= whole.x1 and box.y1 <= whole.y1
        assert inside, f"{text!r} is cut off: {box}"
        assert not any(box.overlaps(axes.bbox) for axes in drawing.axes), f"{text!r} lies on the axes"
    save(drawing, tmp_path / "figure.png")
    pixels = np.asarray(Image.open(tmp_path / "figure.png").convert("RGB"))
    for axes in drawing.axes:
        x0, y0, x1, y1 = (int(each) for each in axes.bbox.extents)
        within = pixels[len(pixels) - y1 + 2 : len(pixels) - y0 - 2, x0 + 2 : x1 - 2].astype(int)
        assert (np.ptp(within, axis=2) > 60).sum() > 10, "nothing has a colour in these axes"

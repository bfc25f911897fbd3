"""The table of metrics and single ones in full."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sparsetune.base.errors import BadInput
from sparsetune.show.metrics import chosen, show_metrics
from sparsetune.sparsity.methods import METRICS


def said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *names: str, width: int = 80
) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(width))
    show_metrics(METRICS, names)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("width", [40, 71, 80, 160])
def test_no_name_is_cut_and_no_line_leaves_the_terminal(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = said(capsys, monkeypatch, width=width)
    first = [line.split()[0] for line in lines if line[:1].strip()]
    assert first == (["metric", *METRICS, "*"] if width >= 80 else list(METRICS))
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)


def test_a_star_marks_what_the_end_has_and_every_epoch_may_have(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = said(capsys, monkeypatch, width=300)
    marked = {line.split()[0] for line in lines if " end* " in line}
    assert {"ece", "density", "mc_macs", "layer_density"} <= marked
    assert not {"test_ece", "test_accuracy", "peak_memory_mb", "val_loss"} & marked
    assert marked == {name for name, metric in METRICS.items() if metric.any_state}
    assert lines[-1] == "* after each epoch too with metrics.each_epoch: true"


def test_one_in_full(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(capsys, monkeypatch, "ape") == [
        "ape",
        "  nats; higher is better; at the end of a trial, after each epoch too with",
        "  metrics.each_epoch: true; classification only; wants metrics.noise_samples",
        "  average predictive entropy on images of noise, N(0, 1) as the network sees",
        "  them: the model should be unsure",
    ]
    assert said(capsys, monkeypatch, "step_time_ms") == [
        "step_time_ms",
        "  ms; lower is better; of an epoch; differs between equal runs",
        "  mean wall time of a training step",
    ]


def test_several_with_an_empty_line_between(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = said(capsys, monkeypatch, "macs", "best_val")
    assert lines[0] == "macs"
    assert [after for line, after in pairwise(lines) if not line] == [
        "best_val_loss",
        "best_val_accuracy",
    ]


def test_a_whole_name_is_that_one_and_a_beginning_all_that_begin_so() -> None:
    assert [metric.name for metric in chosen(METRICS, ["ece"])] == ["ece"]
    assert [metric.name for metric in chosen(METRICS, ["ece_", "ece_15", "layer_density/conv1.weight"])] == [
        "ece_15",
        "ece_odds",
        "layer_density",
    ]
    assert [metric.name for metric in chosen(METRICS, ["layer_density"])] == ["layer_density"]


def test_of_an_unknown_name_the_nearest() -> None:
    with pytest.raises(BadInput) as raised:
        chosen(METRICS, ["val_loss", "breir"])
    assert str(raised.value) == "unknown metric 'breir'; did you mean 'brier'? (`sparsetune metrics` lists them)"
    with pytest.raises(BadInput, match=r"^unknown metric 'xyz' "):
        chosen(METRICS, ["xyz"])

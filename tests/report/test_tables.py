"""Tables that people read."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table

from sparsetune.config.messages import Trial
from sparsetune.report.tables import flat_row, number, single_table, trial_table


def trial(index: int, accuracy: float, **params: object) -> Trial:
    return Trial(index, "COMPLETE", params, {}, {"val_accuracy": accuracy, "val_loss": 1 - accuracy}, (accuracy,))


def printed(table: Table, width: int) -> str:
    console = Console(width=width, file=io.StringIO())
    with console.capture() as text:
        console.print(table)
    return text.get()


def test_the_best_value_of_each_metric_is_bold() -> None:
    table = trial_table([trial(0, 0.9), trial(1, 0.8)], ["val_accuracy", "val_loss"], "t", 80)
    assert list(table.columns[1].cells) == ["[bold]0.9[/bold]", "0.8"]
    assert list(table.columns[2].cells) == ["[bold]0.1[/bold]", "0.2"]


def test_no_number_is_cut_and_what_does_not_fit_is_said() -> None:
    params = {f"method.parameter_{index}": 1.23456e-05 for index in range(20)}
    for width in (60, 80, 120, 160):
        text = printed(trial_table([trial(0, 0.912345, **params)], ["val_accuracy"], "t", width), width)
        assert "…" not in text
        assert "parameters left out" in text
        (cells,) = [line.split() for line in text.splitlines() if line.strip().startswith("0 ")]
        assert set(cells) == {"0", "0.912", "1.23e-05"}
        assert all(len(line.rstrip()) <= width for line in text.splitlines())


def test_a_single_trial_stands_in_lines() -> None:
    text = printed(single_table(trial(7, 0.9, **{"training.lr": 0.01}), ["val_accuracy"], "Best trial"), 80)
    assert [line.split() for line in text.splitlines()[1:]] == [
        ["trial", "7"],
        ["val_accuracy", "0.9"],
        ["training.lr", "0.01"],
    ]


def test_numbers_are_short() -> None:
    assert [number(value) for value in (0.123456, 3, None, "sgd", 1e-5)] == ["0.123", "3", "", "sgd", "1e-05"]


def test_a_flat_row_keeps_everything_apart() -> None:
    row = flat_row(trial(3, 0.5, **{"method.kp": 0.1}))
    assert (row["number"], row["params.method.kp"], row["metrics.val_accuracy"]) == (3, 0.1, 0.5)

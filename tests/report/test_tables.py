"""Tables that people read."""

from __future__ import annotations

import io

import pytest
from helpers.trials import FORK, several
from rich.console import Console
from rich.table import Table

from sparsetune.base.messages import Trial
from sparsetune.config.study.rows import branch_rows
from sparsetune.report.tables import single_table, trial_table


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


@pytest.mark.parametrize("width", range(40, 130))
def test_no_number_is_cut_and_what_does_not_fit_is_said(width: int) -> None:
    params = {f"method.parameter_{index}": 1.23456e-05 for index in range(12)}
    text = printed(trial_table([trial(0, 0.912345, **params)], ["val_accuracy"], "t", width), width)
    (cells,) = [line.split() for line in text.splitlines() if line.strip().startswith("0 ")]
    assert set(cells) == {"0", "0.912", "1.23e-05"}
    assert all(len(line.rstrip()) <= width for line in text.splitlines())
    assert f"parameters left out: {12 - cells.count('1.23e-05')};" in " ".join(text.split())


def test_metrics_that_do_not_fit_are_left_out_too() -> None:
    wide = Trial(0, "COMPLETE", {"kp": 0.1}, {}, {f"metric_{index}": 1.23456e-05 for index in range(9)})
    text = printed(trial_table([wide], list(wide.metrics), "t", 40), 40)
    assert text.split().count("1.23e-05") == 3
    assert "metrics left out: 6;" in " ".join(text.split())


def test_a_parameter_that_does_not_fit_leaves_room_for_those_after_it() -> None:
    wide = trial(0, 0.5, **{"training.optimizer": "x" * 90, "method.kp": 0.123})
    assert "0.123" in printed(trial_table([wide], ["val_accuracy"], "t", 80), 80)


def test_text_is_no_markup() -> None:
    odd = trial(0, 0.5, **{"model.name": "[bold]a[/b]"})
    assert "[bold]a[/b]" in printed(trial_table([odd], ["val_accuracy"], "t", 80), 80)
    assert "[bold]a[/b]" in printed(single_table(odd, ["val_accuracy"], "t"), 80)


def test_a_single_trial_stands_in_lines() -> None:
    text = printed(single_table(trial(7, 0.9, **{"training.lr": 0.01}), ["val_accuracy"], "Best trial"), 80)
    assert [line.split() for line in text.splitlines()[1:]] == [
        ["trial", "7"],
        ["val_accuracy", "0.9"],
        ["training.lr", "0.01"],
    ]


def test_branches_stand_beside_the_number_and_not_among_the_parameters() -> None:
    results = {(seed, branch.name): {"val_accuracy": 0.9 + 0.02 * seed} for seed in (0, 1) for branch in FORK}
    rows = branch_rows(several(3, results))
    text = printed(trial_table(rows, ["val_accuracy"], None, 80), 80)
    assert [line.split() for line in text.splitlines()] == [
        ["trial", "branch", "val", "accuracy", "lr"],
        *(["3", branch.name, "0.91", "±", "0.01", "0.04"] for branch in FORK),
    ]
    single = printed(single_table(rows[1], ["val_accuracy"], "Best trial"), 80)
    assert ["trial", "3", "mc_samples=5"] in [line.split() for line in single.splitlines()]
    assert "0.91 ± 0.01" in single


def test_a_plain_study_has_no_column_for_branches() -> None:
    assert "branch" not in printed(trial_table([trial(0, 0.9)], ["val_accuracy"], None, 80), 80)

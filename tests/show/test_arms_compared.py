"""What the end of a study says of its arms."""

from __future__ import annotations

import io
from dataclasses import replace

from helpers.arms import ACCURACY, RESULTS, forked, rows
from rich.console import Console

from sparsetune.base.messages import Trial
from sparsetune.show.arms import MOST_CELLS, arms_compared
from sparsetune.sparsity.methods import METHODS


def said(of: list[Trial], front: list[Trial]) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    for part in arms_compared(METHODS, [ACCURACY], of, front):
        console.print(part)
    return console.export_text()


def test_a_table_a_metric_and_what_its_numbers_are() -> None:
    text = said(rows(), rows()[:1])
    assert text.count("By arm") == 2
    assert text.endswith("Differences are paired by seed; ± is the half of a 95 % interval over 3 seeds.\n\n")


def test_one_seed_has_no_interval_and_one_arm_no_table() -> None:
    single = forked(0, {"ticket": (0.9,), "random_mask": (0.7,)})
    assert "0.2" in said(single, single[:1])
    assert "95 %" not in said(single, single[:1])
    assert said(single[:1], single[:1]) == ""


def test_of_many_cells_those_that_win() -> None:
    many = [
        replace(row, params={**row.params, "training.lr": 0.01 * number})
        for number in range(MOST_CELLS + 1)
        for row in forked(number, RESULTS[0], params={})
    ]
    text = said(many, [many[6]])  # of trial 2
    assert text.count("ticket  ") == text.count("0.02 ") == 2
    assert said(many[: 3 * MOST_CELLS], many[:1]).count("random mask") == 2 * MOST_CELLS

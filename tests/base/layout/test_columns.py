"""Columns that fit."""

from __future__ import annotations

from sparsetune.base.layout.columns import Column, aligned, fitting, of_params

TRIAL = Column("trial", ["7", "12"])
LONG = Column("a_very_long_name", ["1", "2"])
WIDE = Column("x", ["1" * 30, "2"])


def test_names_stay_whole_where_there_is_room() -> None:
    heading, rows = aligned([TRIAL, LONG], 40)
    assert heading == ["trial  a very long name"]
    assert rows == ["    7                 1", "   12                 2"]


def test_names_break_at_underscores_where_there_is_little() -> None:
    heading, rows = aligned([TRIAL, LONG], 12)
    assert heading == ["          a", "       very", "       long", "trial  name"]
    assert rows == ["    7     1", "   12     2"]


def test_what_does_not_fit_is_left_out_and_what_follows_is_not() -> None:
    assert fitting([TRIAL, WIDE, LONG], 20) == [TRIAL, LONG]
    assert fitting([TRIAL, WIDE], 37) == [TRIAL, WIDE]
    assert fitting([TRIAL, WIDE], 36) == [TRIAL]
    assert fitting([WIDE], 29) == []


def test_nothing_is_nothing() -> None:
    assert aligned([], 10) == ([], [])


def test_branches_share_the_column_of_a_parameter_that_none_has_twice() -> None:
    rows = [{"method.name": "drr", "drr.delta": 0.1, "drr.alpha": 1}, {"method.name": "rl1", "rl1.delta": 0.25}]
    named = {column.name: column.cells for column in of_params(rows)}
    assert named == {"method": ["drr", "rl1"], "delta": ["0.1", "0.25"], "alpha": ["1", ""]}
    assert [column.name for column in of_params(rows, ["drr.alpha"])] == ["method", "delta"]


def test_parameters_of_one_row_that_end_alike_are_told_apart() -> None:
    columns = of_params([{"training.lr": 1, "method.lr": 2}, {"training.lr": 3}])
    named = [(column.name, column.cells) for column in columns]
    assert named == [("training.lr", ["1", "3"]), ("method.lr", ["2", ""])]


def test_null_is_a_value() -> None:
    (column,) = of_params([{"num_train": 30}, {"num_train": None}])
    assert column.cells == ["30", "null"]

"""Columns that fit."""

from __future__ import annotations

from sparsetune.base.layout.columns import Column, aligned, fitting

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

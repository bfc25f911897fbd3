"""Text that looks like numbers or dates: refused with the settings that read it, read by them, or left as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsetune.base.errors import BadInput
from sparsetune.data import store
from sparsetune.data.pools import Array
from sparsetune.data.tables.dates import days_of, format_of
from sparsetune.data.tables.notation import Notation, amount
from sparsetune.data.tabular import Tabular, TabularConfig

ROWS = 60


def config(folder: Path, values: list[str], **settings: Any) -> TabularConfig:
    """A column x of these texts, over and over, another input and two classes."""
    cells = [values[row % len(values)] for row in range(ROWS)]
    path = folder / "t.csv"
    random = np.random.default_rng(0)
    lines = [f'"{cell}",{random.random():.3f},{random.integers(2)}' for cell in cells]
    path.write_text("\n".join(["x,z,y", *lines]), encoding="utf-8")
    return TabularConfig(path=str(path), **{"target": "y", **settings})


def read(folder: Path, values: list[str], **settings: Any) -> Array:
    """The first inputs of the first rows, one for each text."""
    return np.asarray(Tabular.read(config(folder, values, **settings)).train.inputs[: len(values)])


REFUSED: dict[str, tuple[list[str], str]] = {
    "decimal commas": (
        ["0,5", "1,25"],
        "found '1,25', a number in another notation: data.decimal: \",\" makes it 1.25",
    ),
    "thousands or decimals": (
        ["1,050", "2,300"],
        'found \'1,050\', a number in another notation: data.thousands: "," makes it 1050 or data.decimal: "," makes',
    ),
    "thousands among small numbers": (["950", "12,000", "1,050,000"], 'data.thousands: "," makes it 1050000; or'),
    "German": (["1.050,5", "3,2"], 'data.decimal: "," and data.thousands: "." makes it 1050.5;'),
    "Swiss": (["1'050.5", "3.25"], 'data.thousands: "\'" makes it 1050.5'),
    "narrow blanks": (["1\u202f050", "20"], 'data.thousands: " " makes it 1050'),
    "percent": (["30%", "40 %"], 'data.units: ["x"] makes it 40'),
    "kilograms": (["12 kg", "8.5 kg", "7 kg"], 'data.units: ["x"] makes it 8.5'),
    "dollars": (["$5", "$1,050"], 'data.thousands: "," and data.units: ["x"] makes it 1050'),
    "euros": (["7,50 €", "12,25 €"], 'data.decimal: "," and data.units: ["x"] makes it 12.25'),
    "speed": (["30 km/h", "50 km/h"], 'data.units: ["x"] makes it 30'),
    "unknown is no number": (["0,5", "1,25", "unknown"], "data.decimal"),
    "dates": (["2026-11-29", "2026-10-01"], "found '2026-10-01', a date or a time: data.dates: [\"x\"] makes a number"),
    "German dates": (["29.11.2026", "1.12.2026"], "data.dates"),
    "American dates": (["11/29/2026", "05/06/2026"], "data.dates"),
    "dates in words": (["Nov 29, 2026", "December 1, 2026", "Dec 2, 2026", "Dec 3, 2026", "Dec 4, 2026"], "data.dates"),
    "times": (["2026-11-29T12:30:00Z", "2026-11-30T01:02:03+01:00"], "data.dates"),
    "times of day": (["12:30", "23:10"], "data.dates"),
    "day or month": (["03/04/2026", "05/06/2026"], "a date with the day or the month first: write it as 2026-11-29"),
    "two units": (["12 kg", "500 g"], "found '12 kg' and '500 g', numbers with different units: give all the same"),
    "with and without": (["30%", "0.3"], "numbers with different units: give all the same"),
    "two notations": (["1.5", "2,25"], "found '2,25' and '1.5', numbers in different notations: write all alike"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_numbers_in_another_notation_are_refused_with_what_reads_them(what: str, tmp_path: Path) -> None:
    values, message = REFUSED[what]
    with pytest.raises(BadInput) as caught:
        Tabular.prepare(config(tmp_path, values), lambda done, of: None)
    assert str(caught.value).startswith(f"{tmp_path}/t.csv: column 'x': found ")
    assert message in str(caught.value)
    assert str(caught.value).endswith('; or data.categories: ["x"] takes each text as a category')
    assert not [entry for entry in store.everything() if str(entry.meta["source"]).startswith(str(tmp_path))]
    as_it_is = read(tmp_path, values, categories=("x",))
    assert as_it_is[:, :-1].tolist() == np.eye(len(values))[np.argsort(np.argsort(values))].tolist()


TAKEN: dict[str, list[str]] = {
    "sizes": ["S", "M", "L"],
    "codes": ["A1", "B2", "C3"],
    "ranges": ["10-20", "20-30", "30+"],
    "quarters": ["Q1", "Q2"],
    "ordinals": ["1st", "2nd", "3rd"],
    "classes of a school": ["1a", "2b", "3c"],
    "versions": ["v1.2", "v1.3"],
    "addresses": ["12 Main St", "14 Oak Ave", "3 Elm St"],
    "machines": ["10.0.0.1", "10.0.0.2"],
    "some amounts": ["5%", "much", "little"],
    "words for nothing": ["NA", "None", "null", "n/a"],
    "NA among others": ["NA", "EU", "US"],
    "yes and no": ["yes", "no"],
    "one date": ["2026-11-29", "soon", "later"],
}


@pytest.mark.parametrize("what", TAKEN)
def test_what_is_no_number_is_taken_as_it_is(what: str, tmp_path: Path) -> None:
    values = TAKEN[what]
    order = np.argsort(np.argsort(values))
    assert read(tmp_path, values)[:, :-1].tolist() == np.eye(len(values))[order].tolist()


READ: dict[str, tuple[list[str], dict[str, Any], list[float]]] = {
    "decimal commas": (["0,5", "1,25", "3"], {"decimal": ","}, [0.5, 1.25, 3]),
    "thousands": (["950", "12,000", "1,050,000.5"], {"thousands": ","}, [950, 12_000, 1_050_000.5]),
    "lakhs": (["1,05,000", "20"], {"thousands": ","}, [105_000, 20]),
    "German": (["1.050,5", "3,2", "1.000"], {"decimal": ",", "thousands": "."}, [1050.5, 3.2, 1000]),
    "narrow blanks": (["1\u202f050", "1 050", "1\u00a0051"], {"thousands": " "}, [1050, 1050, 1051]),
    "percent": (["30%", "40 %", "-2.5%"], {"units": ("x",)}, [30, 40, -2.5]),
    "dollars": (["$5", "-$1,050"], {"units": ("x",), "thousands": ","}, [5, -1050]),
    "dates": (["1970-01-01", "1970-01-02", "2026-11-29"], {"dates": ("x",)}, [0, 1, 20786]),
    "with times": (["1970-01-01 12:00", "1970-01-02"], {"dates": ("x",)}, [0.5, 1]),
    "zones": (["1970-01-01T12:00Z", "1970-01-01T12:00+06:00"], {"dates": ("x",)}, [0.5, 0.25]),
    "times of day": (["06:00", "6:00 pm", "12:00 AM"], {"dates": ("x",)}, [0.25, 0.75, 0]),
    "day first": (["29.11.2026", "28.11.2026"], {"dates": ("x",)}, [20786, 20785]),
    "month first": (["11/29/2026", "01/02/1970"], {"dates": ("x",)}, [20786, 1]),
    "without anything between": (["19700102", "20261129"], {"dates": ("x",)}, [1, 20786]),
    "a minus from print": (["−5", "3"], {}, [-5, 3]),
    "points where commas are set": (["1.5", "0.0625"], {"decimal": ","}, [1.5, 0.0625]),
}


@pytest.mark.parametrize("what", READ)
def test_settings_read_what_they_say(what: str, tmp_path: Path) -> None:
    values, settings, expected = READ[what]
    np.testing.assert_allclose(read(tmp_path, values, **settings)[:, 0], expected, rtol=1e-6)


WRONG: dict[str, tuple[list[str], dict[str, Any], str]] = {
    "another unit": (["12 kg", "7 kg", "500 g"], {"units": ("x",)}, "row 3, column 'x': found '500 g', wanted a"),
    "no date": (["2026-11-29", "soon"], {"dates": ("x",)}, "row 2, column 'x': found 'soon', wanted a date like most"),
    "no date at all": (["5", "6"], {"dates": ("x",)}, "data.dates: column 'x': found '5', wanted a date or a"),
    "day or month": (["03/04/2026", "05/06/2026"], {"dates": ("x",)}, "column 'x': found '03/04/2026', which may have"),
    "groups of two": (["1,05", "2,5"], {"thousands": ","}, "column 'x': found '1,05', a number in another notation"),
    "points that may be groups": (["1.050", "2.300"], {"decimal": ","}, "column 'x': found '1.050', a number in"),
    "a zone among none": (
        ["2026-11-29 12:00", "2026-11-30 12:00", "2026-11-29 12:00Z"],
        {"dates": ("x",)},
        "row 3, column 'x': found '2026-11-29 12:00Z', wanted a date like most there",
    ),
    "not a column": (["a", "b"], {"units": ("w",)}, "data.units: unknown column 'w'"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_settings_do_not_fit_is_named(what: str, tmp_path: Path) -> None:
    values, settings, message = WRONG[what]
    with pytest.raises(BadInput) as caught:
        read(tmp_path, values, **settings)
    assert str(caught.value).startswith(f"{tmp_path}/t.csv: {message}")


def test_targets_of_regression_are_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x;y\n" + "".join(f"{row % 7};{row},5\n" for row in range(20)))
    settings: dict[str, Any] = {"path": str(path), "target": "y", "separator": ";", "task": "regression"}
    with pytest.raises(BadInput, match=r"column 'y': found '10,5', a number in another .* makes it 10\.5$"):
        Tabular.read(TabularConfig(**settings))
    targets = Tabular.read(TabularConfig(**settings, decimal=",")).train.targets
    assert targets[:, 0].tolist() == [row + 0.5 for row in range(20)]


@settings(deadline=None, max_examples=60)
@given(
    value=st.floats(-1e9, 1e9),
    digits=st.integers(0, 4),
    point=st.sampled_from(",."),
    unit=st.sampled_from(["", "%", " kg"]),
)
def test_a_number_is_itself_in_any_notation(value: float, digits: int, point: str, unit: str) -> None:
    between = "." if point == "," else ","
    text = f"{value:,.{digits}f}".translate(str.maketrans(",.", between + point))
    notation = Notation(point, between)
    assert notation.number(text) == float(f"{value:.{digits}f}")
    known = amount(text + unit)
    assert known is not None
    assert (notation.number(known.number), known.unit) == (notation.number(text), unit.strip())


FORMATS = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d %b %Y",
    "%B %d, %Y",
    "%d-%b-%Y",
    "%Y-%m-%dT%H:%M:%S",
    "%d.%m.%Y %H:%M",
]


@settings(deadline=None, max_examples=25)
@given(dates=st.lists(st.datetimes(), min_size=1, max_size=20), form=st.sampled_from(FORMATS))
def test_a_date_is_itself_in_any_format(dates: list[Any], form: str) -> None:
    dates = [date.replace(year=1900 + date.year % 200, second=0, microsecond=0) for date in dates]
    texts = [date.strftime(form) for date in dates]
    found = format_of(texts)
    assert found is not None
    timed = "%H" in form
    expected = [
        (np.datetime64(date if timed else date.date(), "s") - np.datetime64(0, "s")) / np.timedelta64(86_400, "s")
        for date in dates
    ]
    np.testing.assert_allclose(days_of(texts, found), expected, atol=1e-9)

"""Columns of a table by hand, and every way in which a file can be wrong."""

import gzip
from pathlib import Path
from typing import Any

import pandas
import pytest

from sparsetune.base.errors import BadInput
from sparsetune.data import store
from sparsetune.data.tabular import Tabular, TabularConfig

GOOD = "a,b,y\n" + "".join(f"{n},{n * n},{n % 2}\n" for n in range(10))


def test_columns_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "x, city, ok, id, y\n"
        "1.5, Ulm, True, a, no\n-2, Bonn, False, b, yes\n3, Ulm, True, c, no\n4e2, Ulm, True, d, yes\n"
    )
    settings = TabularConfig(path=str(path), target="y", ignore=("id",))
    pools = Tabular.read(settings)
    assert pools.train.inputs.tolist() == [[1.5, 0, 1, 1], [-2, 1, 0, 0], [3, 0, 1, 1], [400, 0, 1, 1]]
    assert pools.train.targets.tolist() == [0, 1, 0, 1]
    assert pools.classes == ("no", "yes")
    (entry,) = [each for each in store.everything() if each.meta.get("source") == str(path)]
    assert entry.meta["inputs"] == ["x", "city=Bonn", "city=Ulm", "ok"]


def test_classes_that_are_numbers_are_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{n},{(10, 9, -1)[n % 3]}\n" for n in range(12)))
    pools = Tabular.read(TabularConfig(path=str(path), target="y"))
    assert pools.classes == ("-1", "9", "10")
    assert pools.train.targets.tolist() == [2, 1, 0] * 4


def test_the_same_column_as_classes_and_as_numbers(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(GOOD)
    classes, numbers = (
        Tabular.read(TabularConfig(path=str(path), target="y", task=task)) for task in ("classification", "regression")
    )
    assert (classes.outputs, numbers.outputs) == (2, 1)
    assert classes.train.targets.tolist() == [0, 1] * 5
    assert numbers.train.targets.tolist() == [[0], [1]] * 5


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "a column has the name of another's value": (
        "color,color=red,y\n" + "red,5,0\nblue,6,1\n" * 4,
        {},
        "two inputs would be called 'color=red'; rename column 'color=red'",
    ),
    "empty": ("", {}, "empty"),
    "names alone": ("a,b,y\n", {}, "no rows"),
    "a row is too long": (
        GOOD + "1,2,3,4\n",
        {},
        "cannot be read as .csv: Error tokenizing data. C error: Expected 3 fields",
    ),
    "all rows are too long": ("a,y\n1,2,3\n1,2,3\n", {}, "rows have more values than the first line has names"),
    "not text": ("\x00\xff", {}, "cannot be read as .csv: 'utf-8' codec can't decode"),
    "a missing value": (
        GOOD + "1,,0\n",
        {},
        "row 11, column 'b': no value; 1 cell is empty (rows count from 1, without the header): "
        "fill in values, drop rows, or leave out the column by data.ignore",
    ),
    "a missing target": (
        GOOD + "1,1,\n1,1,\n",
        {},
        "row 11, column 'y': no value; 2 cells are empty (rows count from 1, without the header): "
        "fill in values, drop rows",
    ),
    "gaps in two columns": (GOOD + "1,1,\n,,0\n", {}, "row 11, column 'y': no value; 3 cells are empty"),
    "semicolons": (
        "a;b;y\n1,5;2;0\n2;3;1\n",
        {},
        "data.separator: found one column, 'a;b;y'; set data.separator to \";\"",
    ),
    "tabs": ("a\tb\ty\n1\t2\t0\n", {}, "data.separator: found one column, 'a\\tb\\ty'; set data.separator to \"\\t\""),
    "commas where none were expected": (GOOD, {"separator": ";"}, "data.separator: found one column, 'a,b,y'"),
    "an infinite value": (GOOD + "inf,1,0\n", {}, "row 11, column 'a': found inf, wanted a finite number"),
    "a huge value": (GOOD + "1,-1e39,0\n", {}, "row 11, column 'b': found -1e+39, wanted a finite number"),
    "a slip": (GOOD + "1,1o,0\n", {}, "row 11, column 'b': found '1o', wanted a number like most there"),
    "an infinite target": (
        GOOD + "1,1,inf\n",
        {"task": "regression"},
        "row 11, column 'y': found inf, wanted a finite",
    ),
    "text to predict": (
        "a,y\n" + "1,x\n2,y\n" * 3,
        {"task": "regression"},
        "row 1, column 'y': found 'x', wanted a number",
    ),
    "one class": ("a,y\n" + "1,x\n2,x\n" * 3, {}, "column 'y': found the value x only, wanted targets that differ"),
    "a constant target": (
        "a,y\n" + "1,2.5\n2,2.5\n" * 3,
        {"task": "regression"},
        "column 'y': found the value 2.5 only, wanted targets that differ",
    ),
    "numbers for classes": (
        "a,y\n" + "1,2\n2,3.5\n" * 3,
        {},
        "row 2, column 'y': found 3.5, wanted a class (text or a whole number); for a number to predict set data.task "
        "to regression",
    ),
    "as many classes as rows": (
        "a,y\n" + "".join(f"1,{n}\n" for n in range(9)),
        {},
        "column 'y': found 9 classes in 9 rows; for a number to predict set data.task to regression",
    ),
    "an unknown target": (
        GOOD,
        {"target": "bb"},
        "data.target: unknown column 'bb'; did you mean 'b'? (allowed: a, b, y)",
    ),
    "an unknown column to ignore": (GOOD, {"ignore": ("z",)}, "data.ignore: unknown column 'z'"),
    "no inputs": (GOOD, {"ignore": ("a", "b")}, "data.target: no column is left for the inputs"),
    "names of rows": (
        "a,y\n" + "".join(f"name {n},{n % 2}\n" for n in range(22)),
        {},
        "column 'a': found 22 different texts in 22 rows, each would be an input (allowed: 100, and half of the rows); "
        "leave it out by data.ignore, or make numbers of it",
    ),
    "dates": (
        "a,y\n" + "".join(f"2020-01-{1 + n % 12:02d},{n % 2}\n" for n in range(23)),
        {},
        "column 'a': found '2020-01-01', a date or a time: data.dates: [\"a\"] makes a number of it; or "
        'data.categories: ["a"] takes each text as a category',
    ),
    "many categories": (
        "a,y\n" + "".join(f"name {n // 4},{n % 2}\n" for n in range(404)),
        {},
        "column 'a': found 101 different texts in 404 rows",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_file_is_named_with_row_and_column_and_leaves_nothing(what: str, tmp_path: Path) -> None:
    text, settings, message = WRONG[what]
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="latin1")
    before = len(store.everything())
    with pytest.raises(BadInput) as caught:
        Tabular.prepare(TabularConfig(path=str(path), **{"target": "y", **settings}), lambda done, of: None)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)
    assert len(store.everything()) == before


@pytest.mark.parametrize(("values", "rows"), [(100, 400), (11, 22), (20, 20)])
def test_as_many_texts_as_may_be(values: int, rows: int, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f"name {n % values},{n % 2}\n" for n in range(rows)))
    assert Tabular.read(TabularConfig(path=str(path), target="y")).train.inputs.shape == (rows, values)


def test_other_wrong_files(tmp_path: Path) -> None:
    times = pandas.DataFrame({"when": pandas.date_range("2020-01-01", periods=6), "y": [0, 1] * 3})
    times.to_parquet(tmp_path / "times.parquet")
    refused(tmp_path / "times.parquet", "column 'when': found datetime64", "; leave it out by data.ignore, or make num")
    (tmp_path / "text.parquet").write_text(GOOD)
    refused(tmp_path / "text.parquet", "cannot be read as .parquet: ")
    (tmp_path / "text.csv.gz").write_text(GOOD)
    refused(tmp_path / "text.csv.gz", "cannot be read: Not a gzipped file")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(GOOD.encode())[:-9])
    refused(tmp_path / "cut.csv.gz", "cannot be read as .csv.gz: Compressed file ended")


def refused(path: Path, message: str, then: str = "") -> None:
    with pytest.raises(BadInput) as caught:
        Tabular.load(TabularConfig(path=str(path), target="y"))
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)
    assert then in str(caught.value)

"""Cells that are missing, words that may be names of something, and what follows from both; folders of parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from sparsetune.base.errors import BadInput
from sparsetune.config.trial import resolve_trial
from sparsetune.data.tabular import Tabular, TabularConfig
from sparsetune.training.registries import REGISTRIES

ROWS = 60
WORDS = ["NA", "None", "null", "n/a", "NaN", "nan", "NULL", "N/A", "#N/A", "<NA>", "nil", "-", "?"]
NUMBERS = ["1.5", "2.5", "3.5"]


def config(folder: Path, values: list[str], kind: str = "csv", **settings: Any) -> TabularConfig:
    cells = [values[row % len(values)] for row in range(ROWS)]
    frame = pandas.DataFrame({"x": cells, "z": np.arange(ROWS) % 7, "y": np.random.default_rng(0).integers(0, 2, ROWS)})
    path = folder / f"t.{kind}"
    if kind == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return TabularConfig(path=str(path), **{"target": "y", **settings})


def refused(config: TabularConfig) -> str:
    with pytest.raises(BadInput) as caught:
        Tabular.prepare(config, lambda done, of: None)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_a_category_like_any_other(word: str, kind: str, tmp_path: Path) -> None:
    pools = Tabular.read(config(tmp_path, [word, "EU", "US"], kind))
    assert pools.train.inputs.shape == (ROWS, 4)
    assert pools.train.inputs[:, :3].sum(axis=1).tolist() == [1] * ROWS
    classes = Tabular.read(config(tmp_path, [word, "EU", "US"], kind, target="x")).classes
    assert sorted(classes) == sorted([word, "EU", "US"])


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("word", WORDS)
def test_among_numbers_it_is_an_error_until_it_is_said_what_it_means(word: str, kind: str, tmp_path: Path) -> None:
    values = [*NUMBERS, word]
    found = refused(config(tmp_path, values, kind))
    assert found.endswith(
        f"t.{kind}: row 4, column 'x': found {word!r}, wanted a number like most there; "
        f'data.missing: ["{word}"] if it says that a value is missing, data.categories: ["x"] for categories'
    )
    found = refused(config(tmp_path, values, kind, missing=(word,)))
    assert "row 4, column 'x': no value; 15 cells are empty or missing by data.missing (rows count" in found
    assert found.endswith("; data.on_missing: drop_rows leaves such rows out")
    dropping = config(tmp_path, values, kind, missing=(word,), on_missing="drop_rows")
    pools = Tabular.read(dropping)
    assert pools.train.inputs[:, 0].tolist() == [1.5, 2.5, 3.5] * 15
    assert len(pools.train) == len(pools.train.targets) == 45
    assert Tabular.remarks(dropping) == ["15 of 60 rows are left out: a value is missing there"]
    counted, outline = Tabular.counts(dropping), Tabular.outline(dropping)
    assert counted is not None
    assert outline is not None
    assert (counted.train + counted.val + counted.test, outline.samples) == (45, 45)
    assert Tabular.read(config(tmp_path, values, kind, categories=("x",))).train.inputs.shape == (60, 5)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("values", [["", "a", "b"], ["  ", "a", "b"], ["", "1", "2"]])
def test_an_empty_cell_is_missing_in_any_column(values: list[str], kind: str, tmp_path: Path) -> None:
    assert "row 1, column 'x': no value; 20 cells are empty (rows count" in refused(config(tmp_path, values, kind))
    assert len(Tabular.read(config(tmp_path, values, kind, on_missing="drop_rows")).train) == 40


def test_a_number_can_stand_for_nothing(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"x": [1.0, -999.0, 3.0, 4.0] * 10, "n": [1, 2, 3, -999] * 10, "y": [0, 0, 1, 1] * 10})
    for kind, write in (("csv", frame.to_csv), ("parquet", frame.to_parquet)):
        write(tmp_path / f"t.{kind}", index=False)
        for word in (-999, "-999", -999.0):
            settings: dict[str, Any] = {"missing": (word,), "on_missing": "drop_rows", "target": "y"}
            pools = Tabular.read(TabularConfig(path=str(tmp_path / f"t.{kind}"), **settings))
            assert pools.train.inputs.tolist() == [[1, 1], [3, 3]] * 10


def test_rows_keep_their_numbers_and_types_when_others_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b,y\n" + ",1,2\n" * 5 + "True,1,2\nFalse,2,3\n" * 5 + "True,oops,2\nFalse,3,\n")
    dropping = TabularConfig(path=str(path), target="y", on_missing="drop_rows")
    assert "row 16, column 'b': found 'oops'" in refused(dropping)
    path.write_text("a,b,y\n" + ",1,2\n" * 5 + "True,1,2\nFalse,2,3\n" * 5 + "False,3,\n")
    pools = Tabular.read(dropping)
    assert pools.train.inputs.tolist() == [[1, 1], [0, 2]] * 5
    assert pools.classes == ("2", "3")


def test_nothing_is_left(tmp_path: Path) -> None:
    gone = config(tmp_path, ["NA"], missing=("NA",), on_missing="drop_rows")
    assert refused(gone).endswith("every row has a missing value; leave out columns by data.ignore")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"missing": [None]}, "data.missing: found null, allowed: words and numbers; a word like it wants quotes"),
        ({"missing": [False]}, "data.missing: found false, allowed: words and numbers; a word like it wants quotes"),
        ({"on_missing": "drop"}, "data.on_missing: found 'drop', allowed: 'refuse' or 'drop_rows'"),
        ({"decimal": ",", "thousands": ","}, "data.thousands: found ',', which is data.decimal too"),
        ({"units": ["a"], "dates": ["a"]}, "data.dates: found 'a', which stands in data.units too"),
        ({"units": ["y"]}, "data.units: found 'y', the target, allowed: inputs for classification"),
        (
            {"categories": ["y"], "task": "regression"},
            "data.categories: found 'y', the target, allowed: inputs for regression",
        ),
        (
            {"set": "iris", "path": None, "target": None, "decimal": ","},
            "data.decimal: found ',', allowed: none with data.set",
        ),
    ],
)
def test_settings_that_do_not_go_together(settings: dict[str, Any], message: str) -> None:
    data = {"name": "tabular", "path": "t.csv", "target": "y", **settings}
    with pytest.raises(BadInput) as caught:
        resolve_trial({"method": "dense", "model": {"name": "mlp"}, "data": data}, REGISTRIES)
    assert str(caught.value).startswith(message)


def parts(folder: Path) -> Path:
    """As Spark writes a table: parts, hidden files beside them, and a column in the names of folders."""
    for year in (2025, 2026):
        below = folder / f"year={year}"
        below.mkdir(parents=True)
        for part in range(2):
            frame = pandas.DataFrame({"a": np.arange(10.0) + part, "y": np.arange(10) % 2})
            frame.to_parquet(below / f"part-{part}.parquet", index=False)
        (below / ".part-0.parquet.crc").write_text("")
    (folder / "_SUCCESS").write_text("")
    (folder / "_temporary").mkdir()
    frame.to_parquet(folder / "_temporary" / "part-9.parquet")
    return folder


def test_a_folder_of_parquet_files_is_one_table(tmp_path: Path) -> None:
    folder = parts(tmp_path / "run=7" / "t.parquet")
    located = Tabular.locate(TabularConfig(path="run=7/t.parquet", target="y"), tmp_path)
    assert located.path == str(folder)
    pools = Tabular.read(located)
    assert pools.train.inputs.tolist() == [
        [n + part, year] for year in (2025, 2026) for part in (0, 1) for n in range(10)
    ]
    before = Tabular.content(located)
    pandas.DataFrame({"a": [1.0, 2.0], "y": [0, 1]}).to_parquet(folder / "year=2026" / "part-2.parquet")
    assert Tabular.content(located) != before


def test_folders_that_are_no_table_are_refused_by_their_name(tmp_path: Path) -> None:
    (tmp_path / "empty.parquet").mkdir()
    with pytest.raises(BadInput, match=r"empty\.parquet: data\.path: a folder without a parquet file in it"):
        Tabular.locate(TabularConfig(path="empty.parquet", target="y"), tmp_path)
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(BadInput, match=r"^data\.path: found a folder, .*t\.csv, allowed: a file, or a"):
        Tabular.locate(TabularConfig(path="t.csv", target="y"), tmp_path)
    folder = parts(tmp_path / "t.parquet")
    pandas.DataFrame({"b": [1.0], "y": [0]}).to_parquet(folder / "year=2026" / "part-3.parquet")
    with pytest.raises(BadInput, match=r"part-3\.parquet: data\.path: part-\d\.parquet alone has a column '[ab]'"):
        Tabular.read(TabularConfig(path=str(folder), target="y"))


def test_folders_above_a_parquet_file_are_no_columns(tmp_path: Path) -> None:
    (tmp_path / "run=3").mkdir()
    frame = pandas.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "y": [0, 1, 0, 1]})
    frame.to_parquet(tmp_path / "run=3" / "t.parquet")
    assert Tabular.read(TabularConfig(path=str(tmp_path / "run=3" / "t.parquet"), target="y")).train.inputs.shape == (
        4,
        1,
    )


SEPARATORS: dict[str, tuple[str, str, str]] = {
    "decimal commas": ("a;b;y\n1,5;2;0\n2;3;1\n", "found one column, 'a;b;y'", ";"),
    "a comma in a name": ("price, EUR;y\n1;2\n2;3\n", "found no column 'y'", ";"),
    "bars": ("a|b|y\n1|2|0\n", "found one column, 'a|b|y'", "|"),
    "blanks": ("a b y\n1 2 0\n", "found one column, 'a b y'", " "),
    "quoted names": ('"a";"b, c";"y"\n1;2;0\n', "found no column 'y'", ";"),
}


@pytest.mark.parametrize("what", SEPARATORS)
def test_a_forgotten_separator_is_named(what: str, tmp_path: Path) -> None:
    text, found, separator = SEPARATORS[what]
    (tmp_path / "t.csv").write_text(text)
    wanted = f'{tmp_path}/t.csv: data.separator: {found}; set data.separator to "{separator}"'
    assert refused(TabularConfig(path=str(tmp_path / "t.csv"), target="y")) == wanted

"""Names that are there twice, saved indices, and inputs that know the target."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from sparsetune.app.study import load, run_study
from sparsetune.base.errors import BadInput
from sparsetune.data import store
from sparsetune.data.tables.columns import alike
from sparsetune.data.tabular import Tabular, TabularConfig
from sparsetune.testing.studies import write_study

ROWS = 60
RANDOM = np.random.default_rng(1)
Y = RANDOM.integers(0, 2, ROWS).tolist()
PRICE = RANDOM.normal(50, 20, ROWS).round(2).tolist()
NOISE = [f"{each:.4f}" for each in RANDOM.random(ROWS)]
LEFT_OUT = "column 1 has no name and numbers the rows: it is left out, as a saved index"


def write(folder: Path, columns: Sequence[tuple[str, Sequence[object]]], **options: Any) -> TabularConfig:
    lines = [",".join(f'"{name}"' if name.strip() != name else name for name, _ in columns)]
    lines += [",".join(map(str, row)) for row in zip(*(values for _, values in columns), strict=True)]
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    return TabularConfig(path=str(folder / "t.csv"), **{"target": "y", **options})


def looked_at(config: TabularConfig) -> tuple[list[str], list[str]]:
    """Names of the inputs, and remarks."""
    Tabular.prepare(config, lambda done, of: None)
    entry = max((each for each in store.everything() if each.meta.get("source") == config.path), key=_made)
    return entry.meta["inputs"], Tabular.remarks(config)


def _made(entry: store.Decoded) -> float:
    return float(entry.meta["made"])


NUMBERS = list(range(ROWS))
INDICES: dict[str, tuple[str, Sequence[object], list[str], list[str]]] = {
    "pandas": ("", NUMBERS, ["x"], [LEFT_OUT]),
    "R": ("", [each + 1 for each in NUMBERS], ["x"], [LEFT_OUT]),
    "shuffled rows": ("", RANDOM.permutation(ROWS).tolist(), ["x"], [LEFT_OUT]),
    "rows without some": ("", [3 * each + each % 2 for each in NUMBERS], ["x"], [LEFT_OUT]),
    "saved twice": ("Unnamed: 0", NUMBERS, ["x"], [LEFT_OUT]),
    "a blank": (" ", NUMBERS, ["x"], [LEFT_OUT]),
    "nothing in it": ("", [""] * ROWS, ["x"], ["column 1 has no name and no values: it is left out"]),
    "no index": ("", NOISE[::-1], ["Unnamed: 0", "x"], ["column 1 has no name: it is the input 'Unnamed: 0'"]),
    "few values": (
        "",
        [each % 7 for each in NUMBERS],
        ["Unnamed: 0", "x"],
        ["column 1 has no name: it is the input 'Unnamed: 0'"],
    ),
    "under a name": (
        "id",
        NUMBERS,
        ["id", "x"],
        ["column 'id' counts the rows, which says nothing of them: data.ignore leaves it out"],
    ),
    "under a name from 5": ("id", [each + 5 for each in NUMBERS], ["id", "x"], []),
    "years": ("year", [1990 + each % 30 for each in NUMBERS], ["year", "x"], []),
}


@pytest.mark.parametrize("what", INDICES)
def test_what_numbers_the_rows(what: str, tmp_path: Path) -> None:
    name, values, inputs, remarks = INDICES[what]
    assert looked_at(write(tmp_path, [(name, values), ("x", NOISE), ("y", Y)])) == (inputs, remarks)


def test_a_saved_index_that_is_asked_for_stays(tmp_path: Path) -> None:
    columns = [("", NUMBERS), ("x", NOISE), ("y", Y)]
    config = write(tmp_path, columns, target="Unnamed: 0", task="regression")
    assert looked_at(config) == (["x", "y"], [])
    assert looked_at(write(tmp_path, columns, ignore=("Unnamed: 0",))) == (["x"], [])


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["x", "y", "y"], "found the name 'y' on columns 2 and 3; give each column its own"),
        (["x", "x", "y"], "found the name 'x' on columns 1 and 2; give each column its own"),
        (["x", "x", "x", "y"], "found the name 'x' on columns 1, 2 and 3; give each column its own"),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_name_on_two_columns(names: list[str], found: str, kind: str, tmp_path: Path) -> None:
    config = write(tmp_path, [(name, Y) for name in names])
    if kind == "parquet":
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.table([Y] * len(names), names=names), tmp_path / "t.parquet")
        config = config.model_copy(update={"path": str(tmp_path / "t.parquet")})
    with pytest.raises(BadInput) as caught:
        Tabular.prepare(config, lambda done, of: None)
    assert str(caught.value) == f"{config.path}: {found}"


def test_a_name_on_two_columns_that_are_left_out(tmp_path: Path) -> None:
    config = write(tmp_path, [("x", NOISE), ("n", Y), ("n", Y), ("y", Y)], ignore=("n",))
    assert looked_at(config) == (["x"], [])


@pytest.mark.parametrize("other", ["Y", "y ", " Y"])
def test_the_target_under_a_name_that_looks_alike(other: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"column '\s?[Yy] ?' holds what the target 'y' holds; leave it out by data.ign"):
        looked_at(write(tmp_path, [("x", NOISE), (other, Y), ("y", Y)]))
    inputs, remarks = looked_at(write(tmp_path, [("x", NOISE), (other, [n % 9 for n in NUMBERS]), ("y", Y)]))
    assert len(inputs) == 2
    assert len(remarks) == 1
    assert remarks[0].endswith("'y' differ in blanks or in small and capital letters only") or "and 'y" in remarks[0]


def test_names_that_look_alike() -> None:
    assert alike(["a b", "AB", "c", "C ", "d", "y.1", "y"]) == [("a b", "AB"), ("c", "C ")]


KNOWN = "the target 'y': data.ignore leaves out what is not known before the target is"
REGRESSION = {"task": "regression"}
LEAKS: dict[str, tuple[dict[str, Sequence[object]], Sequence[object], dict[str, Any], list[str]]] = {
    "other words": ({"l": ["ab"[y] for y in Y]}, Y, {}, ["column 'l' determines"]),
    "other numbers": ({"l": [7 - 3 * y for y in Y]}, Y, {}, ["column 'l' determines"]),
    "several values each": ({"l": [2 * (n % 5) + Y[n] for n in NUMBERS]}, Y, {}, ["column 'l' determines"]),
    "two of them": ({"l": Y, "m": ["ab"[y] for y in Y]}, Y, {}, ["columns 'l' and 'm' determine"]),
    "cents": ({"l": [round(100 * p) for p in PRICE]}, PRICE, REGRESSION, ["column 'l' determines"]),
    "another currency": ({"l": [round(0.92 * p, 2) for p in PRICE]}, PRICE, REGRESSION, ["column 'l' determines"]),
    "another zero": ({"l": [1.8 * p + 32 for p in PRICE]}, PRICE, REGRESSION, ["column 'l' determines"]),
    "upside down": ({"l": [-p for p in PRICE]}, PRICE, REGRESSION, ["column 'l' determines"]),
    "groups": ({"l": [n // 3 for n in NUMBERS]}, [n // 3 * 7 % 11 for n in NUMBERS], REGRESSION, ["column 'l' determ"]),
    "noise": ({"l": [f"{each:.3f}" for each in RANDOM.random(ROWS)]}, Y, {}, []),
    "one error": ({"l": [1 - Y[0], *Y[1:]]}, Y, {}, []),
    "a constant": ({"l": [5] * ROWS}, Y, {}, []),
    "close": ({"l": [p + n % 3 for n, p in enumerate(PRICE)]}, PRICE, REGRESSION, []),
    "few repeats": ({"l": [max(n, 3) for n in range(ROWS)]}, [0, 1, 0, 0, *Y[4:]], {}, []),
}


@pytest.mark.parametrize("what", LEAKS)
def test_inputs_that_determine_the_target(what: str, tmp_path: Path) -> None:
    inputs, target, options, starts = LEAKS[what]
    config = write(tmp_path, [("x", NOISE), *inputs.items(), ("y", target)], **options)
    remarks = looked_at(config)[1]
    assert len(remarks) == len(starts)
    for remark, start in zip(remarks, starts, strict=True):
        assert remark.startswith(start)
        assert remark.endswith(KNOWN)


def test_rows_that_repeat_are_no_leak(tmp_path: Path) -> None:
    """Each row three times: its values repeat and always have one target."""
    thrice = [n // 3 for n in NUMBERS]
    columns = [(name, [values[n] for n in thrice]) for name, values in (("x", NOISE), ("z", PRICE), ("y", Y))]
    assert looked_at(write(tmp_path, columns))[1] == []


def test_a_leak_among_many_rows(tmp_path: Path) -> None:
    count = 150_000
    random = np.random.default_rng(0)
    thrice = random.permutation(count // 3)[np.arange(count) % (count // 3)]
    columns = {"x": random.random(count), "thrice": thrice, "y": thrice % 2}
    import pandas

    pandas.DataFrame(columns).to_parquet(tmp_path / "t.parquet")
    config = TabularConfig(path=str(tmp_path / "t.parquet"), target="y")
    assert looked_at(config)[1] == [f"column 'thrice' determines {KNOWN}"]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), values=st.integers(2, 40), classes=st.integers(2, 4))
def test_tables_of_noise_hardly_ever_have_remarks(seed: int, values: int, classes: int) -> None:
    from sparsetune.data.tables.columns import Numbers
    from sparsetune.data.tables.remarks import determining

    random = np.random.default_rng(seed)
    inputs = [Numbers(name, random.integers(0, values, 100).astype(np.float64)) for name in "abcd"]
    assert determining(inputs, random.integers(0, classes, 100)) == []


def test_a_study_says_it_once_and_refuses_before_anything_is_written(tmp_path: Path) -> None:
    config: dict[str, Any] = {
        "method": "dense",
        "data": {"name": "tabular", "path": "t.csv", "target": "y"},
        "model": {"name": "mlp", "hidden": [3]},
        "training": {"epochs": 1, "batch_size": 8},
        "space": {"training.lr": {"float": [0.01, 0.1]}},
        "objectives": [{"metric": "val_loss", "goal": "minimize"}],
        "budget": {"trials": 1},
    }
    write(tmp_path, [("x", NOISE), ("y", Y), ("y", Y)])
    study = load(write_study(tmp_path, **config))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BadInput, match=r"t\.csv: found the name 'y' on columns 2 and 3"):
        run_study(study, workers=None, in_process=True, console=Console(quiet=True))
    assert sorted(tmp_path.rglob("*")) == before
    write(tmp_path, [("", NUMBERS), ("x", NOISE), ("y", Y)])
    console = Console(record=True, width=200, file=io.StringIO())
    run_study(study, workers=None, in_process=True, console=console)
    assert console.export_text().count(LEFT_OUT) == 1

"""Numbers far from 0: standardised before they become float32, as inputs and as targets."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsetune.base.errors import BadInput
from sparsetune.config.trial import resolve_trial
from sparsetune.data.contract import OnePoolConfig
from sparsetune.data.dataset import Dataset, assemble
from sparsetune.data.pools import Array, Pools, Samples
from sparsetune.data.scaling import float32_holds, scaling_dtype
from sparsetune.data.splits import Division
from sparsetune.data.tabular import Tabular, TabularConfig
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.task import Regression

ROWS = 60
ORDER = np.random.default_rng(0).permutation(ROWS)
FAR: dict[str, tuple[list[str], bool]] = {  # cells, and whether float32 holds them
    "Unix milliseconds": ([str(1_700_000_000_000 + int(each)) for each in ORDER], False),
    "Unix nanoseconds": ([str(1_700_000_000_000_000_000 + 1_000_000 * int(each)) for each in ORDER], False),
    "ids of 12 digits": ([str(900_000_000_000 + 7 * int(each)) for each in ORDER], False),
    "negative ids": ([str(-900_000_000_000 + int(each)) for each in ORDER], False),
    "longitudes": ([f"{13.4049 + 1e-7 * each:.7f}" for each in ORDER], False),
    "milliseconds after a 0": (["0", *(str(1_700_000_000_000 + int(each)) for each in ORDER[1:])], False),
    "mostly 0": (["0"] * 40 + [f"{1e9 + each:.1f}" for each in range(20)], False),
    "tiny": ([f"{1 + each}e-42" for each in ORDER], False),
    "below float32": ([f"{1 + each}e-60" for each in ORDER], False),
    "whole numbers of 8 digits": ([str(16_777_000 + int(each)) for each in ORDER], True),
    "years": ([str(1960 + int(each)) for each in ORDER], True),
    "prices": ([f"{100 + each}.25" for each in ORDER], True),
    "tenths": ([f"{each / 10:.1f}" for each in ORDER], True),
    "0 and 1": ([str(int(each) % 2) for each in ORDER], True),
}


def table(folder: Path, cells: list[str]) -> str:
    path = folder / "t.csv"
    path.write_text("x,y,k\n" + "".join(f"{cell},{cell},{row % 2}\n" for row, cell in enumerate(cells)))
    return str(path)


def standardised(values: Array, rows: Array) -> Array:
    """With the mean taken off exactly, as whole numbers would be."""
    away = values - np.median(values)
    return np.asarray((away - away[rows].mean(0)) / away[rows].std(0))


@pytest.mark.parametrize("what", FAR)
def test_what_differs_stays_different(what: str, tmp_path: Path) -> None:
    cells, held = FAR[what]
    config = TabularConfig(path=table(tmp_path, cells), target="y", task="regression", ignore=("k",))
    data = Tabular.load(config)
    values = np.array([float(cell) for cell in cells])
    rows = data.train.rows.numpy()
    for split in data.splits:
        expected = standardised(values, rows)[split.rows.numpy()].astype(np.float32)
        assert split.inputs.dtype == torch.float32
        np.testing.assert_allclose(split.inputs[:, 0].numpy(), expected, rtol=2e-5, atol=2e-5)
        assert len(split.inputs.unique()) == len(np.unique(expected))
        assert data.target_scaling is not None
        np.testing.assert_allclose(data.target_scaling(split.targets)[:, 0].numpy(), expected, rtol=2e-5, atol=2e-5)
    assert data.train.store.dtype == (torch.float32 if held else torch.float64)


@settings(max_examples=60, deadline=None)
@given(
    offset=st.floats(-1e11, 1e11, allow_nan=False),
    steps=st.lists(st.integers(-1000, 1000), min_size=3, max_size=30, unique=True),
)
def test_a_column_keeps_its_shape_wherever_it_lies(offset: float, steps: list[int]) -> None:
    offset = float(np.round(offset))
    values = offset + np.array(steps, np.float64)
    data = assembled(values[:, None], values[:, None])
    expected = standardised(np.array(steps, np.float64), np.arange(len(steps)))
    np.testing.assert_allclose(data.train.inputs[:, 0].numpy(), expected, rtol=1e-4, atol=1e-4)
    assert data.target_scaling is not None
    np.testing.assert_allclose(data.target_scaling(data.train.targets)[:, 0].numpy(), expected, rtol=1e-4, atol=1e-4)


def assembled(inputs: Array, targets: Array) -> Dataset:
    rows = np.arange(len(inputs))
    division = Division(rows, rows[:1], rows[:1], targets)
    pools = Pools(Samples(inputs, targets), outputs=targets.shape[1])
    return assemble(pools, division, OnePoolConfig(name="any"), "regression", standardize_targets=True)


def test_results_are_in_the_unit_of_the_data_wherever_it_lies() -> None:
    """Predictions that are one step wrong: an error of 1, and R2 by hand: 1 - 5 / 10."""
    values = 1_700_000_000_000.0 + np.arange(5.0)[:, None]
    data = assembled(values, values).to(torch.device("cpu"), torch.float32)
    scaling = data.target_scaling
    assert scaling is not None
    learned = scaling(data.train.targets)
    assert learned.dtype == torch.float32
    found = Regression(scaling).quality(learned + 1 / float(scaling.scale), data.train.targets)
    assert found["mse"] == pytest.approx(1, rel=1e-5)
    assert found["mae"] == pytest.approx(1, rel=1e-5)
    assert found["r2"] == pytest.approx(0.5, rel=1e-5)
    assert found["loss"] == pytest.approx(0.5, rel=1e-5)  # in deviations squared, of which there are 2


def test_what_is_held_and_what_is_not() -> None:
    assert float32_holds(np.array([0.1, 0.2, 0.3]))
    assert float32_holds(np.array([16_777_215.0, 16_777_216.0]))
    assert not float32_holds(np.array([16_777_215.0, 16_777_217.0]))
    assert not float32_holds(np.array([1e9, 1e9 + 1, 1e9 + 2]))
    assert scaling_dtype(np.array([5.8]), np.array([0.8])) is np.float32
    assert scaling_dtype(np.array([5.8, 16_777_000.4]), np.array([0.8, 3.0])) is np.float64


def trial(folder: Path, cells: list[str], training: dict[str, Any], **settings: Any) -> None:
    data = {"name": "tabular", "path": table(folder, cells), "target": "y", "task": "regression", "ignore": ["k"]}
    raw = {"method": "dense", "data": data | settings, "model": {"name": "mlp"}, "training": training}
    Tabular.prepare(TabularConfig(**{**data, "ignore": ("k",), **settings}), lambda done, of: None)
    resolve_trial(raw, REGISTRIES)


def test_what_is_not_standardised_is_refused_where_float32_loses_it(tmp_path: Path) -> None:
    cells, _ = FAR["Unix milliseconds"]
    lost = "of 60 different numbers in column 'x' float32 makes 1"
    with pytest.raises(BadInput) as caught:
        trial(tmp_path, cells, {}, normalize="none")
    allowed = "standard, or training.dtype: float64"
    assert (caught.value.key, caught.value.found, caught.value.allowed) == ("data.normalize", "none", allowed)
    assert caught.value.problem == lost
    with pytest.raises(BadInput) as caught:
        trial(tmp_path, cells, {}, standardize_targets=False)
    assert (caught.value.key, caught.value.found) == ("data.standardize_targets", "false")
    assert caught.value.allowed == "true, or training.dtype: float64"
    trial(tmp_path, cells, {"dtype": "float64"}, normalize="none", standardize_targets=False)
    trial(tmp_path, cells, {})
    trial(tmp_path, FAR["years"][0], {}, normalize="none", standardize_targets=False)


def test_what_one_outlier_leaves_of_the_others_is_said(tmp_path: Path) -> None:
    config = TabularConfig(path=table(tmp_path, FAR["milliseconds after a 0"][0]), target="k", ignore=("y",))
    Tabular.prepare(config, lambda done, of: None)
    assert Tabular.remarks(config) == [
        "column 'x': some numbers lie so far from the others that of 60 different ones float32 makes 2, also "
        "standardised; data.missing can name them"
    ]


def test_a_few_numbers_that_float32_merges_are_a_remark(tmp_path: Path) -> None:
    cells = [f"{1000 + each / 1000:.4f}" for each in range(58)] + ["1000.0000001", "1000.0000002"]
    config = TabularConfig(path=table(tmp_path, cells), target="k", ignore=("y",), normalize="none")
    Tabular.prepare(config, lambda done, of: None)
    merged = "column 'x': of 60 different numbers float32 makes 58, as data.normalize: none says"
    assert merged in Tabular.remarks(config)
    assert Tabular.remarks(config.model_copy(update={"normalize": "standard"})) == []

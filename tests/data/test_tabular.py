"""Tables: the conformance suite on files and bundled sets, formats, and settings that do not go together."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
import torch
from sklearn import datasets

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import CACHE
from sparsetune.config.facts import Facts
from sparsetune.config.trial import resolve_trial
from sparsetune.data import DATA
from sparsetune.data.tables.table import SETS
from sparsetune.data.tabular import Tabular, TabularConfig
from sparsetune.testing.data import CHECKS, Check, DataCase
from sparsetune.training.registries import REGISTRIES

ROWS = 120
RANDOM = np.random.default_rng(0)
FRAME = pandas.DataFrame(
    {
        "age": RANDOM.integers(18, 90, ROWS),
        "weight": RANDOM.normal(70, 10, ROWS),
        "city": RANDOM.choice(["Bonn", "Ulm", "Köln"], ROWS),
        "member": RANDOM.random(ROWS) < 0.5,
        "kind": RANDOM.choice(["a", "b", "c"], ROWS),
        "price": RANDOM.normal(1_000, 200, ROWS),
        "rent": RANDOM.normal(10, 2, ROWS),
    }
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tables")
    paths = {name: folder / f"table.{name}" for name in ("csv", "csv.gz", "tsv", "parquet")}
    FRAME.to_csv(paths["csv"], index=False)
    FRAME.to_csv(paths["csv.gz"], index=False)
    FRAME.to_csv(paths["tsv"], index=False, sep="\t")
    FRAME.to_parquet(paths["parquet"])
    return paths


CASES: dict[str, dict[str, Any]] = {
    "classes": {"path": "csv", "target": "kind", "ignore": ("price",)},
    "a number": {"path": "parquet", "target": "price", "task": "regression"},
    "two numbers": {"path": "tsv", "target": ("price", "rent"), "task": "regression", "standardize_targets": False},
    **{name: {"set": name} for name in SETS},
}


def config(files: dict[str, Path], **settings: Any) -> TabularConfig:
    path = {"path": str(files[settings.pop("path")])} if "path" in settings else {}
    return TabularConfig(**path, **settings)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance(check: Check, case: dict[str, Any], files: dict[str, Path]) -> None:
    check(DataCase(Tabular, config(files, **case)))


@pytest.mark.parametrize("name", SETS)
def test_what_is_known_of_the_bundled_sets(name: str) -> None:
    inputs, targets = getattr(datasets, f"load_{name}")(return_X_y=True)
    known = SETS[name]
    assert inputs.shape == (known.rows, known.features)
    assert (len(np.unique(targets)) if known.task == "classification" else 1) == known.outputs
    dataset = Tabular.load(TabularConfig(set=name))  # type: ignore[arg-type]
    order = np.concatenate([split.rows for split in dataset.splits])
    found = torch.cat([split.targets for split in dataset.splits]).numpy()
    np.testing.assert_array_equal(found.reshape(-1), targets[order].astype(np.float32))
    columns = torch.cat([split.inputs for split in dataset.splits]).numpy()
    train = inputs[dataset.train.rows]
    expected = (inputs[order] - train.mean(0)) / train.std(0)  # scaled before or not: the same once standardised
    np.testing.assert_allclose(columns, expected, atol=1e-4)


def test_targets_are_standardised_by_the_training_split(files: dict[str, Path]) -> None:
    dataset = Tabular.load(config(files, path="csv", target=("price", "rent"), task="regression"))
    assert dataset.target_scaling is not None
    scaled = dataset.target_scaling(dataset.train.targets.double())
    assert scaled.mean(0).abs().max() < 1e-5
    assert (scaled.std(0, correction=0) - 1).abs().max() < 1e-5
    prices = FRAME["price"].to_numpy()[dataset.test.rows]
    np.testing.assert_allclose(dataset.test.targets[:, 0].numpy(), prices, rtol=1e-6)


def test_all_formats_give_the_same(files: dict[str, Path]) -> None:
    digests = {Tabular.load(config(files, path=name, target="kind")).digest for name in files}
    assert len(digests) == 1


def test_other_separators(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    FRAME.to_csv(path, index=False, sep=";")
    assert len(Tabular.load(TabularConfig(path=str(path), target="kind", separator=";")).train) == 84
    with pytest.raises(BadInput, match="^" + str(path) + r": data\.separator: found one column, 'age;weight;city"):
        Tabular.load(TabularConfig(path=str(path), target="kind"))


def test_nothing_is_known_of_a_file_before_it_was_decoded(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "new.csv", index=False)
    relative = TabularConfig(path="new.csv", target="kind")
    assert Tabular.facts(relative) is None
    located = Tabular.locate(relative, tmp_path)
    assert located.path == str(tmp_path / "new.csv")
    assert Tabular.facts(located) is None
    Tabular.prepare(located, lambda done, of: None)
    assert Tabular.facts(located) == Facts((8,), 3, "classification", 84)
    assert DATA.get("tabular").facts(TabularConfig(set="diabetes")) == Facts((10,), 1, "regression", 310)
    (tmp_path / "new.csv").unlink()
    assert Tabular.facts(located) is None


def test_pandas_and_scikit_learn_are_imported_when_a_file_is_decoded_and_not_again(
    files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs = [config(files, path="csv", target="kind"), TabularConfig(set="wine")]
    digests = [Tabular.load(each).digest for each in configs]
    for name in ("pandas", "sklearn", "sklearn.datasets"):
        monkeypatch.setitem(sys.modules, name, None)  # an import would raise
    assert [Tabular.load(each).digest for each in configs] == digests
    monkeypatch.setenv(CACHE, str(tmp_path))
    for each in configs:
        with pytest.raises(ImportError):
            Tabular.load(each)


def test_one_sample_of_a_class_and_too_many_to_train_on_are_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{n},{n % 2}\n" for n in range(10)) + "1,7\n")
    with pytest.raises(BadInput, match=r"^data\.stratified: too few samples of class '7' to be in every split"):
        Tabular.load(TabularConfig(path=str(path), target="y"))
    with pytest.raises(BadInput, match=r"^data\.num_train: found 106, allowed: at most 105, what validation"):
        Tabular.load(TabularConfig(set="iris", num_train=106))


SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "neither": ({}, "data.path: found neither, allowed: either data.path or data.set"),
    "both": ({"path": "t.csv", "set": "iris"}, "data.path: found both, allowed: either data.path or data.set"),
    "no target": ({"path": "t.csv"}, "data.target: missing: the column to predict"),
    "another ending": (
        {"path": "t.xlsx", "target": "y"},
        "data.path: found 't.xlsx', allowed: a name that ends in .csv, .csv.gz, .tsv, .tsv.gz, .parquet",
    ),
    "two classes": (
        {"path": "t.csv", "target": ["x", "y"]},
        "data.target: found 2 columns, allowed: one for classification",
    ),
    "a target of a set": ({"set": "iris", "target": "y"}, "data.target: found 'y', allowed: none with data.set"),
    "another task": (
        {"set": "wine", "task": "regression"},
        "data.task: found regression, allowed: classification for wine",
    ),
    "an unknown set": (
        {"set": "digits"},
        "data.set: found 'digits', allowed: 'breast_cancer', 'diabetes', 'iris' or 'wine'",
    ),
    "noisy numbers": (
        {"set": "diabetes", "label_noise": 0.1},
        "data.label_noise: found 0.1, allowed: 0 for regression",
    ),
    "too many": ({"set": "iris", "num_train": 200}, "data.num_train: found 200, allowed: at most 105, what validation"),
    "pixels": ({"set": "iris", "normalize": "unit"}, "data.normalize: found 'unit', allowed: 'standard' or 'none'"),
}


@pytest.mark.parametrize("what", SETTINGS)
def test_settings_that_do_not_go_together(what: str) -> None:
    settings, message = SETTINGS[what]
    raw = {"method": "dense", "model": {"name": "mlp"}, "data": {"name": "tabular", **settings}}
    with pytest.raises(BadInput) as caught:
        resolve_trial(raw, REGISTRIES)
    assert str(caught.value).startswith(message)


def test_a_list_of_targets_survives_a_trials_plain_values() -> None:
    data = {"name": "tabular", "path": "t.csv", "target": ["x", "y"], "ignore": ["z"], "task": "regression"}
    trial = resolve_trial({"method": "dense", "model": {"name": "mlp"}, "data": data}, REGISTRIES)
    assert resolve_trial(trial.plain(), REGISTRIES) == trial
    assert TabularConfig.model_validate_json(trial.data.model_dump_json()) == trial.data


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=rf"^data\.path: no file {tmp_path}/t\.csv$"):
        Tabular.locate(TabularConfig(path="t.csv", target="y"), tmp_path)
    with pytest.raises(BadInput, match=r"^data\.path: found 't\.csv', allowed: an absolute path$"):
        Tabular.load(TabularConfig(path="t.csv", target="y"))
    with pytest.raises(BadInput, match=rf"^{tmp_path}/t\.csv: data\.path: cannot be read: No such file or directory$"):
        Tabular.load(TabularConfig(path=f"{tmp_path}/t.csv", target="y"))
    with pytest.raises(BadInput, match=r"^data\.path: found neither"):
        Tabular.locate(TabularConfig(), tmp_path)

"""Every argument of Lottery-Ticket-Hypothesis-in-Pytorch's command line has its key, in the schema and in the docs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sparsetune.app.study import load
from sparsetune.config.base import Part
from sparsetune.config.overrides import assign
from sparsetune.config.study.file import FILE_KEYS, Resources
from sparsetune.config.trial import Training
from sparsetune.data import DATA
from sparsetune.models import MODELS
from sparsetune.sparsity.methods import METHODS

ROOT = Path(__file__).parents[1]
DOCS = (ROOT / "docs" / "lottery.md").read_text()
STUDY = load(ROOT / "studies" / "lth_original.yaml")
FORK = STUDY.resolved()["fork"]
VALUES = assign({**STUDY.resolved(), **STUDY.trial.plain()}, {name: values[0] for name, values in FORK.items()})
ARGUMENTS: tuple[tuple[str, str, str, Any], ...] = (  # with their defaults there, and what corresponds to these here
    ("prune_type", "lt", "method.arm", "ticket"),
    ("arch_type", "fc1", "model.name", "lenet_300_100"),
    ("dataset", "mnist", "data.name", "mnist"),
    ("prune_percent", "10", "method.prune_fraction", 0.1),
    ("prune_iterations", "35", "method.levels", 34),
    ("lr", "1.2e-3", "training.lr", 0.0012),
    ("batch_size", "60", "training.batch_size", 60),
    ("start_iter", "0", "study", "lth_original"),
    ("end_iter", "100", "training.epochs", 100),
    ("print_freq", "1", "training.keep_row", 1),
    ("valid_freq", "1", "training.evaluate", "1ep"),
    ("resume", "", "study", "lth_original"),
    ("gpu", "0", "resources.gpus", "auto"),
)
FIXED = {
    "method.output_factor": 1,
    "method.counting": "percentile",
    "method.scope": "layer",
    "method.rewind": 0,
    "model.init": "xavier",
    "training.optimizer": "adam",
    "training.weight_decay": 1e-4,
    "training.schedule.name": "constant",
    "data.augment": "none",
}


def schema(section: str) -> set[str]:
    """The keys of a section, its name among them."""
    named: dict[str, type[Part]] = {
        "method": METHODS.get("lottery").Config,
        "data": DATA.get("mnist").Config,
        "model": MODELS.get("lenet_300_100").Config,
    }
    models = {**named, "training": Training, "resources": Resources}
    return set(models[section].model_fields)


def resolved(key: str) -> Any:
    value: Any = VALUES
    for name in key.split("."):
        value = value[name]
    return value


@pytest.mark.parametrize(("argument", "default", "key", "here"), ARGUMENTS, ids=[each[0] for each in ARGUMENTS])
def test_an_argument_has_a_key(argument: str, default: str, key: str, here: Any) -> None:
    section, _, name = key.partition(".")
    assert name in schema(section) if name else key in FILE_KEYS
    assert resolved(key) == here
    assert rows()[argument] == (default, key)


def test_the_table_has_all_arguments_and_no_other() -> None:
    assert list(rows()) == [argument for argument, *_ in ARGUMENTS]


@pytest.mark.parametrize("key", FIXED)
def test_what_no_argument_says_is_as_there(key: str) -> None:
    assert resolved(key) == FIXED[key]


def test_both_kinds_of_pruning_are_arms() -> None:
    assert FORK == {"method.arm": ["ticket", "reinit_own_chain"]}


def rows() -> dict[str, tuple[str, str]]:
    """The default and the first key in each line of the table."""
    lines = re.findall(r"^\| `--(\w+)` \| (?:`(.*?)` )?\| `([\w.]+)`.* \|$", DOCS, re.MULTILINE)
    return {argument: (default, key) for argument, default, key in lines}

"""Every argument of lottery-ticket-hypothesis-different-scale's two functions has its keys, in schemas and docs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sparsetune.app.study import load
from sparsetune.config.base import Part
from sparsetune.config.trial import Training, TrialConfig
from sparsetune.data import DATA
from sparsetune.models import MODELS
from sparsetune.sparsity.methods import METHODS

ROOT = Path(__file__).parents[1]
DOCS = (ROOT / "docs" / "lottery_questions.md").read_text()
STUDY = load(ROOT / "studies" / "lth_scale_original.yaml")
VALUES = STUDY.trial.plain()
ARGUMENTS: tuple[tuple[str, str, str, str], ...] = (  # with their values there; keys of finding and of evaluating
    ("n_classes", "10", "data.name", "data.name"),
    ("n_epochs_train", "20", "training.epochs", "training.epochs"),
    ("n_epochs_iterative_prune", "10", "method.levels", "method.level"),
    ("num_train", "60000", "data.num_train", "data.num_train"),
    ("random_seed", "42", "seed", "seed"),
    ("reinit", "True", "method.arm", "method.arm"),
    ("batch_size", "16", "training.batch_size", "training.batch_size"),
    ("model_type", "lenet", "model.name", "model.name"),
    ("dataset_type", "mnist", "data.name", "data.name"),
    ("n_layers", "2", "model.n_layers", "model.n_layers"),
    ("n_neurons", "10", "model.n_neurons", "model.n_neurons"),
    ("lr", "1e-3", "training.lr", "training.lr"),
    ("pr", "20", "method.prune_fraction", "method.level"),
    ("momentum", "0.9", "training.momentum", "training.momentum"),
    ("device", "cuda", "training.device", "training.device"),
    ("tickets_path", "", "method.source", "method.source"),
)
HERE = {
    "training.epochs": 20,
    "method.levels": 9,
    "data.num_train": None,
    "data.seed": 42,
    "seed": 42,
    "training.batch_size": 16,
    "model.name": "lenet5_tanh",
    "data.name": "mnist",
    "training.lr": 1e-3,
    "method.prune_fraction": 0.2,
    "training.momentum": 0.9,
    "training.device": "auto",
}
FIXED = {
    "training.reduction": "sum",
    "training.optimizer": "sgd",
    "training.schedule.name": "onecycle",
    "training.schedule.cycle_momentum": True,
    "training.schedule.max_momentum": 0.95,
    "training.schedule.base_momentum": 0.85,
    "training.weight_decay": 0,
    "method.output_factor": 1,
    "method.counting": "percentile",
    "method.scope": "layer",
    "model.init": "xavier",
}
DATA_AND_MODELS = {"data": DATA.get("mnist").Config, "training": Training}


def schema(section: str, method: str) -> set[str]:
    models: list[type[Part]] = {
        "method": [METHODS.get(method).Config],
        "model": [MODELS.get("lenet5_tanh").Config, MODELS.get("fc").Config],
    }.get(section, [])
    return {name for each in models or [DATA_AND_MODELS[section]] for name in each.model_fields}


def resolved(key: str) -> Any:
    value: Any = VALUES
    for name in key.split("."):
        value = value[name]
    return value


@pytest.mark.parametrize(("argument", "there", "finding", "evaluating"), ARGUMENTS, ids=[each[0] for each in ARGUMENTS])
def test_an_argument_has_its_keys(argument: str, there: str, finding: str, evaluating: str) -> None:
    for key, method in ((finding, "lottery"), (evaluating, "ticket_retrain")):
        section, _, name = key.partition(".")
        where = "ticket_retrain" if key == "method.source" else method  # finding has no source: it leaves them
        assert name in schema(section, where) if name else key in TrialConfig.model_fields
    assert rows()[argument] == (there, finding, evaluating)


def test_the_table_has_all_arguments_and_no_other() -> None:
    assert list(rows()) == [argument for argument, *_ in ARGUMENTS]


@pytest.mark.parametrize("key", [*HERE, *FIXED])
def test_the_study_has_their_values(key: str) -> None:
    assert resolved(key) == {**HERE, **FIXED}[key]


def test_tickets_and_what_is_drawn_anew_are_arms() -> None:
    assert STUDY.resolved()["fork"] == {"method.arm": ["ticket", "reinit_own_chain"]}


def rows() -> dict[str, tuple[str, str, str]]:
    """The value there and the two keys in each line of the table."""
    lines = re.findall(r"^\| `(\w+)` \| (?:`(.*?)` )?\| `([\w.]+)` \| `([\w.]+)` \|", DOCS, re.MULTILINE)
    return {argument: (there, finding, evaluating) for argument, there, finding, evaluating in lines}

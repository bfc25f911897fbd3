"""Every argument of efficient-compression that these methods use has its key, in the schema and in the docs.

Those of methods that are not here yet are left out. Its standard configurations are studies.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from sparsetune.app.study import load
from sparsetune.config.study.file import FILE_KEYS, Tracking
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.training.registries import REGISTRIES

ROOT = Path(__file__).parents[1]
DOCS = (ROOT / "docs" / "compression.md").read_text()
NAMES = ("lenet300", "lenet5_caffe", "vgg_cifar")
STUDIES = {name: load(ROOT / "studies" / f"compression_{name}.yaml") for name in NAMES}
TEACHER = load(ROOT / "studies" / "teacher_student.yaml")
OURS = resolve_trial({"method": "drr", "data": "mnist", "model": "lenet_300_100"}, REGISTRIES)
Values = tuple[Any, Any, Any]


def alike(value: Any) -> Values:
    return value, value, value


ARGUMENTS: tuple[tuple[str, str, str, Values], ...] = (  # default there, key here, its value in each study
    ("architecture", "", "model.name", ("lenet_300_100", "lenet5_caffe", "vgg16")),
    ("optimization_procedure", "", "method.name", alike("drr")),
    ("dataset", "", "data.name", ("mnist", "mnist", "cifar10")),
    ("dtype", "Float32", "training.dtype", alike("float32")),
    ("dev", "cpu", "training.device", alike("auto")),
    ("verbose", "true", "tracking.report_every", alike("auto")),
    ("optimizer", "Adam", "training.optimizer", alike("adam")),
    ("lr", "1e-3", "training.lr", alike(1e-3)),
    ("min_epochs", "10", "method.min_epochs", (300, 300, 30)),
    ("max_epochs", "20000", "training.epochs", (5000, 5000, 300)),
    ("α", "10", "method.alpha", ([1e-4, 1e-5], [1e-4, 1e-5], [1e-5, 1e-6, 1e-7])),
    ("β", "5", "method.beta", alike(5.0)),
    ("ρ", "0", "method.rho", alike(0.0)),
    ("tolerated_relative_loss_increase", "0.01", "method.delta", alike(0.01)),
    ("NORM", "false", "method.norm", alike("none")),
    ("layer_NORM", "true", "method.norm", alike("none")),
    ("train_set_size", "300", "data.num_train", (45000, 45000, None)),
    ("train_batch_size", "300", "training.batch_size", alike(500)),
    ("val_set_size", "1000", "data.val_size", alike(5000)),
    ("val_batch_size", "1000", "", alike(None)),
    ("test_set_size", "5000", "", alike(None)),
    ("test_batch_size", "5000", "", alike(None)),
    ("random_gradient_pruning", "true", "method.random_gradient_pruning", alike("noise")),
    ("shrinking", "false", "method.shrinking", alike(False)),
    ("delete_neurons", "false", "method.delete_neurons", alike(False)),
    ("binary_search_resolution", "1e-7", "", alike(None)),
    ("shrinking_from_deviation_of", "1e-2", "method.shrinking_margin", alike(0.01)),
    ("prune_window", "10", "method.prune_window", alike(10)),
    ("smoothing_window", "30", "method.smoothing_window", (30, 30, 20)),
    ("finetuning_shrinking", "false", "method.finetune_shrinking", alike(False)),
    ("finetuning_min_epochs", "33", "method.finetune_min_epochs", (33, 33, 10)),
    ("finetuning_max_epochs", "10000", "method.finetune_epochs", (1000, 1000, 50)),
    ("finetuning_layerwise_pruning", "false", "method.finetune_layerwise_pruning", alike(False)),
    ("layerwise_pruning", "false", "method.layerwise_pruning", alike(False)),
    ("layerwise_pruning_alpha", "0.1", "method.layerwise_alpha", alike(0.1)),
    ("layerwise_pruning_lr", "1e-3", "method.layerwise_lr", alike(1e-3)),
    ("layerwise_pruning_mask_start_value", "0.3", "method.layerwise_mask_start", alike(0.3)),
    ("log_val_loss", "true", "training.keep_row", alike(1)),
    ("converge_val_loss", "true", "method.saturation_on", alike("val")),
    ("finetuning_converge_val_loss", "true", "method.saturation_on", alike("val")),
    ("logs", "", "", alike(None)),
    ("multiply_mask_after_each_batch", "true", "", alike(None)),
    ("seed", "42", "seed", alike(0)),
)
OF_METHODS: tuple[tuple[str, str, str, str], ...] = (  # default there, key here, the method that has it
    ("L1_alpha", "0", "method.l1_alpha", "pmmp"),
    ("initial_p_value", "1.0", "method.initial_p", "pmmp"),
    ("initial_u_value", "0.0", "method.initial_u", "pmmp"),
    ("u_value_multiply_factor", "1.0", "method.multiplier_factor", "pmmp"),
)
OF_TEACHERS: tuple[tuple[str, str, str, Any], ...] = (  # default there, key here, its value in teacher_student
    ("architecture_teacher", "[2,5,8,1]", "data.teacher", [2, 5, 8, 1]),
    ("architecture_student", "[2,25,25,1]", "model.hidden", [25, 25]),
    ("noise", "0.08", "data.noise", 0.08),
    ("gauss_loss", "true", "training.loss", "gauss"),
)
FIXED = {
    "method.alpha_convention": "mean",
    "method.penalty": "gradient",
    "method.prune_biases": True,
    "method.tamade_on": "train",
    "method.tamade_scope": "global",
    "method.accuracy_tolerance": None,
    "method.gradient_batches": 1,
    "method.finetune_schedule": "go on",
    "model.init": "lux",
    "data.normalize": "unit",
    "data.augment": "none",
    "training.schedule.name": "constant",
    "training.weight_decay": 0.0,
    "training.evaluate": "1ep",
    "training.keep": "best",
}


def in_study(name: str, key: str) -> Any:
    """A value of a study's trials; where they choose, what from."""
    study = STUDIES[name]
    plain = study.resolved()
    choices = plain["space"].get(key, {}).get("choice")
    return choices or value_of({**plain, **study.trial.plain()}, key)


def value_of(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values[part]
    return values


@pytest.mark.parametrize(("argument", "default", "key", "values"), ARGUMENTS, ids=[each[0] for each in ARGUMENTS])
def test_an_argument_has_a_key(argument: str, default: str, key: str, values: Values) -> None:
    assert rows()[argument][:2] == (default, key)
    if key:
        assert tuple(in_study(name, key) for name in NAMES) == values


@pytest.mark.parametrize(
    ("argument", "key", "value"), [(each[0], each[2], each[3][0]) for each in ARGUMENTS if each[2]]
)
def test_where_our_default_is_another_the_table_says_it(argument: str, key: str, value: Any) -> None:
    """The method's, or what a config has that says nothing."""
    section, _, name = key.partition(".")
    assert section in {*TrialConfig.model_fields, *FILE_KEYS}
    plain = {**OURS.plain(), "tracking": Tracking().model_dump()}
    ours, said = value_of(plain, key), rows()[argument][2]
    if said is not None:
        assert ours == yaml.safe_load(said)
    elif name != "name":
        assert ours == value


@pytest.mark.parametrize(("argument", "default", "key", "method"), OF_METHODS, ids=[each[0] for each in OF_METHODS])
def test_an_argument_of_one_method(argument: str, default: str, key: str, method: str) -> None:
    """Its standard configurations do not have it; our default is its own, or said."""
    said = rows()[argument][2]
    assert rows()[argument][:2] == (default, key)
    plain = resolve_trial({"method": method, "data": "mnist", "model": "lenet_300_100"}, REGISTRIES).plain()
    assert value_of(plain, key) == yaml.safe_load(default if said is None else said)


@pytest.mark.parametrize(("argument", "default", "key", "value"), OF_TEACHERS, ids=[each[0] for each in OF_TEACHERS])
def test_an_argument_of_teachers(argument: str, default: str, key: str, value: Any) -> None:
    assert rows()[argument] == (default, key, None)
    assert value_of(TEACHER.trial.plain(), key) == value


def test_the_table_has_all_arguments_and_no_other() -> None:
    ours = [argument for each in (ARGUMENTS, OF_METHODS, OF_TEACHERS) for argument, *_ in each]
    assert sorted(rows()) == sorted(ours)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("key", FIXED)
def test_what_no_argument_says_is_as_there(name: str, key: str) -> None:
    assert in_study(name, key) == FIXED[key]


def rows() -> dict[str, tuple[str, str, str | None]]:
    """The default there, the key and our default of each line of the table; no key is "", ours is None where alike."""
    part = DOCS[DOCS.index("## From the arguments") : DOCS.index("## What differs")]
    lines = re.findall(r"^\| `(\w+)` \| (?:`(.*?)` )?\| (?:`([\w.]+)`|none) \|(.*)\|$", part, re.MULTILINE)
    ours = {argument: re.search(r"by default here `(.*?)`", rest) for argument, _, _, rest in lines}
    return {name: (default, key, (said := ours[name]) and said[1]) for name, default, key, _ in lines}

"""Names that files of users' own may import from earlier versions."""

from __future__ import annotations

import importlib
import sys

import pytest

import sparsetune
from sparsetune.base.former_names import FORMER, present
from sparsetune.models.stem import check_images


@pytest.mark.parametrize("name", [*FORMER, "sparsetune.training.data.contract", "sparsetune.training.models.contract"])
def test_a_former_name_gives_the_module_itself(name: str) -> None:
    now = present(name)
    assert now is not None
    module = importlib.import_module(name)
    assert module is importlib.import_module(now)
    assert module.__name__ == now
    assert module.__spec__ is not None
    assert module.__spec__.name == now
    assert sys.modules[name] is module


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("base.cadence", "Cadence"),
        ("base.duration", "Duration"),
        ("config.checking", "TEXT check_model expand_name"),
        ("config.outlook", "evaluations facts_of"),
        ("data.ahead", "ahead"),
        ("data.folders", "absolute found_folder"),
        ("data.image_sets", "ImagePart ImageSet listed refuse_one_class refuse_strange"),
        ("data.moments", "extent moments"),
        ("data.precision", "ENOUGH distinct float32_holds scaling_dtype"),
        ("models.images", "check_images misfit"),
        ("models.patches", "patch_layer"),
        ("models.pool", "MaxPool2"),
        ("models.residual", "BasicBlock Bottleneck"),
        ("training.order", "Counters Order"),
    ],
)
def test_what_was_imported_from_a_former_name_is_there(name: str, names: str) -> None:
    module = importlib.import_module(f"sparsetune.{name}")
    assert [each for each in names.split() if not hasattr(module, each)] == []


def test_images_of_any_size_fit_where_none_is_said() -> None:
    check_images("mine", (3, 1, 1))
    with pytest.raises(sparsetune.BadInput, match="'mine' wants images of at least 1x1 pixels"):
        check_images("mine", (5,))


def test_classes_are_the_same() -> None:
    from sparsetune.config.errors import BadInput  # type: ignore[import-not-found]
    from sparsetune.training.data.contract import DataSet  # type: ignore[import-not-found]

    from sparsetune.data.contract import DataSet as Now

    assert BadInput is sparsetune.BadInput
    assert DataSet is Now


@pytest.mark.parametrize(
    "name", ["sparsetune", "sparsetune.config", "sparsetune.training.trainer", "numpy", "sparsetune.apis"]
)
def test_other_names_are_left_alone(name: str) -> None:
    assert present(name) is None


def test_what_never_was_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("sparsetune.training.data.never")

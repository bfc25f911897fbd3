"""Pruners that hold a trial against its own past, and trials that begin again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sparsetune.app.study import load
from sparsetune.base.errors import BadInput
from sparsetune.testing.studies import write_study

LOTTERY = {"method": {"name": "lottery", "levels": 2}, "space": {"method.prune_fraction": {"float": [0.1, 0.5]}}}


@pytest.mark.parametrize("pruner", [{"name": "patient", "patience": 3}, {"name": "threshold", "lower": 0.5}])
def test_they_are_refused(pruner: dict[str, Any], tmp_path: Path) -> None:
    objective = [{"metric": "val_accuracy", "goal": "maximize"}]
    with pytest.raises(BadInput) as refused:
        load(write_study(tmp_path, **LOTTERY, pruner=pruner, objectives=objective))
    assert (refused.value.key, refused.value.code) == ("pruner.name", "conflict")
    load(write_study(tmp_path / "ast", pruner=pruner, objectives=objective))
    load(write_study(tmp_path / "median", **LOTTERY, pruner="median", objectives=objective))

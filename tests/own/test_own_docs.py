"""The example of the page runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from sparsetune.base.messages import OwnFile
from sparsetune.config.own_numbers import NUMBERS
from sparsetune.config.own_tables import TABLES
from sparsetune.config.study.file import StudyFile
from sparsetune.testing.trained import run_through, trial_config
from sparsetune.training.registries import registries_of

PAGE = (Path(__file__).parents[2] / "docs" / "your_own.md").read_text()
FILE, CHECK = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(STUDY,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_the_file_does_what_the_page_says() -> None:
    study = yaml.safe_load(STUDY)
    known = registries_of((OwnFile(study["import"][0], FILE),))
    weak, strong = (
        run_through(
            trial_config({**study["method"], "strength": each}, study["model"], epochs=2, registries=known), known
        )
        for each in (0.0, 0.01)
    )
    assert strong[1]["magnitude"] < weak[1]["magnitude"]
    for trainer, metrics in (weak, strong):
        assert all("magnitude" in row.metrics for row in trainer.record)
        assert 0 <= metrics["worst_class"] < metrics["val_accuracy"]
        assert metrics["test_worst_class"] <= metrics["test_accuracy"]
    given = known.core("classification"), *known.method.get("lasso").metrics
    assert {each["metric"] for each in study["objectives"]} <= {*given[0], *given[1:]}
    keys = {field.alias or name for name, field in StudyFile.model_fields.items()}
    assert set(study) <= {*keys, "method", "data", "model", "training"}


def test_the_checks_are_called_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but those of the card hold for the example."""
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "my_method.py").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(CHECK, names)
    (mark,) = names["test_my_method"].pytestmark
    for check in mark.args[1]:
        if "card" not in check.__name__:
            names["test_my_method"](check)


def test_all_tables_are_named_with_their_classes() -> None:
    for name, table in TABLES.items():
        assert f"| `{name}` | a subclass of `{table.base}` | `{table.section}:` |" in PAGE
    assert f"| `{NUMBERS}` |" in PAGE

"""Study files for the tests of this folder."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sparsetune.app.study import load
from sparsetune.base.errors import BadInput
from sparsetune.base.yaml_io import dump
from sparsetune.config.overrides import assign
from sparsetune.config.space.cells import within
from sparsetune.config.space.points import branch_of, draw, flat_base
from sparsetune.config.space.space import Space
from sparsetune.config.study.study import Study

Raw = dict[str, Any]
GOOD: Raw = {
    "study": "s",
    "method": {"name": "ast"},
    "data": {"name": "digits"},
    "model": {"name": "mlp", "hidden": [8]},
    "training": {"epochs": 2},
    "space": {"method.kp": {"float": [0.001, 1.0], "log": True}},
    "objectives": [{"metric": "val_accuracy", "goal": "maximize"}],
    "budget": {"trials": 2},
}
GONE = object()  # in place of a value: the key is left out
NOISE = ("\n", "pydantic", "http", "function-", "tuple", "dict", "Input should", "NoneType", "constrained", "literal[")


def write(root: Path, text: str | None = None, **changes: Any) -> Path:
    """A project in ``root`` with one study file; a change replaces a top-level key."""
    (root / "search_spaces").mkdir(parents=True, exist_ok=True)
    content = {**copy.deepcopy(GOOD), **changes}
    file = root / "s.yaml"
    file.write_text(dump({k: v for k, v in content.items() if v is not GONE}) if text is None else text)
    return file


def space(root: Path, name: str, content: Mapping[str, Any]) -> Path:
    """A search space of the project."""
    (root / "search_spaces").mkdir(parents=True, exist_ok=True)
    file = root / "search_spaces" / f"{name}.yaml"
    file.write_text(dump(dict(content)))
    return file


def configured(space: Space, bases: Mapping[str, Raw], params: Raw, cell: Raw | None = None) -> Raw:
    """The plain trial config of a point, given what is drawn at it."""
    here = within(space, cell or {})
    drawn, settings = draw(here, flat_base(space, bases), lambda name, _: params[name])
    assert drawn == params
    return assign(bases[branch_of(space, params)], settings)


def accepted(root: Path, sets: Mapping[str, Any] | None = None, **changes: Any) -> Study:
    return load(write(root, **changes), sets)


def refused(file: Path, sets: Mapping[str, Any] | None = None) -> str:
    """What a user reads: one clean line; nothing may have been written. The file's own path is taken off its front."""
    before = _content(file.parent)
    with pytest.raises(BadInput) as caught:
        load(file, sets)
    line = str(caught.value)
    assert _content(file.parent) == before
    assert not any(noise in line for noise in NOISE), line
    return line.removeprefix(f"{file}: ")


def _content(folder: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}

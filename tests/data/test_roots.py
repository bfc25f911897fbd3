"""Where data are looked for."""

from pathlib import Path

import pytest

from sparsetune.base.errors import BadInput
from sparsetune.data.roots import VARIABLE, data_root


def test_the_config_goes_before_the_environment_and_that_before_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert data_root(None, tmp_path) == tmp_path / "data"
    monkeypatch.setenv(VARIABLE, "/elsewhere")
    assert data_root(None, tmp_path) == Path("/elsewhere")
    assert data_root("/here", tmp_path) == Path("/here")
    monkeypatch.setenv(VARIABLE, "")
    assert data_root(None, tmp_path) == tmp_path / "data"


def test_relative_roots_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "sets")
    assert data_root(None, Path("/project")) == tmp_path / "sets"
    assert data_root("sets", Path("/project")) == Path("/project/sets")
    assert data_root("sets", Path("project")) == tmp_path / "project" / "sets"


def test_home_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_root("~/sets", Path("/project")) == tmp_path / "sets"
    with pytest.raises(BadInput, match=r"^data\.root: found '~no_such_user/sets'"):
        data_root("~no_such_user/sets", Path("/project"))

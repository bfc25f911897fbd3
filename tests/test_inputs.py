"""What is said while data are decoded."""

from __future__ import annotations

from contextlib import ExitStack
from io import StringIO
from pathlib import Path

import pytest
from helpers.pictures import write_pictures
from rich.console import Console

from sparsetune.app import inputs
from sparsetune.base.paths import CACHE
from sparsetune.data import store
from sparsetune.data.folder import Folder, FolderConfig
from sparsetune.data.locked import locked
from sparsetune.data.tabular import Tabular, TabularConfig


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))


def said(config: FolderConfig | TabularConfig, *, lock: Path | None = None) -> list[str]:
    """The lines, where another process has the lock until this one says that it waits."""
    with ExitStack() as other:
        if lock is not None:
            other.enter_context(locked(lock))

        class Screen(StringIO):
            def write(self, text: str) -> int:
                if "waiting" in text:
                    other.close()
                return super().write(text)

        screen = Screen()
        with inputs.progress_bar(Console(file=screen, width=100), after=0.0) as progress:
            data = Folder if isinstance(config, FolderConfig) else Tabular
            data.prepare(config, progress)
    return [line for line in screen.getvalue().splitlines() if line.strip()]


def test_who_waits_for_another_process_says_so_once(tmp_path: Path) -> None:
    config = FolderConfig(train_dir=str(write_pictures(tmp_path / "pets", {"cat": 20, "dog": 20})))
    assert said(config) == ["decoding 40 samples, once on this machine"]
    (entry,) = store.everything()
    store.remove(entry)
    lines = said(config, lock=entry.folder.with_name(f"{entry.folder.name}.lock"))
    assert lines[0] == "waiting for another process that decodes the same data"
    assert said(config) == []


def test_a_table_that_was_read_is_not_announced(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{n},{n % 2}\n" for n in range(10)))
    assert said(TabularConfig(path=str(tmp_path / "t.csv"), target="y")) == []

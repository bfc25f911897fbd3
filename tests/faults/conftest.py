"""What the fault tests share: the small study without a fault, and small disks."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sparsetune.testing.studies import finish, write_study


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small study, uninterrupted, in-process."""
    root = tmp_path_factory.mktemp("reference")
    finish(write_study(root), "--in-process")
    return root


@pytest.fixture
def mount() -> Iterator[Callable[[Path, str], None]]:
    """Mounts a tmpfs with options, or changes those of one; skips where that is not allowed."""
    mounted: list[Path] = []

    def do(folder: Path, options: str) -> None:
        folder.mkdir(exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True)
        if done.returncode:
            pytest.skip("mounting a small disk wants root")
        if folder not in mounted:
            mounted.append(folder)

    yield do
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)

"""Arrays that were decoded once, kept on disk for every process of this machine, and mapped, not read.

What belongs together is a folder: ``meta.json`` and one ``.npy`` file for each array. It appears complete or not at
all: it is made aside under a lock and renamed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sparsetune.base.disk import disk_trouble
from sparsetune.base.errors import BadInput
from sparsetune.base.paths import cache_root, made, slug
from sparsetune.data.locked import locked
from sparsetune.data.maker import FORMAT, META
from sparsetune.data.maker import Maker as Maker
from sparsetune.data.pools import Array

_PART = ".part"  # what is being made, or was left by a process that died
_LOCK = ".lock"


@dataclass(frozen=True)
class Decoded:
    """Stored arrays by name, mapped copy-on-write, and what is known of them."""

    folder: Path
    meta: Mapping[str, Any]

    def array(self, name: str) -> Array:
        mapped: Array = np.load(self.folder / f"{name}.npy", mmap_mode="c", allow_pickle=False)
        return mapped

    @property
    def nbytes(self) -> int:
        """What it takes on the disk."""
        return sum(self.meta["bytes"].values())

    @property
    def last_used(self) -> float:
        """When a process last asked for it, in Unix seconds."""
        return (self.folder / META).stat().st_mtime


def find(label: str, key: Mapping[str, Any]) -> Decoded | None:
    """What has that key if it is there and whole.

    Args:
        label: a name that people recognise.
        key: plain values that decide the content: files with size and time, and how they are decoded.
    """
    folder = _folder(label, key)
    decoded = _read(folder)
    sizes = decoded.meta["bytes"] if decoded is not None else {}
    with suppress(OSError):  # an array is not there
        if all((folder / f"{name}.npy").stat().st_size == size for name, size in sizes.items()):
            return decoded
    return None


def get(
    label: str,
    key: Mapping[str, Any],
    make: Callable[[Maker], Mapping[str, Any]],
    waits: Callable[[], object] | None = None,
) -> Decoded:
    """What has that key; made by ``make`` (which returns its description) if it is not there yet.

    Several processes may ask at once: one makes it, the others call ``waits`` and wait.

    Raises:
        BadInput: the cache cannot be written; what ``make`` raises. Nothing is left then.
    """
    try:
        decoded = find(label, key) or _made(label, key, make, waits)
        with suppress(OSError):  # a cache that others filled need not be ours to write to
            os.utime(decoded.folder / META)
        return decoded
    except OSError as error:
        if disk_trouble(error):  # a full disk has an exit code of its own
            raise
        raise BadInput(
            f"cannot keep decoded data there: {error.strerror}", source=cache_root() / "data", code="unavailable"
        ) from None


def everything() -> list[Decoded]:
    """All that the cache holds, by name; what has another format too."""
    read = (_read(path.parent) for path in sorted((cache_root() / "data").glob(f"*/{META}")))
    return [each for each in read if each is not None and each.folder.suffix != _PART and "label" in each.meta]


def remove(decoded: Decoded) -> None:
    """Processes that have it mapped keep what they have; the disk is free once they end."""
    with locked(_beside(decoded.folder, _LOCK)):
        aside = _beside(decoded.folder, _PART)
        shutil.rmtree(aside, ignore_errors=True)
        with suppress(FileNotFoundError):  # another process was first
            decoded.folder.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


def sweep() -> int:
    """Remove what processes that died have left; returns how many bytes that was."""
    freed = 0
    for aside in (cache_root() / "data").glob(f"*{_PART}"):
        with locked(_beside(aside.with_suffix(""), _LOCK), wait=False) as held:
            if held:
                freed += sum(path.stat().st_size for path in aside.glob("*"))
                shutil.rmtree(aside, ignore_errors=True)
    return freed


def _made(
    label: str,
    key: Mapping[str, Any],
    make: Callable[[Maker], Mapping[str, Any]],
    waits: Callable[[], object] | None,
) -> Decoded:
    folder = _folder(label, key)
    made(folder.parent)
    sweep()
    with locked(_beside(folder, _LOCK), waits):
        if (made_meanwhile := find(label, key)) is not None:
            return made_meanwhile
        aside = _beside(folder, _PART)
        for old in (aside, folder):  # of a process that died, and what is damaged
            shutil.rmtree(old, ignore_errors=True)
        try:
            aside.mkdir()
            maker = Maker(aside)
            maker.finish({**make(maker), "label": label, "made": time.time()})
            aside.rename(folder)
            names = os.open(folder.parent, os.O_RDONLY)
            try:
                os.fsync(names)  # the new name is on the disk
            finally:
                os.close(names)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
        decoded = _read(folder)
    assert decoded is not None
    return decoded


def _read(folder: Path) -> Decoded | None:
    try:
        meta = json.loads((folder / META).read_text())
        return Decoded(folder, meta) if isinstance(meta["bytes"], dict) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _folder(label: str, key: Mapping[str, Any]) -> Path:
    digest = hashlib.sha256(json.dumps([FORMAT, key], sort_keys=True).encode()).hexdigest()[:16]
    return cache_root() / "data" / f"{slug(label)}.{digest}"


def _beside(folder: Path, ending: str) -> Path:
    return folder.with_name(folder.name + ending)

"""A data set by its name, into the folder of data files: whole or not at all, once however often it is asked for."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sparsetune.base.disk import disk_trouble
from sparsetune.base.errors import BadInput
from sparsetune.base.paths import made
from sparsetune.data import DATA
from sparsetune.data.locked import locked
from sparsetune.fetch.download import Progress, download, unpack
from sparsetune.fetch.kaggle import PREFIX, download_kaggle, folder_of
from sparsetune.fetch.presence import presence
from sparsetune.fetch.sources import SOURCES, Source

Begin = Callable[[str], Progress]  # told a file's name, gives what is told of its bytes


@dataclass(frozen=True)
class Fetched:
    """Where a data set is now, whether it was there before, and the `data` section of a study that uses it."""

    path: Path
    before: bool
    use: str


def fetch(name: str, root: Path, begin: Begin) -> Fetched:
    """Get a data set unless it is there.

    Args:
        name: a key of ``SOURCES``, or ``kaggle:OWNER/SET``.
        root: the folder of data files; made if need be.

    Raises:
        BadInput: an unknown name; a data set that is not fetched; no network; what came is not what was wanted.
            Nothing is left then.
    """
    if name.startswith(PREFIX):
        handle = name.removeprefix(PREFIX)
        path = root / folder_of(handle)
        use = f"{{name: folder, train_dir: {path.name}/...}}, or {{name: tabular, path: ...}}"
        return Fetched(path, _once(path, root, lambda aside: download_kaggle(handle, aside / path.name)), use)
    if name not in SOURCES:
        raise _nothing_to_fetch(name)
    source = SOURCES[name]()
    path = root / source.folder
    if source.unpacked:
        return Fetched(path, _once(path, root, lambda aside: _unpacked(source, aside, begin)), source.use)
    missing = [file for file in source.files if not _there(path / file.name)]
    if missing:
        with _aside(root, source.folder) as aside:
            for file in source.files:
                if not _there(path / file.name):
                    got = download(file, aside, begin(file.name))
                    made(path)
                    got.rename(path / file.name)
    return Fetched(path, not missing, source.use)


def _nothing_to_fetch(name: str) -> BadInput:
    if name not in DATA.names():
        return BadInput.unknown("data set", name, [*SOURCES, f"{PREFIX}OWNER/SET"], key="fetch")
    if presence(name, Path(), {}).state == "yours":
        why = f"is made of files that a study names; `sparsetune data list {name}` shows how"
    else:
        why = f"needs no download; in a study: data: {name}"
    return BadInput(f"{name!r} {why}", key="fetch")


def _once(path: Path, root: Path, make: Callable[[Path], object]) -> bool:
    """Have ``make`` leave a folder of that name aside, and put it in its place; whether it was there before."""
    if path.exists():
        return True
    with _aside(root, path.name) as aside:
        if path.exists():  # another process was first
            return True
        make(aside)
        (aside / path.name).rename(path)
    return False


def _unpacked(source: Source, aside: Path, begin: Begin) -> None:
    (archive,) = source.files
    unpack(download(archive, aside, begin(archive.name)), aside, source.folder)


def _there(path: Path) -> bool:
    """Packed as it comes, or unpacked."""
    return path.exists() or path.with_suffix("").exists()


@contextmanager
def _aside(root: Path, name: str) -> Iterator[Path]:
    """A folder for what is not whole yet. A process that wants the same waits; what one that died left goes."""
    new = not root.exists()
    aside = made(root) / f".fetch-{name.replace('/', '-')}"
    try:
        with locked(aside.with_name(f"{aside.name}.lock")):
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir()
            try:
                yield aside
            finally:
                shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        if disk_trouble(error):
            raise
        problem = f"cannot be written: {error.strerror or error}"
        raise BadInput(problem, source=error.filename or root, code="unavailable") from None
    finally:
        if new:
            with suppress(OSError):  # what came stays
                root.rmdir()

"""The files of CIFAR-10 and CIFAR-100: pickles of Python 2 or plain records, unpacked or in a .tar.gz.

A record is one byte for each kind of label and 3,072 for the image: red, green and blue, row by row. A pickle is a
dictionary of lists of labels and an array of such images.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from sparsetune.base.errors import BadInput
from sparsetune.data.downloaded import Downloaded, Piece, refuse_strange
from sparsetune.data.pickles import byte_array, unpickled
from sparsetune.data.pools import Array

IMAGE = (3, 32, 32)
_VALUES = 3_072
_SLACK = 2  # a pickle may be as many times as long as its images: it has file names too

Content = tuple[Array, Array]  # images (N, 3, 32, 32), labels (N, kinds)
Named = Iterator[tuple[str, str, bytes]]  # name of the file, what to call it in a message, at most ``limit`` bytes


@dataclass(frozen=True)
class Layout:
    """One way in which the files come.

    Attributes:
        suffix: of a batch's file.
        archive: the .tar.gz that has the folder in it.
        read: the content of a file: bytes, number of images, kinds of labels in the order of the records, source.
    """

    folder: str
    suffix: str
    archive: str
    read: Callable[[bytes, int, Sequence[str], object], Content]


class CifarImages(Downloaded):
    """60,000 colour images of 32 x 32 pixels."""

    image = IMAGE
    sizes = {"train": 50_000, "test": 10_000}
    batches: ClassVar[Mapping[str, Sequence[str]]]
    """Files of each split, without suffix."""
    kinds: ClassVar[Mapping[str, Sequence[str]]]
    """Kinds of labels in the order of the records, and the names of their classes."""
    layouts: ClassVar[Sequence[Layout]]

    @classmethod
    def find(cls, root: Path) -> list[Path]:
        """Unpacked files go before archives."""
        names = [name for batches in cls.batches.values() for name in batches]
        for layout in cls.layouts:
            paths = [root / layout.folder / f"{name}{layout.suffix}" for name in names]
            if all(path.is_file() for path in paths):
                return paths
        for layout in cls.layouts:
            if (root / layout.archive).is_file():
                return [root / layout.archive]
        for layout in cls.layouts:
            if (folder := root / layout.folder).is_dir():
                missing = [f"{n}{layout.suffix}" for n in names if not (folder / f"{n}{layout.suffix}").is_file()]
                raise cls.missing(f"{', '.join(missing)} in {folder}", root, layout.folder)
        raise cls.missing(f"{cls.layouts[0].folder} or {cls.layouts[0].archive} in {root}", root, "one of them")

    @classmethod
    def pieces(cls, files: Sequence[Path]) -> Iterator[Piece]:
        first = files[0]
        layout = next(each for each in cls.layouts if first.name == each.archive or first.parent.name == each.folder)
        where: dict[str, tuple[str, int, int]] = {}  # of a file: its split, position and number of images
        for split, batches in cls.batches.items():
            count = cls.sizes[split] // len(batches)
            where |= {f"{name}{layout.suffix}": (split, number * count, count) for number, name in enumerate(batches)}
        limit = 1 + _SLACK * _VALUES * max(count for _, _, count in where.values())
        contents = _packed if first.name == layout.archive else _unpacked
        for name, source, content in contents(files, layout.folder, list(where), limit):
            split, start, count = where[name]
            if len(content) == limit:
                raise BadInput(f"too long for {count:,} images", source=source, code="damaged")
            images, labels = layout.read(content, count, list(cls.kinds), source)
            refuse_strange(images, source)
            for column, names in zip(labels.T, cls.kinds.values(), strict=True):
                refuse_strange(column, source, len(names))
            yield Piece(split, start, images, labels)


def read_pickle(content: bytes, count: int, kinds: Sequence[str], source: object) -> Content:
    """A batch as a pickle; raises :class:`BadInput`."""
    batch = unpickled(content, source)
    arrays = batch if isinstance(batch, dict) else {}
    images = byte_array(arrays.get(b"data"), (count, _VALUES))
    if images is None:
        raise BadInput(f"found no array 'data' of {count:,} x {_VALUES:,} bytes", source=source, code="damaged")
    labels = [arrays.get(kind.encode()) for kind in kinds]
    for kind, values in zip(kinds, labels, strict=True):
        if not (isinstance(values, list) and len(values) == count and all(type(value) is int for value in values)):
            raise BadInput(f"found no list {kind!r} of {count:,} whole numbers", source=source, code="damaged")
        if min(values) < 0:
            raise BadInput(f"found label {min(values)}, wanted labels from 0", source=source, code="damaged")
    return images.reshape(-1, *IMAGE), np.array(labels, np.int64).T


def read_records(content: bytes, count: int, kinds: Sequence[str], source: object) -> Content:
    """A batch as records; raises :class:`BadInput`."""
    wanted = count * (len(kinds) + _VALUES)
    if len(content) != wanted:
        raise BadInput(f"found {len(content):,} bytes, wanted {wanted:,}", source=source, code="damaged")
    records = np.frombuffer(content, np.uint8).reshape(count, -1)
    return records[:, len(kinds) :].reshape(-1, *IMAGE), records[:, : len(kinds)]


def _unpacked(files: Sequence[Path], folder: str, names: Sequence[str], limit: int) -> Named:
    for path in files:
        try:
            with path.open("rb") as file:
                content = file.read(limit)
        except OSError as error:
            raise BadInput(f"cannot be read: {error.strerror}", source=path, code="unavailable") from None
        yield path.name, str(path), content


def _packed(files: Sequence[Path], folder: str, names: Sequence[str], limit: int) -> Named:
    """In the archive's order: it is read once, and unpacked nowhere."""
    (path,) = files
    missing = set(names)
    try:
        with gzip.open(path) as unpacked, tarfile.open(fileobj=unpacked, mode="r|") as archive:
            for member in archive:
                name = member.name.removeprefix("./").removeprefix(f"{folder}/")
                if name in missing and (file := archive.extractfile(member)) is not None:
                    missing.remove(name)
                    yield name, f"{path}: {member.name}", file.read(limit)
            while unpacked.read(1 << 20):  # to the end, where the checksum is
                pass
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadInput(f"cut off, or no .tar.gz ({error})", source=path, code="damaged") from None
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", source=path, code="unavailable") from None
    if missing:
        raise BadInput(f"found no {', '.join(sorted(missing))} in its folder {folder}", source=path, code="damaged")

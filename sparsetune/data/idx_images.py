"""Sets in MNIST's four IDX files, laid out as torchvision leaves them: ``<root>/<folder>/raw``, raw or .gz.

An IDX file of unsigned bytes is: two zero bytes, the type of its values (8: unsigned byte), the number of dimensions,
the length of each dimension (32 bits, big-endian), and the values, last dimension fastest.
"""

from __future__ import annotations

import gzip
import math
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sparsetune.base.errors import BadInput
from sparsetune.config.base import param
from sparsetune.data.downloaded import Downloaded, DownloadedConfig, Piece, refuse_strange

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
UNSIGNED_BYTE = 8


def read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The values of a file that must have this shape; a name that ends in .gz is unpacked.

    Raises:
        BadInput: names the file: not readable, not gzip, of another type or shape, cut off, too long.
    """
    header = struct.pack(f">HBB{len(shape)}I", 0, UNSIGNED_BYTE, len(shape), *shape)
    wanted = len(header) + math.prod(shape)
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            content = stream.read(wanted + 1)  # one more, to see the end (and have gzip verify its checksum)
    except EOFError:
        raise _damaged(path, f"cut off: its gzip data end early, wanted {wanted:,} bytes unpacked") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise _damaged(path, f"found broken gzip data ({error}), wanted {wanted:,} bytes unpacked") from None
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", source=path, code="unavailable") from None
    start = content[: len(header)]
    if len(start) >= 4 and start[:4] != header[:4]:
        magic, right = (f"0x{each[:4].hex()}" for each in (start, header))
        raise _damaged(path, f"not the IDX file it should be: found magic number {magic}, wanted {right}")
    if len(start) == len(header) and start != header:
        lengths = struct.unpack_from(f">{len(shape)}I", start, 4)
        raise _damaged(path, f"found {_times(lengths)} values, wanted {_times(shape)}")
    if len(content) < wanted:
        raise _damaged(path, f"cut off: found {len(content):,} bytes, wanted {wanted:,}")
    if len(content) > wanted:
        raise _damaged(path, f"too long: found more than the wanted {wanted:,} bytes")
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def _damaged(path: Path, problem: str) -> BadInput:
    return BadInput(problem, source=path, code="damaged")


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(f"{length:,}" for length in shape)


class IdxConfig(DownloadedConfig):
    """Settings of the three sets."""

    stratified: bool = param(False, "each class has its share in every split; else samples are drawn from all alike")


class IdxImages(Downloaded):
    """70,000 grey images of 28 x 28 pixels in ten classes."""

    image = (1, 28, 28)
    sizes = {"train": 60_000, "test": 10_000}
    folder: ClassVar[str]
    """Of this set, under the root."""

    @classmethod
    def find(cls, root: Path) -> list[Path]:
        """A raw file goes before its .gz, for it is read faster."""
        folder = root / cls.folder / "raw"
        files, missing = [], []
        for name in FILES:
            there = [path for path in (folder / name, folder / f"{name}.gz") if path.is_file()]
            files += there[:1]
            missing += [] if there else [name]
        if missing:
            other = ", ".join(map(str, _under_other_names(missing, root, folder)))
            said = f"; under another name or in another place: {other}" if other else ""
            raise cls.missing(f"{', '.join(missing)} (raw or .gz) in {folder}{said}", root, f"{cls.folder}/raw")
        return files

    @classmethod
    def pieces(cls, files: Sequence[Path]) -> Iterator[Piece]:
        for (split, size), images, labels in zip(cls.sizes.items(), files[::2], files[1::2], strict=True):
            pixels, marks = read_idx(images, (size, *cls.image[1:])), read_idx(labels, (size,))
            refuse_strange(pixels, images)
            refuse_strange(marks, labels, len(cls.names))
            yield Piece(split, 0, pixels[:, None], marks[:, None])


def _under_other_names(missing: Sequence[str], root: Path, folder: Path) -> list[Path]:
    """Files that seem to be the missing ones, such as ``train-images.idx3-ubyte``: where they should be, in a folder
    there, or above."""
    wanted = {_plain(name) for name in missing}
    tried = (*folder.glob("*"), *folder.glob("*/*"), *folder.parent.glob("*"), *root.glob("*"))
    return sorted({path for path in tried if _plain(path.name) in wanted and path.is_file()})


def _plain(name: str) -> str:
    """A name without case, what divides its words, and how it is packed."""
    unpacked = re.sub(r"(\.(gz|zip|bz2|xz|z|tgz|tar|idx|bin|dat))+$", "", name.lower())
    return re.sub(r"[^a-z0-9]", "", unpacked)

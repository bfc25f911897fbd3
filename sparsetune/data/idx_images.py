"""Sets in MNIST's four IDX files, laid out as torchvision leaves them: ``<root>/<folder>/raw``, raw or .gz."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from sparsetune.config.base import param
from sparsetune.data.downloaded import Downloaded, DownloadedConfig, Piece, refuse_strange
from sparsetune.data.idx import read_idx

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


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
        found, missing = [], []
        for name in FILES:
            there = [path for path in (folder / name, folder / f"{name}.gz") if path.is_file()]
            found += there[:1]
            missing += [] if there else [name]
        if missing:
            other = ", ".join(map(str, _under_other_names(missing, root, folder)))
            said = f"; under another name or in another place: {other}" if other else ""
            raise cls.missing(f"{', '.join(missing)} (raw or .gz) in {folder}{said}", root, f"{cls.folder}/raw")
        return found

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

"""Sets in MNIST's four IDX files, laid out as torchvision leaves them: ``<root>/<folder>/raw``, raw or .gz."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from sparsetune.config.base import param
from sparsetune.training.data.downloaded import Downloaded, DownloadedConfig, Piece, refuse_strange
from sparsetune.training.data.idx import read_idx

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
            raise cls.missing(f"{', '.join(missing)} (raw or .gz) in {folder}", root, f"{cls.folder}/raw")
        return found

    @classmethod
    def pieces(cls, files: Sequence[Path]) -> Iterator[Piece]:
        for (split, size), images, labels in zip(cls.sizes.items(), files[::2], files[1::2], strict=True):
            pixels, marks = read_idx(images, (size, *cls.image[1:])), read_idx(labels, (size,))
            refuse_strange(pixels, images)
            refuse_strange(marks, labels, len(cls.names))
            yield Piece(split, 0, pixels[:, None], marks[:, None])

"""Image sets of a fixed size that torchvision can download: found under a root, decoded once, mapped from the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import StrictInt

from sparsetune.base.errors import BadInput
from sparsetune.config.base import param
from sparsetune.data import store
from sparsetune.data.contract import DataConfig, DataSet, Outline, Progress
from sparsetune.data.images.resize import resized
from sparsetune.data.pools import Array, Pools, Samples
from sparsetune.data.roots import VARIABLE, data_root, identity

VERSION = 1  # of decoding: a change of what comes out makes what was decoded before unknown


class DownloadedConfig(DataConfig):
    """Settings that these sets share."""

    root: str | None = param(
        None, f"folder of data files; else the variable {VARIABLE}, else data/ of the project", place=True
    )
    val_size: StrictInt | float = param(
        5_000, "training samples held out for validation: a count, or below 1 a fraction", gt=0
    )
    resize: int | None = param(None, "side of the images; else as they are", unit="pixels", ge=8, le=256)


@dataclass(frozen=True)
class Piece:
    """Some images (N, C, H, W) of uint8 and their labels (N, kinds)."""

    split: str  # "train" or "test"
    start: int  # position of the first one in its split
    images: Array
    labels: Array


class Downloaded(DataSet):
    """Base of sets with training and test images in files of a known structure."""

    image: ClassVar[tuple[int, int, int]]
    """Channels, height and width in the files."""
    sizes: ClassVar[Mapping[str, int]]
    """Images of ``train`` and ``test``."""
    names: ClassVar[tuple[str, ...]]
    """Of the classes."""

    @classmethod
    def find(cls, root: Path) -> list[Path]:
        """The files, in the order in which :meth:`pieces` takes them.

        Raises:
            BadInput: some are not there.
        """
        raise NotImplementedError

    @classmethod
    def pieces(cls, files: Sequence[Path]) -> Iterator[Piece]:
        """What the files hold; raises :class:`BadInput` for what is broken, with the file's name."""
        raise NotImplementedError

    @classmethod
    def targets(cls, config: Any, labels: Array) -> Array:
        """The labels that the config wants, (N,), of those in the files, (N, kinds)."""
        return labels[:, 0]

    @classmethod
    def class_names(cls, config: Any) -> tuple[str, ...]:
        """Of the labels that the config wants."""
        return cls.names

    @classmethod
    def outline(cls, config: DownloadedConfig) -> Outline:
        channels, side, _ = cls.image
        side = config.resize or side
        return Outline((channels, side, side), outputs=len(cls.class_names(config)), samples=cls.sizes["train"])

    @classmethod
    def locate(cls, config: DownloadedConfig, project_root: Path) -> DownloadedConfig:
        root = data_root(config.root, project_root)
        cls.find(root)
        return config.model_copy(update={"root": str(root)})

    @classmethod
    def prepare(cls, config: DownloadedConfig, progress: Progress) -> None:
        cls._decoded(config, progress)

    @classmethod
    def read(cls, config: DownloadedConfig) -> Pools:
        """Images of bytes, mapped from the store."""
        decoded = cls._decoded(config, lambda done, of: None)
        pools = {
            split: Samples(decoded.array(f"{split}_images"), cls.targets(config, decoded.array(f"{split}_labels")))
            for split in cls.sizes
        }
        names = cls.class_names(config)
        return Pools(
            pools["train"], outputs=len(names), test=pools["test"], digest=decoded.meta["digest"], classes=names
        )

    @classmethod
    def at_hand(cls, config: DownloadedConfig) -> Pools | None:
        """Labels are the same at any size."""
        sizes = (config, config.model_copy(update={"resize": None}))
        return next((cls.read(each) for each in sizes if store.find(*cls._key(each)) is not None), None)

    @classmethod
    def missing(cls, what: str, root: Path, holds: str) -> BadInput:
        """The error for files that are not there."""
        name = cls.Config.model_fields["name"].default
        return BadInput(
            f"no {what}; get them with `sparsetune data fetch {name}`, or set data.root or {VARIABLE} to the folder "
            f"that has {holds}",
            key="data.root",
            code="missing",
        )

    @classmethod
    def _decoded(cls, config: DownloadedConfig, progress: Progress) -> store.Decoded:
        decode = partial(cls._decode, config=config, progress=progress)
        return store.get(*cls._key(config), decode, partial(progress, 0, 0))

    @classmethod
    def _key(cls, config: DownloadedConfig) -> tuple[str, dict[str, Any]]:
        """Label and key in the store."""
        side = config.resize or cls.image[1]
        return config.name, {"files": [identity(path) for path in cls._files(config)], "side": side, "version": VERSION}

    @classmethod
    def _files(cls, config: DownloadedConfig) -> list[Path]:
        if config.root is None or not Path(config.root).is_absolute():
            raise BadInput(found=repr(config.root), allowed="an absolute path", key="data.root")
        return cls.find(Path(config.root))

    @classmethod
    def _decode(cls, maker: store.Maker, config: DownloadedConfig, progress: Progress) -> Mapping[str, Any]:
        files, side = cls._files(config), config.resize or cls.image[1]
        shape = (cls.image[0], side, side)
        images = {split: maker.empty(f"{split}_images", (size, *shape), np.uint8) for split, size in cls.sizes.items()}
        labels: dict[str, dict[int, Array]] = {split: {} for split in cls.sizes}
        done = 0
        try:
            for piece in cls.pieces(files):
                room = images[piece.split][piece.start : piece.start + len(piece.images)]
                if side == cls.image[1]:
                    room[:] = piece.images
                else:
                    resized(piece.images, side, room)
                labels[piece.split][piece.start] = piece.labels
                done += len(piece.images)
                progress(done, sum(cls.sizes.values()))
        except BadInput as error:
            raise error.located(key="data.root") from None
        for split, parts in labels.items():
            maker.put(f"{split}_labels", np.concatenate([parts[start] for start in sorted(parts)]).astype(np.int64))
        return {"source": [str(path) for path in files], "samples": dict(cls.sizes), "shape": shape}


def refuse_strange(values: Array, source: Any, classes: int | None = None) -> None:
    """Raise :class:`BadInput` for labels that are not below ``classes``, and for values that never differ."""
    low, high = values.min(), values.max()
    if classes is not None and high >= classes:
        raise BadInput(f"found label {high}, wanted labels from 0 to {classes - 1}", source=source, code="damaged")
    if low == high:  # such as a file of zeros that a crash left
        raise BadInput(
            f"found the value {low} only, wanted images or labels that differ", source=source, code="damaged"
        )

"""Files of random images in the formats of the downloaded data sets, for tests."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparsetune.data import DATA
from sparsetune.data.cifar import CifarImages, Layout, read_records
from sparsetune.data.idx_images import FILES, IdxImages
from sparsetune.data.pools import Array

SMALL = {"mnist": (100, 20), "fashionmnist": (100, 20), "cifar10": (100, 20), "cifar100": (300, 100)}
"""Images for training and for the test; each class has one at least."""


def write_small_sets(root: Path, patch: pytest.MonkeyPatch) -> Path:
    """The files of all of :data:`SMALL` under ``root``; until ``patch`` is undone the sets are so small."""
    for name, sizes in SMALL.items():
        data = DATA.get(name)
        patch.setattr(data, "sizes", dict(zip(("train", "test"), sizes, strict=True)))
        if issubclass(data, IdxImages):
            write_idx(data, root)
        else:
            assert issubclass(data, CifarImages)
            write_cifar(data, data.layouts[0], root)
    return root


def write_idx(data: type[IdxImages], root: Path, *, packed: bool = False, clear: bool = False) -> Path:
    """The four files of a set under ``root``, of as many images as ``data.sizes`` says; the same ones each time.

    Args:
        clear: those of a class are alike.
    """
    random = np.random.default_rng(0)
    folder = root / data.folder / "raw"
    folder.mkdir(parents=True)
    for size, images, labels in zip(data.sizes.values(), FILES[::2], FILES[1::2], strict=True):
        pixels, classes = random.integers(0, 256, (size, 28, 28), np.uint8), _labels(size, 10, random)
        parts = {images: _alike(pixels, classes) if clear else pixels, labels: classes}
        for name, values in parts.items():
            content = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()
            path = folder / (f"{name}.gz" if packed else name)
            path.write_bytes(gzip.compress(content, compresslevel=1) if packed else content)
    return root


def write_cifar(
    data: type[CifarImages], layout: Layout, root: Path, *, packed: bool = False, clear: bool = False
) -> Path:
    """The files of a set under ``root`` in one of its layouts; the same images each time, as in :func:`write_idx`."""
    random = np.random.default_rng(0)
    contents: dict[str, bytes] = {}
    for split, batches in data.batches.items():
        for name in batches:
            count = data.sizes[split] // len(batches)
            images = random.integers(0, 256, (count, 3072), np.uint8)
            labels = {kind: _labels(count, len(names), random) for kind, names in data.kinds.items()}
            images = _alike(images, labels["labels"]) if clear else images
            write = _records if layout.read is read_records else _batch
            contents[f"{name}{layout.suffix}"] = write(images, labels)
    if packed:
        _pack(root / layout.archive, layout.folder, contents)
        return root
    (root / layout.folder).mkdir(parents=True)
    for name, content in contents.items():
        (root / layout.folder / name).write_bytes(content)
    return root


def python2_pickle(value: Any) -> bytes:
    """A pickle as Python 2 wrote it: of dictionaries, lists, bytes, whole numbers and arrays of bytes."""
    return b"\x80\x02" + _pickled(value) + b"."


def _labels(count: int, classes: int, random: np.random.Generator) -> Array:
    """Each class as often as the others, in random order."""
    return random.permutation((np.arange(count) % classes).astype(np.uint8))


def _alike(images: Array, labels: Array) -> Array:
    """Three quarters of each image are its class's."""
    patterns = np.random.default_rng(1).integers(0, 192, (10, *images.shape[1:]), np.uint8)
    return images // 4 + patterns[labels]


def _records(images: Array, labels: Mapping[str, Array]) -> bytes:
    return np.concatenate([np.stack(list(labels.values()), axis=1), images], axis=1).tobytes()


def _batch(images: Array, labels: Mapping[str, Array]) -> bytes:
    marks = {kind.encode(): values.tolist() for kind, values in labels.items()}
    names = [f"image_{number}.png".encode() for number in range(len(images))]
    return python2_pickle({b"batch_label": b"made up", **marks, b"data": images, b"filenames": names})


def _pickled(value: Any) -> bytes:
    match value:
        case dict():
            return b"}(" + b"".join(_pickled(part) for item in value.items() for part in item) + b"u"
        case list():
            return b"](" + b"".join(map(_pickled, value)) + b"e"
        case bytes():
            return b"T" + struct.pack("<i", len(value)) + value
        case int():
            return b"J" + struct.pack("<i", value)
    shape = b"(" + b"".join(map(_pickled, value.shape)) + b"t"
    made = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
    kind = b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    return made + b"(K\x01" + shape + kind + b"\x89" + _pickled(value.tobytes()) + b"tb"


def _pack(path: Path, folder: str, contents: Mapping[str, bytes]) -> None:
    """In an order that is not that of the batches, as the real archives have it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name in sorted(contents, reverse=True):
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(contents[name])
            archive.addfile(member, io.BytesIO(contents[name]))

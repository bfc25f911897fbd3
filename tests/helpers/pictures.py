"""Small image files for tests; those whose values are not 8 bits byte by byte, for Pillow writes few of them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_FORMAT = {"u": 1, "i": 2, "f": 3}


def picture(number: int, width: int = 8, height: int = 8, mode: str = "RGB") -> Image.Image:
    """Random pixels, the same for the same number."""
    pixels = np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels).convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """What a file of that image holds."""
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def write_pictures(root: Path, counts: Mapping[str, int], width: int = 8, height: int = 8, ending: str = "png") -> Path:
    """A folder for each class with so many images, all different; returns ``root``."""
    number = 0
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for each in range(count):
            picture(number, width, height).save(root / name / f"{each:04d}.{ending}")
            number += 1
    return root


def tiff(values: NDArray[Any], order: Literal["<", ">"] = "<", *, planar: bool = False) -> bytes:
    """A TIFF, not compressed, of values (H, W) or (H, W, bands) in that byte order."""
    height, width = values.shape[:2]
    bands = values.shape[2] if values.ndim == 3 else 1
    pixels = values.astype(values.dtype.newbyteorder(order)).tobytes()
    tags: list[tuple[int, int, list[int]]] = [
        (256, 4, [width]),
        (257, 4, [height]),
        (258, 3, [8 * values.dtype.itemsize] * bands),
        (259, 3, [1]),
        (262, 3, [2 if bands > 2 else 1]),
        (273, 4, [0]),  # where the pixels begin: filled in below
        (277, 3, [bands]),
        (278, 4, [height]),
        (279, 4, [len(pixels)]),
        (284, 3, [2 if planar else 1]),
        (339, 3, [_FORMAT[values.dtype.kind]] * bands),
    ]
    if bands == 4:
        tags.insert(-1, (338, 3, [2]))
    aside = 8 + 2 + 12 * len(tags) + 4
    start = aside + sum(2 * len(each) for _, kind, each in tags if kind == 3 and len(each) > 2)
    entries, long = b"", b""
    for tag, kind, each in tags:
        each = [start] if tag == 273 else each
        packed = struct.pack(f"{order}{len(each)}{'H' if kind == 3 else 'I'}", *each)
        if len(packed) > 4:
            packed, long = struct.pack(f"{order}I", aside + len(long)), long + packed
        entries += struct.pack(f"{order}HHI", tag, kind, len(each)) + packed.ljust(4, b"\0")
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HIH", 42, 8, len(tags))
    return head + entries + bytes(4) + long + pixels


def png16(values: NDArray[np.uint16]) -> bytes:
    """A PNG of 16 bits: of values (H, W), or (H, W, bands) of 2 (with transparency) to 4."""
    height, width = values.shape[:2]
    colours = {1: 0, 2: 4, 3: 2, 4: 6}[values.shape[2] if values.ndim == 3 else 1]
    rows = b"".join(b"\0" + row.tobytes() for row in values.astype(">u2"))
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 16, colours, 0, 0, 0),
        b"IDAT": zlib.compress(rows),
        b"IEND": b"",
    }
    parts = (
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def write_deep(root: Path, values: NDArray[Any], ending: str = "tif") -> Path:
    """Images (classes, N, H, W) in a folder for each class, called a, b, ...; returns ``root``."""
    for name, images in zip("abcdefgh", values, strict=False):
        (root / name).mkdir(parents=True)
        for number, image in enumerate(images):
            content = png16(image) if ending == "png" else tiff(image)
            (root / name / f"{number:03d}.{ending}").write_bytes(content)
    return root

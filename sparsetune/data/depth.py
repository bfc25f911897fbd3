"""Pixels that are not 8 bits: what their type is, and their values as the file has them.

Pillow says by its modes what it makes of a file, not what is in it: whole numbers of 16 bits with a sign become 32, a
sign of 8 bits is lost, and of 16 bits of red, green and blue it keeps the upper half. PNG and TIFF say it themselves.
"""

from __future__ import annotations

import io
import sys
from typing import Any

import numpy as np

from sparsetune.data.pools import Array

BYTES = np.dtype(np.uint8)
_WORDS = {
    "int8": "signed 8 bits",
    "uint8": "8 bits",
    "int16": "signed 16 bits",
    "uint16": "16 bits",
    "int32": "signed 32 bits",
    "uint32": "32 bits",
}
_KINDS = {1: "u", 2: "i", 3: "f", 4: "u", 5: "i", 6: "c"}  # TIFF's SampleFormat: whole, signed, real, unknown, complex
_MODES = {"I": "int32", "F": "float32", "I;16": "uint16", "I;16B": "uint16", "I;16L": "uint16", "I;16N": "uint16"}
_BITS, _FORMAT, _PLANES = 258, 339, 284  # tags of TIFF
_HALVES = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}  # the byte order that reads the others


class Unreadable(ValueError):
    """Pixels of a type that no reader here has."""


def words(depth: np.dtype[Any]) -> str:
    """How messages call it: ``16 bits``, ``signed 32 bits``, ``32-bit floats``."""
    return _WORDS.get(depth.name, f"{8 * depth.itemsize}-bit {'floats' if depth.kind == 'f' else 'numbers'}")


def in_type(values: Array, depth: np.dtype[Any]) -> Array:
    """Floats as a file would hold them: whole numbers are rounded, and within their limits."""
    if depth.kind == "f":
        return values.astype(depth)
    limits = np.iinfo(depth)
    return values.round().clip(limits.min, limits.max).astype(depth)


def deep(content: bytes, image: Any) -> Array | None:
    """The values (bands, H, W) of an image that Pillow has opened, in the file's own type; None where it is 8 bits.

    Raises:
        Unreadable: Pillow would lose some of it.
    """
    depth = _depth(image)
    if depth == BYTES:
        return None
    if image.mode[0] in "IF" or (image.mode == "L" and depth.itemsize == 1):
        return np.asarray(image).astype(depth)[None]
    bands = _side_by_side(content, image) if image.format == "PPM" else _both_halves(content, image, depth)
    return np.moveaxis(bands, -1, 0)


def described(content: bytes) -> str | None:
    """The type of a TIFF that Pillow does not open; None of other content."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    if content[:4] not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return None
    try:
        tags = ImageFileDirectory_v2(content[: 16 if b"+" in content[:4] else 8])
        stream = io.BytesIO(content)
        stream.seek(tags.next)
        tags.load(stream)
        return words(_of_tags(tags))
    except Exception:  # whatever a broken file makes of it
        return None


def _depth(image: Any) -> np.dtype[Any]:
    if image.format == "TIFF":
        return _of_tags(image.tag_v2)
    if image.format == "PPM" and image.mode in ("I", "RGB"):  # more than 255 is spread over 16 bits, or cut to 8
        return np.dtype(np.uint16) if image.mode == "I" or _highest(image) > 255 else BYTES
    if image.mode in _MODES:
        return np.dtype(_MODES[image.mode])
    return np.dtype(np.uint16) if _halved(image) else BYTES


def _of_tags(tags: Any) -> np.dtype[Any]:
    """Fewer than 8 bits are spread over 8."""
    bits = max(tags.get(_BITS, (1,)))
    if bits < 8:
        return BYTES
    return np.dtype(f"{_KINDS[max(tags.get(_FORMAT, (1,)))]}{bits // 8}")


def _highest(image: Any) -> int:
    """The value of white that a PPM names; 0 where Pillow reads it as it is."""
    arguments = image.tile[0].args
    return arguments[1] if isinstance(arguments, tuple) else 0


def _side_by_side(content: bytes, image: Any) -> Array:
    """The bands (H, W, 3) of a PPM, read as the grey image of three times its width that it is in the file."""
    from PIL import Image

    width, height = image.size
    header = b"P%c %d %d %d\n" % (content[1] - 1, 3 * width, height, _highest(image))
    with Image.open(io.BytesIO(header + content[image.tile[0].offset :])) as wide:
        return np.asarray(wide).astype(np.uint16).reshape(height, width, 3)


def _halved(image: Any) -> bool:
    """Whether Pillow is about to read the upper half of 16 bits of several bands."""
    return any(";16" in str(tile.args) for tile in image.tile)


def _both_halves(content: bytes, image: Any, depth: np.dtype[Any]) -> Array:
    """The bands (H, W, n) of 16 bits: read with the other order of bytes, each has the half that Pillow leaves out."""
    from PIL import Image

    planes = getattr(image, "tag_v2", {}).get(_PLANES, 1)
    if depth != np.uint16 or planes != 1 or not _halved(image):
        raise Unreadable(words(depth))
    with Image.open(io.BytesIO(content)) as again:
        again.tile = [tile._replace(args=_other_half(tile.args)) for tile in again.tile]
        bands: Array = np.asarray(image).astype(np.uint16) << 8 | np.asarray(again)
    return bands


def _other_half(arguments: Any) -> Any:
    """Of a tile, its raw mode alone or with more: ``RGB;16L``."""
    if not isinstance(arguments, str):
        return (_other_half(arguments[0]), *arguments[1:])
    bands, _, order = arguments.partition(";16")
    return f"{bands};16{_HALVES[order]}"

"""One image file as pixels: bytes, or of the file's own type where that is not 8 bits.

JPEG and plain PNG go through torchvision's operator, which is quick and leaves other threads alone; Pillow takes what
that cannot read or reads wrongly: palettes, TIFF, grey WebP. All are turned as their EXIF says: cameras store what
their sensor saw, and how they were held.
"""

from __future__ import annotations

import io
from functools import cache
from typing import Any, Literal

import numpy as np
import torch

from sparsetune.data.depth import Unreadable, deep, described, in_type, words
from sparsetune.data.images.resize import square
from sparsetune.data.pools import Array

Mode = Literal["rgb", "grey"]
_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
_PLAIN = (b"\x08\x00", b"\x08\x02")  # bits and colour type of a PNG: 8 bits of grey or of red, green and blue
_DEEP = b"\x10"  # 16 bits of any
_READ_AS = {None: 0, "grey": 1, "rgb": 3}  # torchvision's numbers
_PILLOWS = {"rgb": "RGB", "grey": "L"}
_KIND = {"1": "grey", "L": "grey", "RGB": "rgb", "P": "rgb"}  # of Pillow's modes, those that say what they are
_LUMA = (0.299, 0.587, 0.114)  # of red, green and blue in grey, as Pillow has it
_EXIF_IN = {True: (b"\xff\xe1",), False: (b"eXIf", b"iTXt", b"zTXt", b"tEXt")}  # of a JPEG; of a PNG
_ORIENTATION = 0x112  # tag of EXIF


class Corrupt(ValueError):
    """Not an image, or only a part of one."""


class Unclear(ValueError):
    """An image that is neither plain grey nor plain RGB, where no mode says what to make of it."""


def decode(content: bytes, mode: Mode | None, side: int | None = None) -> Array:
    """Pixels (C, H, W): one channel or three; of uint8, or of the file's own type where that is another.

    Args:
        content: of the file.
        mode: what it is converted to; None: it stays as it is.
        side: the shorter side becomes so long, the longer is cut to it around the middle; None: no change.

    Raises:
        Corrupt, Unclear: with the reason.
    """
    plain = content.startswith(_JPEG) or _is_deep(content) or (content.startswith(_PNG) and content[24:26] in _PLAIN)
    operator = _operator() if plain else None
    pixels = _by_pillow(content, mode) if operator is None else _by_operator(operator, content, mode)
    if pixels.shape[0] not in (1, 3):
        raise Unclear("CMYK")
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise Corrupt("has pixels that are NaN or infinite")
    return pixels if side is None else square(pixels, side)


def _by_operator(operator: Any, content: bytes, mode: Mode | None) -> Array:
    whole = _is_deep(content)
    try:
        stored = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        pixels = operator(stored, 0 if whole else _READ_AS[mode], False).numpy()
    except RuntimeError as error:
        raise Corrupt(_reason(str(error))) from None
    pixels = _as_mode(pixels, mode) if whole else pixels
    return turned(pixels, orientation(content))


def _by_pillow(content: bytes, mode: Mode | None) -> Array:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as image:
            values = deep(content, image)
            image.load()
            if values is None:
                if mode is None and (image.mode not in _KIND or "transparency" in image.info):
                    see_through = "transparency" in image.info or "A" in image.mode
                    raise Unclear("transparency" if see_through else image.mode)
                wanted = mode or _KIND[image.mode]
                bands = np.asarray(image.convert(_PILLOWS[wanted]))
                pixels = bands.reshape(*bands.shape[:2], -1).transpose(2, 0, 1)
            else:
                pixels = _as_mode(values, mode)
            pixels = turned(pixels, orientation(image))  # a TIFF was turned when it was loaded
    except Unclear:
        raise
    except UnidentifiedImageError:
        depth = described(content)
        raise Corrupt(_unreadable(depth) if depth else "not an image" if content else "empty") from None
    except Unreadable as error:
        raise Corrupt(_unreadable(str(error))) from None
    except Exception as error:  # Pillow's readers raise whatever a broken file makes them raise
        raise Corrupt(_reason(str(error))) from None
    return np.array(pixels, order="C")


def _as_mode(values: Array, mode: Mode | None) -> Array:
    """Grey or colours (C, H, W) of pixels that are not 8 bits; the last of 2 or 4 bands is how opaque they are."""
    bands = len(values)
    if mode is None and bands != 3:
        raise Unclear(f"{words(values.dtype)} of grey" if bands == 1 else "transparency")
    colours = values[: bands - (bands in (2, 4))]
    if mode == "rgb":
        return np.repeat(colours, 3 // len(colours), axis=0)
    if mode is None or len(colours) == 1:
        return colours
    return in_type(np.tensordot(_LUMA, colours, 1)[None], values.dtype)


def _unreadable(depth: str) -> str:
    return f"{depth} that cannot be read"


def _is_deep(content: bytes) -> bool:
    """A PNG of 16 bits."""
    return content.startswith(_PNG) and content[24:25] == _DEEP


@cache
def _operator() -> Any:
    """What is beneath torchvision.io.decode_image, which warns that it is going to leave; None once it has left."""
    import torchvision.io  # noqa: F401  (registers it)

    return getattr(torch.ops.image, "decode_image", None)


def _reason(text: str) -> str:
    """What a library says, without the place in its source."""
    first = text.partition("\n")[0].rpartition("cpp:")[2]
    return first.partition(", ")[2][:80].rstrip(". ") or first[:80] or "cannot be read"


def orientation(source: Any) -> int:
    """EXIF's 1 to 8, 1 as it is; of a JPEG's or PNG's content, or of an image that Pillow has opened."""
    if isinstance(source, bytes) and not any(mark in source for mark in _EXIF_IN[source.startswith(_JPEG)]):
        return 1  # at once, as of nearly all images that were prepared for training
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(source)) if isinstance(source, bytes) else source
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # whatever a broken EXIF makes of it: the pixels can be read
        return 1


def turned(pixels: Array, orientation: int) -> Array:
    """Pixels (C, H, W) as they were seen; another number than 1 to 8 says nothing."""
    if orientation == 1:
        return pixels
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(0, 2, 1)
    rows, columns = (slice(None, None, -1 if orientation in each else 1) for each in ((3, 4, 7, 8), (2, 3, 6, 7)))
    return np.ascontiguousarray(pixels[:, rows, columns])

"""How an image lies in its file: cameras store what their sensor saw, and say in EXIF how it was held."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from sparsetune.data.pools import Array

_JPEG = b"\xff\xd8"
_MARKS = {True: (b"\xff\xe1",), False: (b"eXIf", b"iTXt", b"zTXt", b"tEXt")}  # where it may stand in a JPEG; in a PNG
_TAG = 0x112


def orientation(source: Any) -> int:
    """EXIF's 1 to 8, 1 as it is; of a JPEG's or PNG's content, or of an image that Pillow has opened."""
    if isinstance(source, bytes) and not any(mark in source for mark in _MARKS[source.startswith(_JPEG)]):
        return 1  # at once, as of nearly all images that were prepared for training
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(source)) if isinstance(source, bytes) else source
        return int(image.getexif().get(_TAG, 1))
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

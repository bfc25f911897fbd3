"""One image file as bytes of pixels.

JPEG and plain PNG go through torchvision's operator, which is quick and leaves other threads alone; Pillow takes what
that cannot read or reads wrongly: palettes, 16 bits, grey WebP.
"""

from __future__ import annotations

import io
from functools import cache
from typing import Any, Literal

import numpy as np
import torch
from torch.nn.functional import interpolate

from sparsetune.training.data.pools import Array

Mode = Literal["rgb", "grey"]
_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
_PLAIN = (b"\x08\x00", b"\x08\x02")  # bits and colour type of a PNG: 8 bits of grey or of red, green and blue
_READ_AS = {None: 0, "grey": 1, "rgb": 3}  # torchvision's numbers
_PILLOWS = {"rgb": "RGB", "grey": "L"}
_KIND = {"1": "grey", "L": "grey", "RGB": "rgb", "P": "rgb"}  # of Pillow's modes, those that say what they are


class Corrupt(ValueError):
    """Not an image, or only a part of one."""


class Unclear(ValueError):
    """An image that is neither plain grey nor plain RGB, where no mode says what to make of it."""


def decode(content: bytes, mode: Mode | None, side: int | None = None) -> Array:
    """Pixels (C, H, W) of uint8: one channel or three.

    Args:
        content: of the file.
        mode: what it is converted to; None: it stays as it is.
        side: the shorter side becomes so long, the longer is cut to it around the middle; None: no change.

    Raises:
        Corrupt, Unclear: with the reason.
    """
    plain = content.startswith(_JPEG) or (content.startswith(_PNG) and content[24:26] in _PLAIN)
    operator = _operator() if plain else None
    try:
        pixels = _by_pillow(content, mode) if operator is None else operator(_bytes(content), _READ_AS[mode], False)
    except RuntimeError as error:
        raise Corrupt(_reason(str(error))) from None
    if pixels.shape[0] not in (1, 3):
        raise Unclear("CMYK")
    return (pixels if side is None else _square(pixels, side)).numpy()


def _by_pillow(content: bytes, mode: Mode | None) -> torch.Tensor:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            if mode is None and (image.mode not in _KIND or "transparency" in image.info):
                raise Unclear(_described(image))
            wanted = mode or _KIND[image.mode]
            pixels = np.asarray(_eight_bits(image).convert(_PILLOWS[wanted]))
    except Unclear:
        raise
    except UnidentifiedImageError:
        raise Corrupt("not an image" if content else "empty") from None
    except Exception as error:  # Pillow's readers raise whatever a broken file makes them raise
        raise Corrupt(_reason(str(error))) from None
    return torch.from_numpy(np.array(pixels.reshape(*pixels.shape[:2], -1).transpose(2, 0, 1), order="C"))


def _eight_bits(image: Any) -> Any:
    """Pillow would cut off what is above 255 in 16 bits of grey."""
    from PIL import Image

    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))


def _described(image: Any) -> str:
    if image.mode.startswith("I"):
        return "16 bits of grey"
    return "transparency" if "transparency" in image.info or "A" in image.mode else image.mode


def _square(pixels: torch.Tensor, side: int) -> torch.Tensor:
    """As torchvision's Resize(side) and CenterCrop(side) do, antialiased."""
    height, width = pixels.shape[1:]
    short = min(height, width)
    if short != side:
        size = [int(side * length / short) for length in (height, width)]
        pixels = interpolate(pixels[None], size, mode="bilinear", align_corners=False, antialias=True)[0]
    top, left = (round((length - side) / 2.0) for length in pixels.shape[1:])
    return pixels[:, top : top + side, left : left + side]


@cache
def _operator() -> Any:
    """What is beneath torchvision.io.decode_image, which warns that it is going to leave; None once it has left."""
    import torchvision.io  # noqa: F401  (registers it)

    return getattr(torch.ops.image, "decode_image", None)


def _bytes(content: bytes) -> torch.Tensor:
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


def _reason(text: str) -> str:
    """What a library says, without the place in its source."""
    first = text.partition("\n")[0].rpartition("cpp:")[2]
    return first.partition(", ")[2][:80].rstrip(". ") or first[:80] or "cannot be read"

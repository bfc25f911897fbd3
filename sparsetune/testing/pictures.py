"""Small image files for tests."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


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

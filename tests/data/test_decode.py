"""Decoding of single images, against torchvision's and Pillow's own answers."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import torch
from helpers.pictures import encoded, picture
from PIL import Image
from torchvision.transforms.v2 import functional

from sparsetune.data.images.decode import Corrupt, Unclear, decode


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize(("width", "height"), [(20, 30), (31, 17), (16, 16), (200, 90), (9, 40), (7, 7)])
def test_resizing_is_torchvisions(width: int, height: int, mode: str) -> None:
    content = encoded(picture(1, width, height, mode))
    whole = torch.from_numpy(decode(content, None))
    for side in (8, 16, 24):
        wanted = functional.center_crop(functional.resize(whole, [side], antialias=True), [side])
        np.testing.assert_array_equal(decode(content, None, side), wanted.numpy())


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF", "PPM"])
def test_pixels_of_lossless_kinds(kind: str) -> None:
    image = picture(3, mode="P" if kind == "GIF" else "RGB")
    wanted = np.asarray(image.convert("RGB")).transpose(2, 0, 1)
    np.testing.assert_array_equal(decode(encoded(image, kind), None), wanted)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_pixels_of_lossy_kinds(kind: str, mode: str) -> None:
    """Pillow is the other reader; the two may round colours differently."""
    content = encoded(picture(3, 16, 16, mode), kind)
    grey = mode == "L" and kind == "JPEG"  # WebP has no grey
    wanted = np.asarray(Image.open(BytesIO(content)).convert("L" if grey else "RGB")).reshape(16, 16, -1)
    found = decode(content, None)
    assert found.shape == ((1 if grey else 3), 16, 16)
    assert np.abs(found.astype(int) - wanted.transpose(2, 0, 1)).max() <= 3


def test_what_has_no_mode_of_its_own() -> None:
    sixteen = Image.fromarray(np.array([[0, 255, 256, 65535]], np.uint16))
    cases = {
        "16 bits of grey": encoded(sixteen),
        "CMYK": encoded(picture(1, mode="CMYK"), "JPEG"),
        "transparency": encoded(picture(1, mode="P"), transparency=0),
    }
    for described, content in cases.items():
        with pytest.raises(Unclear, match=f"^{described}$"):
            decode(content, None)
        assert decode(content, "rgb").shape[0] == 3
    assert decode(cases["16 bits of grey"], "grey").tolist() == [[[0, 255, 256, 65535]]]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
@pytest.mark.parametrize("share", [0, 0.1, 0.6])
def test_half_an_image_is_none(kind: str, share: float) -> None:
    content = encoded(picture(1, 32, 32), kind)
    with pytest.raises(Corrupt, match=r"^[^\n/]{4,80}$"):
        decode(content[: int(share * len(content))], None)

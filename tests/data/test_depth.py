"""Pixels that are not 8 bits come out as the file has them, whatever kind of file that is."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from helpers.pictures import encoded, picture, png16, tiff
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from sparsetune.data.depth import words
from sparsetune.data.images import decode as module
from sparsetune.data.images.decode import Corrupt, Unclear, decode

RANDOM = np.random.default_rng(0)
GREYS = {
    "uint16": "16 bits",
    "int16": "signed 16 bits",
    "uint32": "32 bits",
    "int32": "signed 32 bits",
    "float32": "32-bit floats",
    "int8": "signed 8 bits",
}


def some(depth: str, shape: tuple[int, ...] = (6, 7)) -> Any:
    kind = np.dtype(depth)
    if kind.kind == "f":
        return RANDOM.normal(size=shape).astype(kind)
    limits = np.iinfo(kind)
    return RANDOM.integers(limits.min, limits.max, shape, kind, endpoint=True)


def first(values: Any) -> Any:
    """Bands first, as decoded images have them."""
    return values[None] if values.ndim == 2 else np.moveaxis(values, -1, 0)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("depth", GREYS)
def test_grey_tiff(depth: str, order: Any) -> None:
    values = some(depth)
    content = tiff(values, order)
    if (depth, order) == ("uint32", ">"):  # which Pillow does not read
        with pytest.raises(Corrupt, match=r"^32 bits that cannot be read$"):
            decode(content, "grey")
        return
    found = decode(content, "grey")
    assert found.dtype == depth
    np.testing.assert_array_equal(found, values[None])
    np.testing.assert_array_equal(decode(content, "rgb"), np.stack([values] * 3))
    with pytest.raises(Unclear, match=f"^{GREYS[depth]} of grey$"):
        decode(content, None)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 65535), min_size=6, max_size=6), st.sampled_from([(2, 3), (3, 2), (6, 1), (1, 6)]))
def test_16_bits_of_grey_in_any_file(numbers: list[int], shape: tuple[int, int]) -> None:
    values = np.array(numbers, np.uint16).reshape(shape)
    height, width = shape
    files = [png16(values), tiff(values), tiff(values, ">"), encoded(Image.fromarray(values), "PNG")]
    files += [encoded(Image.fromarray(values), "TIFF", compression=each) for each in ("tiff_lzw", "tiff_adobe_deflate")]
    files.append(b"P5 %d %d 65535\n" % (width, height) + values.astype(">u2").tobytes())
    for content in files:
        found = decode(content, "grey")
        assert found.dtype == np.uint16
        np.testing.assert_array_equal(found, values[None])


@pytest.mark.parametrize("operator", [True, False])
@pytest.mark.parametrize("bands", [3, 4])
def test_16_bits_of_colours_keep_both_bytes(bands: int, operator: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not operator:
        monkeypatch.setattr(module, "_operator", lambda: None)
    values = some("uint16", (5, 4, bands))
    files = [png16(values), tiff(values), tiff(values, ">")]
    if bands == 3:
        files += [b"P6\n# a remark\n4 5\n65535\n" + values.astype(">u2").tobytes()]
        files += [b"P3 4 5 65535\n" + " ".join(map(str, values.ravel())).encode()]
    colours = first(values)[:3]
    for content in files:
        found = decode(content, "rgb")
        assert found.dtype == np.uint16
        np.testing.assert_array_equal(found, colours)
        grey = np.tensordot((0.299, 0.587, 0.114), colours, 1).round()
        np.testing.assert_array_equal(decode(content, "grey"), grey[None])
        if bands == 3:
            np.testing.assert_array_equal(decode(content, None), colours)
        else:
            with pytest.raises(Unclear, match=r"^transparency$"):
                decode(content, None)


def test_16_bits_of_grey_with_transparency() -> None:
    values = some("uint16", (5, 4, 2))
    np.testing.assert_array_equal(decode(png16(values), "grey"), first(values)[:1])
    np.testing.assert_array_equal(decode(png16(values), "rgb"), np.repeat(first(values)[:1], 3, axis=0))


UNREADABLE = {
    "64-bit floats": tiff(some("float64")),
    "16-bit floats": tiff(some("float16")),
    "64-bit numbers": tiff(some("uint64")),
    "32-bit floats": tiff(some("float32", (5, 4, 3))),
    "32 bits": tiff(some("uint32", (5, 4, 3))),
    "16 bits": tiff(some("uint16", (5, 4, 3)), planar=True),
}


@pytest.mark.parametrize("depth", UNREADABLE)
def test_what_cannot_be_read_is_named_by_its_type(depth: str) -> None:
    for mode in ("grey", "rgb"):
        with pytest.raises(Corrupt, match=f"^{depth} that cannot be read$"):
            decode(UNREADABLE[depth], mode)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_pixel_that_is_no_number_is_a_broken_file(wrong: float) -> None:
    values = some("float32")
    values[2, 3] = wrong
    with pytest.raises(Corrupt, match="NaN or infinite"):
        decode(tiff(values), "grey")


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "BMP"])
def test_8_bits_and_less_stay_bytes(mode: str, kind: str) -> None:
    try:
        content = encoded(picture(1, mode=mode), kind)
    except OSError:
        pytest.skip("no such file")
    for wanted in ("grey", "rgb"):
        assert decode(content, wanted).dtype == np.uint8  # type: ignore[arg-type]


@pytest.mark.parametrize("depth", ["uint16", "int32", "float32", "int16"])
def test_resizing_keeps_type_and_level(depth: str) -> None:
    """Of a constant image each pixel; of others nothing beyond their limits, and about their mean."""
    highest = np.float32(1e4) if depth == "float32" else np.iinfo(depth).max
    for values in (np.full((20, 31), highest, depth), np.tile(np.array([0, highest], depth), (20, 15))):
        found = decode(tiff(values), "grey", 8)
        assert (found.dtype, found.shape) == (np.dtype(depth), (1, 8, 8))
        assert 0 <= found.min() <= found.max() <= highest
        assert found.mean(dtype=np.float64) == pytest.approx(values.mean(dtype=np.float64), rel=0.02)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_images_are_turned_as_exif_says(kind: str, orientation: int) -> None:
    corners = np.zeros((16, 24, 3), np.uint8)
    corners[:8, :8], corners[:8, 16:], corners[8:, :8] = (250, 0, 0), (0, 250, 0), (0, 0, 250)
    exif = Image.Exif()
    exif[0x112] = orientation
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    content = encoded(Image.fromarray(corners), kind, exif=exif, **options)
    with Image.open(BytesIO(content)) as image:
        wanted = np.asarray(ImageOps.exif_transpose(image)).astype(int)
    found = decode(content, None)
    assert found.shape == (3, *wanted.shape[:2]) == (3, *((16, 24) if orientation < 5 else (24, 16)))
    assert np.abs(found - wanted.transpose(2, 0, 1)).max() < 30
    assert decode(content, "grey", 8).shape == (1, 8, 8)


def test_an_orientation_behind_another_segment_counts_and_a_broken_one_does_not() -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    content = encoded(picture(1, 24, 16), "JPEG", exif=exif)
    other = b"\xff\xe1" + (30).to_bytes(2, "big") + b"http://ns.adobe.com/xap/1.0/"
    for each in (content, content[:2] + other + content[2:]):
        assert decode(each, None).shape == (3, 24, 16)
    start = content.index(b"Exif\0\0") + 6
    assert decode(content[:start] + b"????" + content[start + 4 :], None).shape == (3, 16, 24)


def test_words() -> None:
    assert words(np.dtype(np.uint8)) == "8 bits"

"""The IDX reader, on bytes written by hand."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from sparsetune.base.errors import BadInput
from sparsetune.data.idx_images import read_idx

HEADER = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3])
GOOD = HEADER + bytes([1, 2, 3, 250, 251, 255])


def written(folder: Path, content: bytes, name: str = "tiny-idx2-ubyte") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_reads_the_values_last_dimension_fastest(tmp_path: Path, packed: bool) -> None:
    path = written(tmp_path, gzip.compress(GOOD), "t.gz") if packed else written(tmp_path, GOOD)
    values = read_idx(path, (2, 3))
    assert values.tolist() == [[1, 2, 3], [250, 251, 255]]
    assert values.dtype == np.uint8


def test_lengths_are_big_endian(tmp_path: Path) -> None:
    path = written(tmp_path, bytes([0, 0, 8, 1, 0, 0, 1, 2]) + bytes(258))
    assert read_idx(path, (258,)).shape == (258,)


WRONG = {
    "empty": (b"", "cut off: found 0 bytes, wanted 18"),
    "cut in the header": (GOOD[:7], "cut off: found 7 bytes, wanted 18"),
    "cut in the values": (GOOD[:-1], "cut off: found 17 bytes, wanted 18"),
    "too long": (GOOD + b"\0", "too long: found more than the wanted 18 bytes"),
    "of floats": (b"\0\0\x0d\2" + GOOD[4:], "found magic number 0x00000d02, wanted 0x00000802"),
    "of one dimension": (b"\0\0\x08\1" + GOOD[4:], "found magic number 0x00000801, wanted 0x00000802"),
    "packed without .gz": (gzip.compress(GOOD), "found magic number 0x1f8b0800, wanted 0x00000802"),
    "of another shape": (GOOD[:7] + b"\4" + GOOD[8:], "found 4 x 3 values, wanted 2 x 3"),
    "of a huge shape": (HEADER[:4] + b"\xff" * 8, "found 4,294,967,295 x 4,294,967,295 values, wanted 2 x 3"),
}
PACKED = gzip.compress(GOOD)
WRONG_PACKED = {
    "not gzip": (GOOD, "found broken gzip data (Not a gzipped file (b'\\x00\\x00')), wanted 18 bytes unpacked"),
    "cut": (PACKED[:-9], "cut off: its gzip data end early, wanted 18 bytes unpacked"),
    "wrong checksum": (PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], "CRC check failed"),
    "broken inside": (PACKED[:10] + b"\xff" * 8 + PACKED[18:], "found broken gzip data"),
    "more behind": (gzip.compress(GOOD + b"\0"), "too long: found more than the wanted 18 bytes"),
    "cut before packing": (gzip.compress(GOOD[:-1]), "cut off: found 17 bytes, wanted 18"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_file_is_named_with_found_and_wanted(tmp_path: Path, what: str) -> None:
    content, message = WRONG[what]
    path = written(tmp_path, content)
    refused(path, message)


@pytest.mark.parametrize("what", WRONG_PACKED)
def test_a_wrong_gzip_file_is_named(tmp_path: Path, what: str) -> None:
    content, message = WRONG_PACKED[what]
    refused(written(tmp_path, content, "tiny.gz"), message)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    refused(tmp_path, "cannot be read: Is a directory")


def refused(path: Path, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_idx(path, (2, 3))
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert message in line
    assert "\n" not in line

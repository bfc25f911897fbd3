"""IDX files of unsigned bytes, the format of MNIST.

A file is: two zero bytes, the type of its values (8: unsigned byte), the number of dimensions, the length of each
dimension (32 bits, big-endian), and the values, last dimension fastest.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from sparsetune.base.errors import BadInput

UNSIGNED_BYTE = 8


def read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The values of a file that must have this shape; a name that ends in .gz is unpacked.

    Raises:
        BadInput: names the file: not readable, not gzip, of another type or shape, cut off, too long.
    """
    header = struct.pack(f">HBB{len(shape)}I", 0, UNSIGNED_BYTE, len(shape), *shape)
    wanted = len(header) + math.prod(shape)
    try:
        with _opened(path) as stream:
            content = stream.read(wanted + 1)  # one more, to see the end (and have gzip verify its checksum)
    except EOFError:
        raise BadInput(f"cut off: its gzip data end early, wanted {wanted:,} bytes unpacked", source=path) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise BadInput(f"found broken gzip data ({error}), wanted {wanted:,} bytes unpacked", source=path) from None
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", source=path) from None
    found = content[: len(header)]
    if len(found) >= 4 and found[:4] != header[:4]:
        raise BadInput(
            f"not the IDX file it should be: found magic number {_hex(found)}, wanted {_hex(header)}", source=path
        )
    if len(found) == len(header) and found != header:
        lengths = struct.unpack_from(f">{len(shape)}I", found, 4)
        raise BadInput(f"found {_times(lengths)} values, wanted {_times(shape)}", source=path)
    if len(content) < wanted:
        raise BadInput(f"cut off: found {len(content):,} bytes, wanted {wanted:,}", source=path)
    if len(content) > wanted:
        raise BadInput(f"too long: found more than the wanted {wanted:,} bytes", source=path)
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def _opened(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def _hex(header: bytes) -> str:
    return f"0x{header[:4].hex()}"


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(f"{length:,}" for length in shape)

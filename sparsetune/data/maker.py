"""Writes the files of what is new in the store."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sparsetune.data.pools import Array

FORMAT = 2  # a change of what is stored makes what was stored before unknown
META = "meta.json"
_BLOCK = 1 << 24  # bytes


class Maker:
    """Collects arrays that belong together."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._contents: dict[str, str] = {}
        self._beside: set[str] = set()
        self._mapped: dict[str, Array] = {}

    def rows(self, name: str, shape: tuple[int, ...], dtype: Any, expected: int = 0) -> RowWriter:
        """An array that is written row after row, ``shape`` each; close it in any case.

        Args:
            expected: how many rows there may be; room for them is taken at once, so that a full disk is known first.
        """
        return RowWriter(self, name, self._folder / f"{name}.npy", shape, np.dtype(dtype), expected)

    def empty(self, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
        """An array that is to be filled in any order."""
        dtype, path = np.dtype(dtype), self._folder / f"{name}.npy"
        header = _header(shape, dtype)
        with path.open("wb") as file:
            file.write(header)
            _take_room(file, len(header) + _nbytes(shape, dtype))
        self._mapped[name] = np.load(path, mmap_mode="r+", allow_pickle=False)
        return self._mapped[name]

    def put(self, name: str, values: Array, *, beside: bool = False) -> None:
        """An array as it is; ``beside``: it follows from the others, and the digest of all does not name it."""
        if beside:
            self._beside.add(name)
        rows = self.rows(name, values.shape[1:], values.dtype, len(values))
        with closing(rows):
            step = max(1, _BLOCK // max(1, values[:1].nbytes))
            for start in range(0, len(values), step):
                rows.append(values[start : start + step])
            rows.complete()

    def lines(self, name: str, lines: Iterable[str]) -> None:
        """A text for people."""
        text = "".join(f"{line}\n" for line in lines)
        (self._folder / name).write_text(text, errors="backslashreplace")

    def written(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], values: Any) -> None:
        """An array is complete; ``values`` is the SHA-256 of its bytes."""
        self._contents[name] = f"{dtype.str} {shape} {values.hexdigest()}"

    def finish(self, meta: Mapping[str, Any]) -> None:
        """Bring all to the disk, the description last."""
        for name, mapped in self._mapped.items():
            with (self._folder / f"{name}.npy").open("rb") as file:
                os.fsync(file.fileno())
            self.written(name, mapped.shape, mapped.dtype, hashlib.sha256(mapped.data))
        sizes = {name: (self._folder / f"{name}.npy").stat().st_size for name in self._contents}
        lines = "\n".join(
            f"{name} {content}" for name, content in sorted(self._contents.items()) if name not in self._beside
        )
        digest = hashlib.sha256(lines.encode()).hexdigest()
        with (self._folder / META).open("w") as file:
            json.dump({**meta, "format": FORMAT, "bytes": sizes, "digest": digest}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())


class RowWriter:
    """One array file that grows; its header is written last."""

    def __init__(
        self, maker: Maker, name: str, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], expected: int
    ) -> None:
        self._maker, self._name, self._shape, self._dtype = maker, name, shape, dtype
        self._count = 0
        self._digest = hashlib.sha256()
        self._start = len(_header((expected, *shape), dtype))
        self._file = path.open("wb")
        self._file.seek(self._start)
        try:
            _take_room(self._file, self._start + _nbytes((expected, *shape), dtype))
        except OSError:
            self._file.close()
            raise

    def append(self, values: Array) -> None:
        """Rows (n, *shape)."""
        assert values.shape[1:] == self._shape
        assert values.dtype == self._dtype
        data = np.ascontiguousarray(values).reshape(-1).view(np.uint8).data
        self._file.write(data)
        self._digest.update(data)
        self._count += len(values)

    def complete(self) -> None:
        """No row follows."""
        shape = (self._count, *self._shape)
        header = _header(shape, self._dtype)
        assert len(header) == self._start
        with self._file:
            self._file.truncate(self._file.tell())
            self._file.seek(0)
            self._file.write(header)
            self._file.flush()
            os.fsync(self._file.fileno())
        self._maker.written(self._name, shape, self._dtype, self._digest)

    def close(self) -> None:
        """Something went wrong: the file is of no use."""
        self._file.close()


def _take_room(file: BinaryIO, nbytes: int) -> None:
    """On the disk, at once: one that is full is an error now, not a signal when a mapped file is written."""
    file.flush()
    os.posix_fallocate(file.fileno(), 0, nbytes)


def _nbytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    return math.prod(shape) * dtype.itemsize


def _header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """Of a .npy file; NumPy leaves room in it for a first length of any size."""
    buffer = io.BytesIO()
    described = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, described)
    return buffer.getvalue()

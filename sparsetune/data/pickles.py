"""Pickle files of plain values and byte arrays, read without running anything that they name.

The three names of NumPy that such files need stand here for an object that only remembers its arguments; any
other name is refused.
"""

from __future__ import annotations

import io
import math
import pickle
from typing import Any

import numpy as np

from sparsetune.base.errors import BadInput
from sparsetune.data.pools import Array

_RECONSTRUCT = "numpy.core.multiarray._reconstruct"
_ALLOWED = {_RECONSTRUCT, "numpy.ndarray", "numpy.dtype"}


def unpickled(content: bytes, source: object) -> Any:
    """What a pickle of Python 2 holds: text and bytes are both bytes, arrays wait for :func:`byte_array`.

    Raises:
        BadInput: names ``source``: a broken pickle, or one that names functions or classes.
    """
    try:
        return _Reader(io.BytesIO(content), encoding="bytes", fix_imports=False).load()
    except _Named as error:
        raise BadInput(
            found=f"{error} in a pickle", allowed="lists, numbers, text and arrays", source=source, code="damaged"
        ) from None
    except Exception as error:  # a broken pickle raises anything
        raise BadInput(
            f"found a broken pickle ({error or type(error).__name__})", source=source, code="damaged"
        ) from None


def byte_array(value: Any, shape: tuple[int, ...]) -> Array | None:
    """The array of unsigned bytes of that shape that a pickle held; None if it is none."""
    match value:
        case _Inert(of=_Inert(of=name), state=(_, stored, _Inert(args=(b"u1", *_)), fortran, bytes(data))) if (
            name == _RECONSTRUCT and stored == shape and len(data) == math.prod(shape)
        ):
            return np.frombuffer(data, np.uint8).reshape(shape, order="F" if fortran else "C")
    return None


class _Named(pickle.UnpicklingError):
    """The name of something that a pickle wants to have."""


class _Inert:
    """Stands for what a pickle names or calls; does nothing."""

    __slots__ = ("args", "of", "state")

    def __init__(self, of: object, args: tuple[Any, ...] = ()) -> None:
        self.of, self.args = of, args
        self.state: Any = None

    def __call__(self, *args: Any) -> _Inert:
        return _Inert(self, args)

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (named := f"{module}.{name}") not in _ALLOWED:
            raise _Named(named)
        return _Inert(named)

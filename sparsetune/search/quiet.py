"""Warnings of Optuna and numpy that the user of a study can do nothing about."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """No Python warnings inside: Optuna's of what is experimental or deprecated, numpy's of curves of NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield

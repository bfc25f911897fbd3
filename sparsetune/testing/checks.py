"""Which functions of a module are the checks of a conformance suite."""

from __future__ import annotations

from collections.abc import Mapping
from types import FunctionType
from typing import Any


def checks_in(names: Mapping[str, Any]) -> list[Any]:
    """The public functions that a module has defined so far, in their order; ``names`` are its ``globals()``."""
    defined = [each for each in names.values() if isinstance(each, FunctionType)]
    return [each for each in defined if each.__module__ == names["__name__"] and not each.__name__.startswith("_")]

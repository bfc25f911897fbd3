"""Digests by which stages, their starts and their ends are told apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import MethodType
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel

_PACKAGE = "sparsetune"


def digest(*values: Any) -> str:
    """32 letters that are the same for equal values: 1 and 1.0 are equal, a tuple and a list, NumPy's numbers too."""
    return hashlib.sha256(_said(values).encode()).hexdigest()[:32]


def digest_of_state(state: Any) -> str:
    """The same of nested mappings and lists of tensors and plain values, by their content."""
    sha = hashlib.sha256()
    _add(sha, state)
    return sha.hexdigest()[:32]


def _said(value: Any) -> str:
    if isinstance(value, bool | np.bool_) or value is None or isinstance(value, str):
        return repr(bool(value) if isinstance(value, np.bool_) else value)
    if isinstance(value, int | float | np.number):
        number = value.item() if isinstance(value, np.number) else value
        return repr(int(number)) if isinstance(number, int) or number.is_integer() else repr(number)
    if isinstance(value, BaseModel):
        return f"{_name(type(value))}{_said(vars(value))}"
    if is_dataclass(value) and not isinstance(value, type):
        return f"{_name(type(value))}{_said({each.name: getattr(value, each.name) for each in fields(value)})}"
    if isinstance(value, Mapping):
        return f"{{{','.join(sorted(f'{_said(key)}:{_said(each)}' for key, each in value.items()))}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_said, value))}]"
    if isinstance(value, set | frozenset):
        return f"<{','.join(sorted(map(_said, value)))}>"
    if isinstance(value, type) or callable(value):
        if getattr(value, "__closure__", None) or isinstance(value, MethodType):
            raise TypeError(f"{value!r} holds values, and has no name that tells it from others")
        return _name(value)
    raise TypeError(f"a value of type {_name(type(value))} tells no stages apart; allowed: numbers, text, dataclasses")


def _name(named: Any) -> str:
    if not hasattr(named, "__qualname__") or "<" in named.__qualname__.replace("<locals>", ""):
        raise TypeError(f"{named!r} has no name that tells it from others")
    ours = named.__module__.partition(".")[0] == _PACKAGE  # whose modules may move while a training is interrupted
    return named.__qualname__ if ours else f"{named.__module__}.{named.__qualname__}"


def _add(sha: Any, state: Any) -> None:
    if isinstance(state, torch.Tensor):
        sha.update(f"{state.dtype}{tuple(state.shape)}".encode())
        sha.update(state.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    elif isinstance(state, Mapping):
        sha.update(f"{{{len(state)}".encode())
        for key, value in sorted(state.items(), key=lambda item: repr(item[0])):
            sha.update(f"{key!r}:".encode())
            _add(sha, value)
    elif isinstance(state, list | tuple):
        sha.update(f"[{len(state)}".encode())
        for value in state:
            _add(sha, value)
    else:
        sha.update(f"{_said(state)};".encode())

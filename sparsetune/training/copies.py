"""Copies of nested states."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def cloned(state: Any) -> Any:
    """The same state in memory of its own."""
    if isinstance(state, Tensor):
        return state.detach().clone()
    if isinstance(state, dict):
        return {key: cloned(value) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(map(cloned, state))
    return state

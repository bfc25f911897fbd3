"""What the tests of measurements share."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers.threads import one_thread
from torch import Tensor
from torch.overrides import TorchFunctionMode

__all__ = ["one_thread"]

WAITS = (Tensor.tolist, Tensor.item, Tensor.__bool__, Tensor.__float__, Tensor.__int__, Tensor.cpu, Tensor.numpy,
         Tensor.nonzero, torch.nonzero, torch.bincount, torch.equal)  # fmt: skip


class _Waits(TorchFunctionMode):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in WAITS:
            self.seen.append(func)
        return func(*args, **(kwargs or {}))


@pytest.fixture
def waits() -> Callable[[Callable[[], object]], int]:
    """How often a function waits for the device."""

    def count(function: Callable[[], object]) -> int:
        with _Waits() as mode:
            function()
        return len(mode.seen)

    return count

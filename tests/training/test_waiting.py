"""On a GPU a step that asks for a value waits for all that was queued: an epoch asks at its end only."""

from collections import Counter
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

from sparsetune.testing.trained import trial_config
from sparsetune.training.trainer import Trainer

WAITING = {
    "item", "tolist", "numpy", "cpu", "to", "__bool__", "__int__", "__float__", "__index__", "__contains__", "nonzero",
    "argwhere", "is_nonzero", "equal", "allclose", "unique", "masked_select", "bincount", "repeat_interleave",
}  # fmt: skip


class Watch(TorchFunctionMode):
    """Counts the calls that would wait for a GPU."""

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        masked = name in {"__getitem__", "__setitem__"} and getattr(args[1], "dtype", None) == torch.bool
        if name in WAITING or masked:
            self.found[name] += 1
        return func(*args, **(kwargs or {}))


def waits(batch_size: int, method: str = "dense", **training: Any) -> Counter[str]:
    """Of a trainer's second epoch."""
    trainer = Trainer(trial_config(method, epochs=3, batch_size=batch_size, **training))
    next(trainer)
    with Watch() as watch:
        next(trainer)
    return watch.found


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("batch_size", [64, 1000])
def test_a_dense_epoch_waits_twice(batch_size: int, optimizer: str) -> None:
    """For the numbers of training and of validation, however many steps it has."""
    assert waits(batch_size, optimizer=optimizer) == {"tolist": 2}


def test_the_watch_sees_what_waits() -> None:
    """AST has to know how many samples are active, in each of 17 steps."""
    assert waits(64, "ast")["nonzero"] == 17

"""Training and evaluation mode, which change with every evaluation."""

from __future__ import annotations

from torch import nn

_TRAIN, _EVAL, _SET = nn.Module.train, nn.Module.eval, nn.Module.__setattr__


def set_mode(module: nn.Module, *, training: bool) -> None:
    """As ``module.train()`` or ``module.eval()``, which take as long as a layer of a small network.

    A class that has a way of its own of changing its mode, or of setting attributes, keeps it.
    """
    kind = type(module)
    if kind.train is not _TRAIN or kind.eval is not _EVAL or kind.__setattr__ is not _SET:
        module.train() if training else module.eval()
        return
    vars(module)["training"] = training
    for child in module._modules.values():
        if child is not None:
            set_mode(child, training=training)

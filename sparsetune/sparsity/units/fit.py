"""Units go: tensors are cut, and the numbers that modules keep of their shapes follow."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from sparsetune.sparsity.units.removal import Removal


@torch.no_grad()
def remove(network: nn.Module, removal: Removal) -> None:
    """Remove it in place. Gradients of tensors that get smaller go."""
    tensors: dict[str, Tensor] = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    for name, shift in removal.shifts.items():
        tensors[name].add_(shift)
    for cut in removal.cuts:
        tensor = tensors[cut.name]
        tensor.grad = None
        tensor.data = selected(tensor.data, cut.dim, cut.kept)
    fit(network)


def selected(tensor: Tensor, dim: int, kept: Tensor) -> Tensor:
    """Slices in the order in which the whole lies in memory: channels last, or not."""
    last = tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
    order = torch.channels_last if last and not tensor.is_contiguous() else torch.contiguous_format
    return tensor.index_select(dim, kept).contiguous(memory_format=order)


def fit(network: nn.Module) -> None:
    """Bring what linear layers, convolutions and BatchNorm say of their widths in line with their tensors' shapes."""
    for module in network.modules():
        if isinstance(module, nn.Linear):
            module.out_features, module.in_features = module.weight.shape
        elif isinstance(module, _ConvNd) and not module.transposed:
            module.out_channels, module.in_channels = len(module.weight), module.weight.shape[1] * module.groups
        elif isinstance(module, _BatchNorm):
            tensor = module.weight if module.running_mean is None else module.running_mean
            module.num_features = module.num_features if tensor is None else len(tensor)

"""Networks without biases and scales: nothing moves but the weights, and models of every kind still run."""

import pytest
import torch
from torch import nn

from sparsetune.models import MODELS
from sparsetune.sparsity.edge_popup import make_bare

SHAPES = {"vit_b_16": (3, 224, 224), "convnext_base": (3, 64, 64), "alexnet": (3, 64, 64), "densenet121": (3, 32, 32)}
NARROW = {"vit_b_16": 1 / 64, "convnext_base": 1 / 16, "vgg16": 1 / 16, "densenet121": 1 / 4, "alexnet": 1 / 16}


@pytest.mark.parametrize("name", MODELS.names())
def test_every_model_can_be_bare(name: str) -> None:
    model = MODELS.get(name)
    shape = SHAPES.get(name, (1, 28, 28))
    network = model.build(model.Config(width_scale=NARROW.get(name, 0.25)), shape, 10)
    weights = model.prunable(network)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    make_bare(network, weights)
    assert model.prunable(network) == weights
    left = dict(network.named_parameters())
    assert set(weights) == {key for key, value in left.items() if value.requires_grad}
    assert not any(key.endswith("bias") for key in left)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    network.train()(torch.randn(2, *shape)).sum().backward()
    assert all(left[key].grad is not None for key in weights)


def test_norms_have_statistics_only() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.GroupNorm(2, 4))
    make_bare(network, ["0.weight"])
    assert list(network.state_dict()) == ["0.weight", "1.running_mean", "1.running_var", "1.num_batches_tracked"]
    values = torch.randn(64, 4, 5, 5)
    normed = network[1](values)
    torch.testing.assert_close(normed.mean((0, 2, 3)), torch.zeros(4), rtol=0, atol=1e-5)
    torch.testing.assert_close(normed.var((0, 2, 3)), torch.ones(4), rtol=0, atol=1e-2)
    assert "affine=False" in repr(network[1])

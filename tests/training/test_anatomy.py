"""What is known of a network before it trains."""

import pytest
import torch
from torch import nn

from sparsetune.config.base import Part
from sparsetune.models.lenet5 import Lenet5, Lenet5Config
from sparsetune.models.mlp import Mlp, MlpConfig
from sparsetune.testing.trained import same_state
from sparsetune.training.build import anatomy

NOISY = MlpConfig(hidden=(9, 5), batch_norm=True, dropout=0.5)


@pytest.mark.parametrize(
    ("network", "shape", "expected"),
    [
        (Mlp.build(MlpConfig(), (1, 28, 28), 10), (1, 28, 28), 784),  # the input
        (Mlp.build(MlpConfig(hidden=(900,)), (1, 28, 28), 10), (1, 28, 28), 900),
        (Mlp.build(MlpConfig(hidden=()), (5,), 30).double(), (5,), 30),  # the output
        (Lenet5.build(Lenet5Config(), (1, 28, 28), 10), (1, 28, 28), 6 * 28 * 28),
    ],
    ids=["mlp", "wide mlp", "linear", "lenet5"],
)
def test_the_widest_tensor_by_hand(network: nn.Module, shape: tuple[int, ...], expected: int) -> None:
    assert anatomy(network, Part(name="any"), shape).widest() == expected


@pytest.mark.parametrize(
    ("site", "samples", "expected"),
    [
        ("relu4", 20, 6 * 28 * 28),  # 20 x 84 numbers are less than the first convolution gives
        ("relu4", 100, 100 * 84),
        ("flatten", 20, 20 * 400),
        ("pool1", 20, 20 * 16 * 10 * 10),  # what the second convolution gives
        (None, 20, 6 * 28 * 28),
    ],
)
def test_monte_carlo_samples_widen_only_what_repeats(site: str | None, samples: int, expected: int) -> None:
    network = Lenet5.build(Lenet5Config(), (1, 28, 28), 10)
    assert anatomy(network, Lenet5Config(), (1, 28, 28)).widest(site, samples) == expected


def test_equal_networks_are_examined_once() -> None:
    """Equal in shape: the weights differ."""
    first, second = (Mlp.build(NOISY, (7,), 4) for _ in range(2))
    assert anatomy(first, NOISY, (7,)) is anatomy(second, NOISY, (7,))


def frozen(network: nn.Sequential) -> nn.Module:
    network[-1].requires_grad_(False)
    return network


def narrowed(network: nn.Sequential) -> nn.Module:
    """As a method that deletes neurons would leave it."""
    network[-1] = nn.Linear(5, 2)
    return network


@pytest.mark.parametrize("change", [frozen, narrowed])
def test_a_network_that_a_method_has_changed_is_another(change) -> None:
    plain = anatomy(Mlp.build(NOISY, (7,), 4), NOISY, (7,))
    assert anatomy(change(Mlp.build(NOISY, (7,), 4)), NOISY, (7,)).flops.training < plain.flops.training


def test_another_model_is_another() -> None:
    """Its config says what the modules may not show."""
    network = nn.Sequential(nn.Linear(7, 4))
    assert anatomy(network, Part(name="a"), (7,)) is not anatomy(network, Part(name="b"), (7,))


def test_examining_changes_nothing() -> None:
    """Whether or not the shape is known already: the random numbers that follow are the same."""
    network = Mlp.build(NOISY, (7,), 6)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    random = torch.get_rng_state()
    anatomy(network, NOISY, (7,))
    assert torch.equal(torch.get_rng_state(), random)
    assert same_state(dict(network.state_dict()), state)
    assert network.training
    assert not any(module._forward_hooks for module in network.modules())
    assert all(parameter.grad is None for parameter in network.parameters())

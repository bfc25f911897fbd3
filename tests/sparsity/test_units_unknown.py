"""What cannot be followed stays, and a network that is looked at stays as it is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from sparsetune.sparsity.dropout import MonteCarloDropout
from sparsetune.sparsity.units.removal import removal
from sparsetune.sparsity.units.trace import Untraceable
from tests.sparsity.pruned import pruned, without

IMAGES = torch.randn(4, 2, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
Between = Callable[[Tensor], Tensor]


class Net(nn.Module):
    """A convolution to four channels of 4x4, of which the first is constant and the second is not read; what a function
    makes of them; a linear layer.
    """

    def __init__(self, between: Between, inputs: int = 64) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.linear = nn.Conv2d(2, 4, 3), nn.Linear(inputs, 2)
        self.between = between
        self.double()
        nn.init.zeros_(self.conv.weight[0])
        width = inputs // 4
        nn.init.zeros_(self.linear.weight[:, width : 2 * width])

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.linear(self.between(self.conv(inputs)))
        return outputs


FOLLOWED: dict[str, tuple[Between, int]] = {
    "flatten": (lambda x: x.flatten(1), 64),
    "a view of any width": (lambda x: x.view(x.shape[0], -1), 64),
    "reshaped": (lambda x: x.relu().reshape(len(x), -1, 4).flatten(1), 64),
    "in place": (lambda x: x.relu_().flatten(1), 64),
    "in place twice": (lambda x: x.relu_().neg_().flatten(1), 64),
    "in place behind dropout": (lambda x: nn.functional.dropout(x, training=False).relu_().flatten(1), 64),
    "means": (lambda x: x.mean((2, 3)), 4),
    "means that keep sides": (lambda x: x.mean([-1, -2], keepdim=True).flatten(1), 4),
    "sums": (lambda x: x.sum(3).sum(2), 4),
    "maxima": (lambda x: x.amax((2, 3)), 4),
    "some pixels": (lambda x: x[:, :, ::2, 1:3].flatten(1), 16),
    "one pixel": (lambda x: x[:, :, 0, 0], 4),
    "all channels": (lambda x: x[:, -4:].flatten(1), 64),
    "turned": (lambda x: x.permute(0, 2, 3, 1).permute(0, 3, 1, 2).transpose(2, 3).contiguous().flatten(1), 64),
    "sides of 1": (lambda x: x.mean((2, 3), keepdim=True).squeeze(3).squeeze(2).unsqueeze(2).squeeze(-1), 4),
    "halves of pixels": (lambda x: torch.cat(x.chunk(2, dim=2), 2).flatten(1), 64),
    "numbers": (lambda x: (1 - 2 * x / 3 + x).flatten(1), 64),
    "numbers of other kinds": (lambda x: x.to(torch.float64).double().flatten(1), 64),
}


@torch.no_grad()
def without_gradient(x: Tensor) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16, enabled=False):
        y = x.relu()
    return y.flatten(1)


FOLLOWED["in contexts"] = without_gradient, 64
PINNED: dict[str, tuple[Between, int]] = {
    "a view of one width": (lambda x: x.view(-1, 64), 64),
    "a shape in numbers": (lambda x: x.reshape(len(x), 4, -1).flatten(1), 64),
    "softmax over channels": (lambda x: x.softmax(1).flatten(1), 64),
    "layer norm": (lambda x: nn.functional.layer_norm(x, x.shape[1:]).flatten(1), 64),
    "a group norm": (lambda x: nn.functional.group_norm(x, 2).flatten(1), 64),
    "a mean of channels": (lambda x: (x - x.mean(1, keepdim=True)).flatten(1), 64),
    "some channels": (lambda x: torch.cat([x[:, :2], x[:, 2:]], 1).flatten(1), 64),
    "halves of channels": (lambda x: torch.cat(x.chunk(2, 1), 1).flatten(1), 64),
    "channels one by one": (lambda x: torch.stack(x.unbind(1), 1).flatten(1), 64),
    "single channels": (lambda x: torch.stack([x[:, 0], x[:, 1], x[:, 2], x[:, 3]], 1).flatten(1), 64),
    "a norm of batches": (lambda x: nn.functional.batch_norm(x, None, None, training=True).flatten(1), 64),
    "sorted": (lambda x: x.sort(1).values.flatten(1), 64),
    "turned channels": (lambda x: x.roll(1, 1).flatten(1), 64),
    "sides of 1 without names": (lambda x: x.mean((2, 3), keepdim=True).squeeze(), 4),
    "clamped by channel": (lambda x: x.clamp(max=x.new_tensor([1.0, 2, 3, 4])[:, None, None]).flatten(1), 64),
    "dropout that is on": (lambda x: nn.functional.dropout(x, training=True).flatten(1), 64),
}


@pytest.mark.parametrize(("between", "inputs"), FOLLOWED.values(), ids=FOLLOWED)
def test_what_is_followed(between: Between, inputs: int) -> None:
    _, told = without(Net(between, inputs), IMAGES)
    assert (told.units, told.removed, told.stuck) == (4, 2, 0)


@pytest.mark.parametrize(("between", "inputs"), PINNED.values(), ids=PINNED)
def test_what_stays(between: Between, inputs: int) -> None:
    told = removal(Net(between, inputs), IMAGES[:2])
    assert (told.units, told.removed, told.stuck, told.shifts) == (4, 0, 0, {})


def test_a_layer_that_is_used_twice_stays() -> None:
    torch.manual_seed(0)
    shared = nn.Linear(4, 4)
    network = nn.Sequential(nn.Linear(3, 4), shared, nn.ReLU(), shared, nn.Linear(4, 2)).double()
    nn.init.zeros_(network.get_parameter("0.weight")[0])
    nn.init.zeros_(shared.weight[1])
    told = removal(network, torch.zeros(1, 3, dtype=torch.float64))
    assert (told.units, told.removed, told.cuts) == (4, 0, ())


def test_a_layer_that_is_called_twice_stays() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, inputs: Tensor) -> Tensor:
            outputs: Tensor = self.layer(self.layer(inputs).relu())
            return outputs

    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), Twice(), nn.Linear(4, 2)).double()
    nn.init.zeros_(network.get_parameter("0.weight")[0])
    nn.init.zeros_(network.get_parameter("1.layer.weight")[1])
    told = removal(network, torch.zeros(1, 3, dtype=torch.float64))
    assert (told.units, told.removed, told.cuts) == (4, 0, ())


def test_a_weight_of_two_layers_stays() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)).double()
    network[2].weight = network[1].weight
    nn.init.zeros_(network[1].weight[:, 0])
    assert removal(network, torch.zeros(1, 4, dtype=torch.float64)).cuts == ()


def test_a_layer_with_two_names_stays() -> None:
    """Whoever keeps something by a tensor's name has it by one of them."""
    network = Net(lambda x: x.flatten(1))
    network.first = network.conv
    told = removal(network, IMAGES[:1])
    assert (told.units, told.removed) == (0, 0)


def test_a_weight_that_is_computed_stays() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 4), weight_norm(nn.Linear(4, 4)), nn.Linear(4, 4), nn.Linear(4, 2)).double()
    nn.init.zeros_(network.get_parameter("0.weight")[0])
    nn.init.zeros_(network.get_parameter("2.weight")[:, 0])
    nn.init.zeros_(network.get_parameter("3.weight")[:, 0])
    _, told = without(network, torch.randn(5, 4, dtype=torch.float64))
    assert [(cut.name, cut.dim) for cut in told.cuts] == [("2.weight", 0), ("2.bias", 0), ("3.weight", 1)]


def test_groups_and_attention_stay() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 4, 1), nn.Conv2d(4, 4, 3, groups=2), nn.Conv2d(4, 2, 1)).double()
    for number in (0, 1):
        nn.init.zeros_(network.get_parameter(f"{number}.weight")[0])
    assert removal(network, IMAGES[:1]).cuts == ()
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).double().eval()
    nn.init.zeros_(layer.linear1.weight[0])
    _, told = without(nn.Sequential(nn.Linear(3, 4), layer).double(), torch.randn(5, 6, 3, dtype=torch.float64))
    assert [(cut.name, cut.dim) for cut in told.cuts] == [
        ("1.linear1.weight", 0),
        ("1.linear1.bias", 0),
        ("1.linear2.weight", 1),
    ]


def test_hooks_are_part_of_what_a_network_does() -> None:
    network = Net(lambda x: x.flatten(1))
    network.conv.register_forward_hook(lambda module, inputs, output: output.flip(1))
    assert removal(network, IMAGES[:1]).cuts == ()
    network = Net(lambda x: x.flatten(1))
    MonteCarloDropout(network, ["conv"], 0.5, 3, 0, "classification")
    assert without(network, IMAGES)[1].removed == 2


def by_value(x: Tensor) -> Tensor:
    return x.flatten(1) if x.sum() > 0 else -x.flatten(1)


def overwritten(x: Tensor) -> Tensor:
    flat = x.flatten(1)
    x.relu_()
    return flat


def overwritten_twice(x: Tensor) -> Tensor:
    """What the first gives is the same memory, and what is read before the second."""
    flat = x.relu_().flatten(1)
    x.neg_()
    return flat


def seen_by_another(x: Tensor) -> Tensor:
    x[:, :, 0].relu_()
    return x.flatten(1)


def set_to_zero(x: Tensor) -> Tensor:
    x[:, 0] = 0
    return x.flatten(1)


@pytest.mark.parametrize(
    ("between", "reason"),
    [
        (by_value, "Net cannot be followed: Could not guard on data-dependent expression"),
        (overwritten, "Net changes values in place: aten.relu_.default"),
        (overwritten_twice, "Net changes values in place: aten.neg_.default"),
        (seen_by_another, "Net changes values in place: aten.relu_.default"),
        (set_to_zero, "Net changes values in place: aten.fill_.Scalar"),
    ],
)
def test_what_cannot_be_followed_says_why(between: Between, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    network = Net(between)
    with pytest.raises(Untraceable) as raised:
        removal(network, IMAGES[:1])
    assert str(raised.value).startswith(reason)
    assert "\n" not in str(raised.value)
    assert network.training
    assert capsys.readouterr() == ("", "")


def test_a_network_that_is_looked_at_stays_as_it_is() -> None:
    layers: list[nn.Module] = [nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout2d()]
    network = pruned(nn.Sequential(*layers, nn.Flatten(), nn.Linear(64, 2)), seed=0)
    network[1].eval()
    network[5].weight.requires_grad_(False)
    network(IMAGES).sum().backward()
    before, gradients = copy.deepcopy(network), [copy.deepcopy(each.grad) for each in network.parameters()]
    random = torch.get_rng_state()
    example = IMAGES[:2].clone()
    assert removal(network, example).removed > 0
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.equal(example, IMAGES[:2])
    assert [module.training for module in network.modules()] == [module.training for module in before.modules()]
    for (name, tensor), (_, was) in zip(network.state_dict().items(), before.state_dict().items(), strict=True):
        assert torch.equal(tensor, was), name
    assert [each.requires_grad for each in network.parameters()] == [each.requires_grad for each in before.parameters()]
    for parameter, gradient in zip(network.parameters(), gradients, strict=True):
        assert (parameter.grad is None) == (gradient is None)
        assert gradient is None or torch.equal(parameter.grad, gradient)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_numbers_of_other_kinds(dtype: Any) -> None:
    network = Net(lambda x: x.relu().flatten(1)).to(dtype)
    told = removal(network, IMAGES[:1].to(dtype))
    assert told.removed == 2
    assert {name: shift.dtype for name, shift in told.shifts.items()} == {"linear.bias": dtype}

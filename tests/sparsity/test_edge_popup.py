"""Edge-popup against a second implementation: masks by sorting, autograd with a straight-through function."""

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, linear

from sparsetune.sparsity.edge_popup import EdgePopup

SIZES = (7, 9, 5, 3)
N = 7 * 9 + 9 * 5 + 5 * 3


class Straight(torch.autograd.Function):
    """1 where |score| times a factor is above the threshold; the gradient passes to |score| as it comes."""

    @staticmethod
    def forward(ctx: Any, magnitudes: Tensor, factor: float, threshold: float) -> Tensor:
        return (magnitudes * factor > threshold).to(magnitudes)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return gradients[0], None, None


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for given, units in pairwise(SIZES):
        layers += [nn.Linear(given, units, bias=False), nn.ReLU()]
    return nn.Sequential(*layers[:-1]).double()


def edges_of(net: nn.Module, sparsity: float = 0.5, **options: Any) -> EdgePopup:
    options = {"by_layer": False, "by_fan_in": False, **options}
    return EdgePopup(dict(net.named_parameters()), sparsity, generator=torch.Generator().manual_seed(1), **options)


def masks(scores: list[Tensor], sparsity: float, *, by_layer: bool, by_fan_in: bool) -> list[Tensor]:
    """Of each layer, by sorting."""
    factors = [math.sqrt(score.shape[1]) if by_fan_in else 1.0 for score in scores]
    ranked = [(score.detach().abs() * factor).flatten() for score, factor in zip(scores, factors, strict=True)]
    pools = ranked if by_layer else [torch.cat(ranked)] * len(scores)
    found = []
    for score, factor, pool in zip(scores, factors, pools, strict=True):
        removed = math.ceil(sparsity * len(pool))
        threshold = sorted(pool.tolist())[removed - 1] if removed else -1.0
        found.append(Straight.apply(score.abs(), factor, threshold))
    return found


def reference(
    weights: list[Tensor], start: list[Tensor], batches: list[tuple[Tensor, Tensor]], sparsity: float, **options: bool
) -> list[Tensor]:
    """Scores after SGD with momentum and weight decay, written as plainly as can be."""
    scores = [each.clone().requires_grad_() for each in start]
    optimizer = torch.optim.SGD(scores, lr=0.3, momentum=0.9, weight_decay=0.01)
    for inputs, targets in batches:
        values = inputs
        for number, (weight, mask) in enumerate(zip(weights, masks(scores, sparsity, **options), strict=True)):
            values = linear(values.relu() if number else values, weight * mask)
        optimizer.zero_grad()
        cross_entropy(values, targets).backward()
        optimizer.step()
    return [each.detach() for each in scores]


def batches(count: int, size: int = 16) -> list[tuple[Tensor, Tensor]]:
    torch.manual_seed(2)
    return [(torch.randn(size, 7, dtype=torch.float64), torch.randint(0, 3, (size,))) for _ in range(count)]


def split(vector: Tensor, net: nn.Module) -> list[Tensor]:
    shapes = [each.shape for each in net.parameters()]
    parts = vector.split([shape.numel() for shape in shapes])
    return [part.view(shape).detach().clone() for part, shape in zip(parts, shapes, strict=True)]


@pytest.mark.parametrize("by_layer", [False, True])
@pytest.mark.parametrize("by_fan_in", [False, True])
@pytest.mark.parametrize("sparsity", [0.0, 0.3, 0.8])
def test_trains_as_autograd_through_a_straight_mask(by_layer: bool, by_fan_in: bool, sparsity: float) -> None:
    net = network()
    weights = [each.detach().clone() for each in net.parameters()]
    edges = edges_of(net, sparsity, by_layer=by_layer, by_fan_in=by_fan_in)
    start = split(edges.scores, net)
    optimizer = torch.optim.SGD([edges.scores], lr=0.3, momentum=0.9, weight_decay=0.01)
    for inputs, targets in batches(20):
        edges.select()
        optimizer.zero_grad()
        cross_entropy(net(inputs), targets).backward()
        assert all(each.grad is None for each in net.parameters()), "nothing is kept of what passed through"
        optimizer.step()
    expected = reference(weights, start, batches(20), sparsity, by_layer=by_layer, by_fan_in=by_fan_in)
    for found, wanted in zip(split(edges.scores, net), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)
    assert torch.equal(edges.drawn, torch.cat([each.flatten() for each in weights])), "bit for bit as drawn"


def test_gradients_of_two_batches_add_up() -> None:
    net = network()
    edges = edges_of(net)
    edges.select()
    (first, second) = batches(2)
    cross_entropy(net(first[0]), first[1]).backward()
    cross_entropy(net(second[0]), second[1]).backward()
    assert edges.scores.grad is not None
    together = edges.scores.grad.clone()
    apart = torch.zeros_like(together)
    for inputs, targets in (first, second):
        edges.scores.grad = None
        cross_entropy(net(inputs), targets).backward()
        assert edges.scores.grad is not None
        apart += edges.scores.grad
    torch.testing.assert_close(together, apart, rtol=0, atol=1e-14)


def test_the_gradient_by_hand() -> None:
    """One unit, two inputs: kept or not, dL/ds = dL/dw w sign(s)."""
    net = nn.Sequential(nn.Linear(2, 1, bias=False)).double()
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[3.0, -5.0]]))
    edges = edges_of(net, 0.5)
    with torch.no_grad():
        edges.scores.copy_(torch.tensor([0.1, -0.4]))
    edges.select()
    assert net[0].weight.tolist() == [[0.0, -5.0]]
    net(torch.tensor([[2.0, 7.0]], dtype=torch.float64)).sum().backward()  # dL/dw = (2, 7)
    assert edges.scores.grad is not None
    assert edges.scores.grad.tolist() == [2.0 * 3.0 * 1, 7.0 * -5.0 * -1]


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 0.77, 0.9])
def test_exactly_as_many_are_kept(sparsity: float) -> None:
    edges = edges_of(network(), sparsity)
    edges.select()
    assert int(edges.kept.sum()) == sum(edges.kept_counts()) == N - math.ceil(sparsity * N)


def test_by_layer_each_keeps_its_share() -> None:
    edges = edges_of(network(), 0.5, by_layer=True)
    edges.select()
    assert list(edges.kept_counts()) == [63 - 32, 45 - 23, 15 - 8]


def test_ranked_by_fan_in_wide_layers_keep_as_much_as_narrow_ones() -> None:
    """Scores begin in U(-1, 1) / sqrt(fan_in): under one threshold the layer of fan_in 4,096 loses more than half."""
    size, found = 4096 * 32, []
    for by_fan_in in (False, True):
        net = nn.Sequential(nn.Linear(4096, 32, bias=False), nn.Linear(32, 4096, bias=False))
        edges = edges_of(net, 0.5, by_fan_in=by_fan_in)
        edges.select()
        found.append(edges.kept_counts()[0] / size)
    assert found[0] < 0.1  # by hand: (1 - t 64) + (1 - t sqrt(32)) = 1 at t = 1 / 69.7, and 1 - 64 / 69.7 = 0.08
    assert found[1] == pytest.approx(0.5, abs=0.01)


def test_what_is_removed_comes_back() -> None:
    net = network()
    edges = edges_of(net, 0.5)
    edges.select()
    before = edges.kept
    optimizer = torch.optim.SGD([edges.scores], lr=1.0)
    for inputs, targets in batches(30):
        edges.select()
        optimizer.zero_grad()
        cross_entropy(net(inputs), targets).backward()
        optimizer.step()
    edges.select()
    assert (~before & edges.kept).any()
    assert int(edges.kept.sum()) == int(before.sum())


def test_a_mask_can_be_put_on() -> None:
    net = network()
    edges = edges_of(net)
    mask = torch.rand(N, generator=torch.Generator().manual_seed(3)) < 0.4
    edges.keep(mask)
    assert torch.equal(edges.kept, mask)
    assert torch.equal(torch.cat([each.detach().flatten() for each in net.parameters()]), edges.drawn * mask)


def test_scores_begin_uniform_within_the_root_of_fan_in() -> None:
    net = nn.Sequential(nn.Linear(400, 300, bias=False), nn.Linear(300, 25, bias=False))
    edges = edges_of(net)
    wide, narrow = split(edges.scores, net)
    for scores, fan in ((wide, 400), (narrow, 300)):
        bound = 1 / math.sqrt(fan)
        assert scores.abs().max() <= bound
        assert scores.mean().item() == pytest.approx(0, abs=0.03 * bound)
        assert scores.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.03)

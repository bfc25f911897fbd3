"""Layerwise pruning of whole networks: a case by hand, and what happens between layers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sparsetune.measures.cost import FlopCounter
from sparsetune.sparsity.layer_inputs import LinearMap
from sparsetune.sparsity.layerwise import LayerwisePruning
from sparsetune.sparsity.method import TrainingFailed
from sparsetune.sparsity.random_gradient import GradientPruning

from .fitted_session import run, session_of, wide

GRADIENTS = GradientPruning("data", 1, 100)


def pruning(alpha: float = 1.0, **others: Any) -> LayerwisePruning:
    return LayerwisePruning(**{"alpha": alpha, "lr": 1e-2, "start": 0.3, "steps": 5000, "window": 30, **others})


def two_layers() -> nn.Sequential:
    """Each unit of the hidden layer is on for one of two samples alone: its output is 1.5 for that."""
    network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1.5, -0.1], [-2.0, 1.5]]))
        network[2].weight.copy_(torch.tensor([[1.0, 0.02], [0.05, -1.0]]))
    return network


def test_two_layers_by_hand() -> None:
    """Samples are (1, 0) and (0, 1), as if 250 of each: a weight is kept where 250 x^2 W^2 is above alpha.

    Second layer, x^2 = 2.25, alpha 5: 562 and 0.22, 1.4 and 562, so its diagonal. First layer, x^2 = 1: 562, 2.5, 1000,
    562: all but the second. What the third feeds is 0 behind its ReLU, and stays: a layer's outputs are before it.
    """
    network = two_layers()
    session = session_of(network, torch.eye(2))
    yielded = run(session, pruning(5.0, gradients=None))
    assert network[2].weight.tolist() == [pytest.approx([1.0, 0.0], abs=1e-3), pytest.approx([0.0, -1.0], abs=1e-3)]
    assert network[0].weight.tolist() == [pytest.approx([1.5, 0.0], abs=1e-3), pytest.approx([-2.0, 1.5], abs=1e-3)]
    assert session.masks["2.weight"].tolist() == [[True, False], [False, True]]
    assert session.masks["0.weight"].tolist() == [[True, False], [True, True]]
    shares = [share for _, share in yielded]
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.1
    assert 0.5 < shares[-1] <= 1


def test_what_a_layer_no_longer_asks_for_goes_before_the_next_is_fitted() -> None:
    """The second hidden unit speaks softly to both outputs: it loses them, then what goes into it has no gradient."""
    network = two_layers()
    with torch.no_grad():
        network[2].weight.copy_(torch.tensor([[1.0, 0.02], [0.05, -0.05]]))
    session = session_of(network, torch.eye(2))
    seen = []
    for state, _ in pruning(5.0, gradients=GRADIENTS)(session):
        if state["layer"] == 1 and not seen:
            seen.append({name: mask.tolist() for name, mask in session.masks.items()})
            assert network[0].weight[1].tolist() == [0, 0]
    assert seen == [{"2.weight": [[True, False], [False, False]], "0.weight": [[True, False], [False, False]]}]
    assert session.masks["0.weight"].tolist() == [[True, False], [False, False]]
    assert network[0].weight[0, 0].item() == pytest.approx(1.5, abs=1e-3)


def test_biases_go_or_are_fitted_and_stay() -> None:
    """A bias is a weight of an input of 1: 500 b^2 is 0.2 for 0.02, 500 for 1."""
    for biases in (True, False):
        network = nn.Sequential(nn.Linear(2, 2))
        with torch.no_grad():
            network[0].weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
            network[0].bias.copy_(torch.tensor([1.0, 0.02]))
        inputs = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        session = session_of(network, inputs)
        run(session, pruning(5.0, biases=biases))
        assert network[0].bias.tolist() == pytest.approx([1.0, 0.0 if biases else 0.02], abs=1e-3)
        assert session.masks["0.weight"].tolist() == [[True, False], [False, True]]
        assert session.masks.get("0.bias", torch.empty(0)).tolist() == ([True, False] if biases else [])


def test_weights_that_were_pruned_stay_so() -> None:
    network = two_layers()
    session = session_of(network, torch.eye(2))
    session.masks["0.weight"] = torch.tensor([[False, True], [True, True]])
    session.wear()
    layer = LinearMap("0.weight", network[0])
    assert pruning().keep_at_start(session, layer, layer.matrix).tolist() == [
        [pytest.approx([0, 0.3]), pytest.approx([0.3, 0.3])]
    ]
    run(session, pruning(0.0))
    assert session.masks["0.weight"].tolist() == [[False, True], [True, True]]
    assert network[0].weight[0, 0].item() == 0


@pytest.mark.parametrize("kind", ["linear", "convolution"])
def test_a_network_of_such_layers_says_nearly_the_same_with_fewer_weights(kind: str) -> None:
    """And more nearly than with as many of each layer that are largest."""
    network, samples = wide(kind)
    before = network.eval()(samples).detach()
    weights = {name: each for name, each in network.named_parameters() if each.ndim > 1}
    whole = {name: each.detach().clone() for name, each in weights.items()}
    session = session_of(network, samples, prunable=tuple(weights))
    run(session, pruning(1.0, biases=False))
    kept = {name: int(session.masks[name].sum()) for name in weights}
    assert 0 < sum(kept.values()) < 0.85 * sum(each.numel() for each in weights.values())
    with torch.no_grad():
        missed = (network.eval()(samples) - before).square().mean()
        for name, each in weights.items():
            least = whole[name].abs().flatten().sort(descending=True).values[kept[name] - 1]
            each.copy_(torch.where(whole[name].abs() >= least, whole[name], 0))
        by_magnitude = (network(samples) - before).square().mean()
    assert missed < 0.3 * by_magnitude
    assert missed < 0.2 * before.var(0).mean()


def test_alpha_does_not_depend_on_how_many_samples_there_are() -> None:
    masks = []
    for repeated in (1, 7):
        session = session_of(two_layers(), torch.eye(2).repeat(repeated, 1))
        run(session, pruning(5.0))
        masks.append(session.masks)
    assert all(torch.equal(masks[0][name], masks[1][name]) for name in masks[0])


def test_what_fits_cost_is_counted() -> None:
    """Two inputs and a bias, two outputs: the products of a step have 2 x 3 x 3 multiplications, its moments' 2 x 3 x 3
    for two samples."""
    network = nn.Sequential(nn.Linear(2, 2))
    session, resumed = (session_of(copy.deepcopy(network), torch.eye(2)) for _ in range(2))
    with FlopCounter() as counter:
        states = [(copy.deepcopy(state), session.cost.beside) for state, _ in pruning()(session)]
    steps = states[-1][0]["fit"]["done"]
    assert session.cost.beside == 36 * (1 + steps) == counter.flops - 8 > 36 * 200  # one sample has passed the layer
    middle, spent = states[len(states) // 2]
    assert len(list(pruning()(resumed, middle))) < len(states)
    assert resumed.cost.beside == session.cost.beside - spent


class Aside(nn.Module):
    """Has a layer that nothing asks."""

    def __init__(self) -> None:
        super().__init__()
        self.used, self.unused = nn.Linear(2, 2), nn.Linear(2, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.used(inputs)
        return outputs


def test_a_layer_that_is_never_called_is_left_alone() -> None:
    network = Aside()
    session = session_of(network, torch.eye(2))
    before = network.unused.weight.tolist()
    run(session, pruning(1000.0))
    assert network.unused.weight.tolist() == before
    assert session.masks.keys() == {"used.weight", "used.bias"}


@pytest.mark.parametrize("nothing", ["unused", "zero"])
def test_gradients_are_asked_for_only_where_a_layer_was_fitted(nothing: str) -> None:
    network = Aside() if nothing == "unused" else two_layers()
    session = session_of(network, torch.eye(2))
    if nothing == "zero":
        session.masks["2.weight"] = torch.zeros(2, 2, dtype=torch.bool)
        session.wear()
    run(session, pruning(gradients=GRADIENTS))
    assert session.cost.trained == 2
    assert nothing == "zero" or not session.masks["unused.weight"].any(), "nor has that a gradient"


@pytest.mark.parametrize("network", [lambda: nn.Sequential(nn.BatchNorm1d(2)), two_layers])
def test_a_network_without_such_layers_is_a_failure(network: Callable[[], nn.Module]) -> None:
    session = session_of(network(), torch.eye(2), prunable=())
    with pytest.raises(
        TrainingFailed, match="needs a linear layer or a convolution that it can fit, and this network has none"
    ):
        run(session, pruning())


def test_a_layer_that_has_nothing_left_takes_no_time() -> None:
    session = session_of(two_layers(), torch.eye(2))
    session.masks["0.weight"] = torch.zeros(2, 2, dtype=torch.bool)
    session.wear()
    assert {state["layer"] for state, _ in run(session, pruning())} == {0}  # type: ignore[index]

"""Layerwise pruning of whole networks: a case by hand, what goes into a layer, and what happens between layers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sparsetune.sparsity import layer_moments
from sparsetune.sparsity.layer_inputs import LinearMap
from sparsetune.sparsity.layer_moments import SAMPLES, gathered
from sparsetune.sparsity.layerwise import LayerwisePruning
from sparsetune.sparsity.method import TrainingFailed
from sparsetune.sparsity.random_gradient import GradientPruning
from sparsetune.training.computing import _in_bfloat16
from sparsetune.training.session import TrainingSession

from .fitted_session import run, session_of

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


def wide(kind: str) -> tuple[nn.Module, Tensor]:
    """A network with BatchNorm and dropout, which act otherwise in training, and samples for it."""
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Linear(8, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 3)]
    shape: tuple[int, ...] = (8,)
    if kind == "convolution":
        layers = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Conv2d(4, 2, 3, stride=2), nn.Flatten()]
        shape = (1, 8, 8)
    network = nn.Sequential(*layers, nn.Linear(8 if kind == "convolution" else 3, 2))
    for _ in range(3):
        network(torch.randn(50, *shape) + 1)  # statistics of BatchNorm
    return network, torch.randn(1100, *shape)


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


def gather(session: TrainingSession, layer: LinearMap) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    states = [state for state, _ in gathered(session, layer)]
    return states[-1], states


@pytest.mark.parametrize("kind", ["linear", "convolution"])
def test_moments_are_of_inputs_in_evaluation_mode(kind: str) -> None:
    """Summed over all samples, as if these were 500; 1,100 come in three batches."""
    network, samples = wide(kind)
    session = session_of(network, samples)
    place = 4 if kind == "linear" else 3
    layer = LinearMap(f"{place}.weight", network[place])
    network.train()
    last, states = gather(session, layer)
    assert len(states) == 3
    with torch.no_grad():
        rows = layer.inputs(network.eval()[:place](samples)).double()
    wanted = rows.mT @ rows * SAMPLES / len(samples)
    assert last["summed"]
    assert last["values"].dtype == torch.float32
    assert torch.allclose(last["values"].double(), wanted, rtol=1e-4, atol=1e-3)
    assert session.cost.scored == 1 + len(samples), "one sample says how large a batch may be"


def test_gathering_goes_on_from_every_state(monkeypatch: pytest.MonkeyPatch) -> None:
    for count, summed in ((1100, True), (3, False)):
        network, samples = wide("linear")
        session = session_of(network, samples[:count])
        layer = LinearMap("4.weight", network[4])
        monkeypatch.setattr(layer_moments, "_MOST", count // 3 + 1 if summed else 1)
        states = [copy.deepcopy(state) for state, _ in gathered(session, layer)]
        assert [state["summed"] for state in states] == [summed] * 3
        for number, state in enumerate(states):
            rest = [later for later, _ in gathered(session, layer, copy.deepcopy(state))]
            assert len(rest) == len(states) - number - 1
            assert torch.equal((rest or [state])[-1]["values"], states[-1]["values"])


def test_sums_grow_in_place() -> None:
    """Of a wide layer each is gigabytes."""
    network, samples = wide("linear")
    running = gathered(session_of(network.double(), samples.double()), LinearMap("4.weight", network[4]))
    assert len({state["values"].data_ptr() for state, _ in running}) == 1


def test_batches_are_small_where_much_goes_into_a_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that each takes less than a second; what is gathered is the same."""
    network, samples = wide("convolution")
    layer = LinearMap("3.weight", network[3])
    all_at_once, _ = gather(session_of(network, samples), layer)
    monkeypatch.setattr(layer_moments, "_WORK", 1e6)
    last, states = gather(session_of(network, samples), layer)
    each = 4 * 37 * 37  # places of a sample, and products at each
    assert last["size"] == int(1e6 / each)
    assert len(states) == -(-len(samples) // last["size"])
    assert torch.allclose(last["values"], all_at_once["values"], rtol=1e-5, atol=1e-3)


def test_samples_come_in_batches_however_few_one_call_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut one by one, a million of them take seconds before the first comes."""
    network, samples = wide("linear")
    session = session_of(network, samples)
    sizes, batches = [], session.batches

    def noted(split: Any, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        sizes.append(size)
        return batches(split, size)

    monkeypatch.setattr(session, "batches", noted)
    gather(session, LinearMap("4.weight", network[4]))
    assert sizes == [500, 500]


def test_samples_that_are_kept_are_not_held_to_the_work_of_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    """No product of them is made; what is laid out at once has its limit."""
    network, samples = nn.Sequential(nn.Linear(40, 3)), torch.randn(10, 40)
    session, layer = session_of(network, samples), LinearMap("0.weight", network[0])
    monkeypatch.setattr(layer_moments, "_WORK", 1)
    last, states = gather(session, layer)
    assert len(states) == 1
    monkeypatch.setattr(layer_moments, "_NUMBERS", 4 * 41)
    again, states = gather(session, layer)
    assert [state["batches"] for state in states] == [1, 2, 3]
    assert torch.equal(again["values"], last["values"])
    assert torch.allclose(last["values"][0, :, :40], samples * (SAMPLES / 10) ** 0.5)


def test_moments_of_bfloat16_inputs_have_the_weights_precision() -> None:
    """Rounded to bfloat16, sums would be off by parts in a thousand, and have directions below 0."""
    torch.manual_seed(0)
    network, samples = nn.Sequential(nn.Linear(8, 30), nn.ReLU(), nn.Linear(30, 2)), torch.randn(200, 8)
    network.__class__ = _in_bfloat16(nn.Sequential)
    layer = LinearMap("2.weight", network[2])
    last, _ = gather(session_of(network, samples), layer)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        hidden = network[1](network[0](samples))
    assert hidden.dtype == torch.bfloat16
    rows = layer.inputs(hidden).double()
    assert torch.allclose(last["values"].double(), rows.mT @ rows * SAMPLES / 200, rtol=1e-5)


@pytest.mark.parametrize(("place", "asked"), [(0, 1), (1, 4)])
def test_the_network_runs_no_further_than_the_layer(place: int, asked: int) -> None:
    """But once: one sample says how often the layer is called. Three batches follow."""
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    calls: list[int] = []
    network[1].register_forward_pre_hook(lambda _, inputs: calls.append(len(inputs[0])))
    session = session_of(network, torch.randn(1100, 2))
    calls.clear()
    gather(session, LinearMap(f"{place}.weight", network[place]))
    assert len(calls) == asked


def test_what_goes_into_a_layer_in_all_its_calls_counts() -> None:
    layer = nn.Linear(2, 2)
    network, samples = nn.Sequential(layer, nn.ReLU(), layer), torch.randn(1100, 2)
    last, _ = gather(session_of(network, samples), LinearMap("0.weight", layer))
    with torch.no_grad():
        rows = torch.cat([LinearMap("0.weight", layer).inputs(each)[0] for each in (samples, network[:2](samples))])
    assert torch.allclose(last["values"][0], rows.mT @ rows * SAMPLES / 1100, rtol=1e-4, atol=1e-2)


def test_few_samples_are_kept_themselves() -> None:
    """Ten of 40 numbers are less than the sum of their squares, and give the same fit."""
    torch.manual_seed(1)
    network, samples = nn.Sequential(nn.Linear(40, 3)), torch.randn(10, 40)
    layer = LinearMap("0.weight", network[0])
    few, _ = gather(session_of(network, samples), layer)
    many, _ = gather(session_of(network, samples.repeat(3, 1)), layer)
    assert (few["summed"], many["summed"]) == (False, True)
    assert torch.allclose(few["values"].mT @ few["values"], many["values"], rtol=1e-4, atol=1e-3)
    masks = []
    for repeated in (1, 3):
        torch.manual_seed(1)
        session = session_of(nn.Sequential(nn.Linear(40, 3)).double(), samples.double().repeat(repeated, 1))
        run(session, pruning(20.0, steps=500))
        masks.append(session.masks["0.weight"])
    assert torch.equal(*masks)
    assert 0 < masks[0].sum() < masks[0].numel()


def test_alpha_does_not_depend_on_how_many_samples_there_are() -> None:
    masks = []
    for repeated in (1, 7):
        session = session_of(two_layers(), torch.eye(2).repeat(repeated, 1))
        run(session, pruning(5.0))
        masks.append(session.masks)
    assert all(torch.equal(masks[0][name], masks[1][name]) for name in masks[0])


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

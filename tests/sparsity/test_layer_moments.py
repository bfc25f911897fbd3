"""What is gathered of a layer's inputs: which moments, from which batches, and that it goes on from where it stood."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sparsetune.sparsity import layer_moments
from sparsetune.sparsity.layer_inputs import LinearMap
from sparsetune.sparsity.layer_moments import SAMPLES, gathered
from sparsetune.sparsity.layerwise import LayerwisePruning
from sparsetune.training.computing import _in_bfloat16
from sparsetune.training.session import TrainingSession

from .fitted_session import run, session_of, wide


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
        run(session, LayerwisePruning(20.0, lr=1e-2, start=0.3, steps=500, window=30))
        masks.append(session.masks["0.weight"])
    assert torch.equal(*masks)
    assert 0 < masks[0].sum() < masks[0].numel()

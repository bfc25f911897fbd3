"""Entropy on noise, and the mean of Monte Carlo probabilities."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from sparsetune.measures import uncertainty
from sparsetune.measures.uncertainty import average_predictive_entropy, noise
from sparsetune.sparsity.dropout import log_mean_probability


def test_ape_by_hand() -> None:
    """Of ten equal classes -ln(.1 + 1e-8), of a certain one -ln(1 + 1e-8); the mean of both inputs."""
    assert average_predictive_entropy(torch.zeros(3, 10)) == pytest.approx(-math.log(0.1 + 1e-8), abs=1e-12)
    certain = torch.tensor([[0.0] + [-1e4] * 9])
    assert average_predictive_entropy(certain) == pytest.approx(-math.log(1 + 1e-8), abs=1e-12)
    both = torch.cat((certain, torch.zeros(1, 10)))
    assert average_predictive_entropy(both) == pytest.approx(-(math.log(1 + 1e-8) + math.log(0.1 + 1e-8)) / 2)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), samples=st.integers(1, 20), classes=st.integers(1, 12), scale=st.floats(0, 30))
def test_ape_against_numpy(seed: int, samples: int, classes: int, scale: float) -> None:
    logits = scale * np.random.default_rng(seed).standard_normal((samples, classes))
    p = softmax(logits, axis=1)
    expected = np.mean(-np.sum(p * np.log(p + 1e-8), axis=1))
    found = average_predictive_entropy(torch.from_numpy(logits))
    assert found == pytest.approx(expected, abs=1e-12)
    assert -1e-7 <= found <= math.log(classes) + 1e-12


def test_noise_is_a_function_of_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    state = torch.get_rng_state()
    drawn = list(noise(10, (1, 400, 400), seed=3))
    assert [part.shape for part in drawn] == [(6, 1, 400, 400), (4, 1, 400, 400)]
    torch.manual_seed(9)
    again = list(noise(10, (1, 400, 400), seed=3))
    assert torch.equal(torch.cat(drawn), torch.cat(again))
    assert not torch.equal(drawn[0], next(noise(10, (1, 400, 400), seed=4)))
    assert not torch.equal(drawn[0][:4], drawn[1])
    torch.set_rng_state(state)
    monkeypatch.setattr(uncertainty, "_BLOCK", 1)
    assert [part.shape for part in noise(2, (3, 4), seed=0)] == [(1, 3, 4)] * 2


def test_noise_is_standard_normal() -> None:
    values = torch.cat(list(noise(1000, (1, 28, 28), seed=0)))
    assert values.dtype == torch.float32
    assert abs(float(values.mean())) < 5 / math.sqrt(values.numel())
    assert float(values.var()) == pytest.approx(1, abs=5 * math.sqrt(2 / values.numel()))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), networks=st.integers(1, 12), scale=st.floats(0, 20))
def test_monte_carlo_averages_probabilities(seed: int, networks: int, scale: float) -> None:
    logits = scale * np.random.default_rng(seed).standard_normal((networks, 5, 7))
    expected = softmax(logits, axis=2).mean(axis=0)
    found = log_mean_probability(torch.from_numpy(logits))
    assert found.exp().numpy() == pytest.approx(expected, rel=1e-9)
    assert torch.softmax(found, 1).numpy() == pytest.approx(expected, rel=1e-9)  # serves as logits


def test_monte_carlo_by_hand_and_far_out() -> None:
    """(.5, .5) and (.9, .1) give (.7, .3); probabilities of e^-1000 keep their logarithm: half of one and none."""
    logits = torch.tensor([[[0.5, 0.5]], [[0.9, 0.1]]], dtype=torch.float64).log()
    assert log_mean_probability(logits).exp().tolist() == [pytest.approx([0.7, 0.3])]
    far = torch.tensor([[[0.0, -1000.0]], [[0.0, -2000.0]]], dtype=torch.float64)
    assert log_mean_probability(far).tolist() == [pytest.approx([0.0, -1000 - math.log(2)], abs=1e-9)]

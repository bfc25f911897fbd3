"""Monte Carlo dropout: against one pass for each network, by hand, and what it costs."""

import copy
import gc
import math
import weakref

import pytest
import torch
from torch import Tensor, nn

from sparsetune.base.errors import BadInput
from sparsetune.base.seeds import mix
from sparsetune.sparsity.dropout import _UNITS, MonteCarloDropout, log_mean_probability
from sparsetune.testing.trained import run_through, trial_config, untimed

from .drawn import kept

SITES = ("1", "3")


def small() -> nn.Sequential:
    torch.manual_seed(0)
    layers = (nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
    return nn.Sequential(*layers).double().eval()


def by_hand(network: nn.Sequential, inputs: Tensor, p: float, samples: int, seed: int) -> Tensor:
    """One pass after another, each with its own generator."""
    outputs = []
    for t in range(samples):
        generator = torch.Generator().manual_seed(mix(seed, _UNITS, t))
        values = inputs
        for name, layer in network.named_children():
            values = layer(values)
            if name in SITES:
                values = values * kept(values.shape, p, generator) / (1 - p)
        outputs.append(values)
    return torch.stack(outputs)


@pytest.mark.parametrize(("p", "samples"), [(0.5, 1), (0.3, 7), (0.9, 3)])
def test_equals_one_pass_for_each_network(p: float, samples: int) -> None:
    network, inputs = small(), torch.randn(11, 4, dtype=torch.float64)
    expected = by_hand(network, inputs, p, samples, seed=5)
    dropout = MonteCarloDropout(network, SITES, p, samples, seed=5, task="classification")
    with torch.no_grad():
        torch.testing.assert_close(dropout.predict(inputs), expected, rtol=0, atol=1e-12)
        average = expected.softmax(-1).mean(0)
        dropout.restart()
        torch.testing.assert_close(dropout.mean(inputs).exp(), average, rtol=0, atol=1e-12)


def test_fixed_units_are_those_of_an_evaluation_s_first_sample() -> None:
    """Of each sample, wherever it stands in a batch, and again in the next one."""
    network, inputs = small(), torch.randn(11, 4, dtype=torch.float64)
    alone = [by_hand(network, each[None], 0.3, 7, seed=5) for each in inputs]
    dropout = MonteCarloDropout(network, SITES, 0.3, 7, seed=5, task="classification")
    with torch.no_grad():
        dropout.predict(inputs)
        dropout.fix(torch.zeros(1, 4, dtype=torch.float64))
        for _ in range(2):
            torch.testing.assert_close(dropout.predict(inputs), torch.cat(alone, 1), rtol=0, atol=1e-12)
        torch.testing.assert_close(dropout.predict(inputs[3:4]), alone[3], rtol=0, atol=1e-12)


def test_what_lies_before_the_first_site_is_computed_once() -> None:
    network, seen = small(), []
    dropout = MonteCarloDropout(network, SITES, 0.5, 20, seed=0, task="classification")
    for module in network:
        module.register_forward_hook(lambda m, given, out: seen.append(len(given[0])))
    with torch.no_grad():
        dropout.predict(torch.zeros(2, 4, dtype=torch.float64))
    assert seen == [2, 2, 40, 40, 40]


def test_every_evaluation_drops_the_same_units_and_batches_go_on() -> None:
    network, inputs = small(), torch.randn(6, 4, dtype=torch.float64)
    dropout = MonteCarloDropout(network, SITES, 0.5, 4, seed=0, task="classification")
    with torch.no_grad():
        first, second = dropout.predict(inputs), dropout.predict(inputs)
        dropout.restart()
        again = dropout.predict(inputs)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_a_copied_network_has_sites_of_its_own() -> None:
    network = small()
    MonteCarloDropout(network, SITES, 0.5, 4, seed=0, task="classification")
    shadow = copy.deepcopy(network).train()
    with torch.no_grad():
        inputs = torch.ones(1, 4, dtype=torch.float64)
        assert not torch.equal(shadow(inputs), shadow(inputs)), "training drops"
        assert torch.equal(network(inputs), network(inputs)), "plain evaluation does not"


def test_a_network_is_gone_with_whoever_had_it() -> None:
    """At once, not when cycles are looked for: a GPU has to have room for the next trial's."""
    network = small()
    dropout = MonteCarloDropout(network, SITES, 0.5, 4, seed=0, task="classification")
    dropout.predict(torch.ones(1, 4, dtype=torch.float64))
    found = weakref.ref(network)
    gc.disable()
    try:
        del network, dropout
        assert found() is None
    finally:
        gc.enable()


def test_the_mean_of_probabilities_by_hand() -> None:
    logits = torch.tensor([[[math.log(3.0), 0.0]], [[0.0, 0.0]]], dtype=torch.float64)  # 3/4, 1/4 and 1/2, 1/2
    torch.testing.assert_close(log_mean_probability(logits).exp(), torch.tensor([[0.625, 0.375]], dtype=torch.float64))


def test_the_mean_of_far_logits_is_finite() -> None:
    assert log_mean_probability(torch.tensor([[[2000.0, -2000.0]], [[-2000.0, 2000.0]]])).isfinite().all()


def test_without_layers_or_with_p_zero_it_is_dense_training() -> None:
    plain = run_through(trial_config("dense", epochs=2))[1]
    for settings in ({"mc_samples": 9}, {"n_dropout_layers": 2, "p_dropout": 0.0, "mc_samples": 9}):
        assert untimed(run_through(trial_config({"name": "dense", **settings}, epochs=2))[1]) == untimed(plain)


def test_samples_change_the_evaluation_alone() -> None:
    one, many = (
        run_through(trial_config({"name": "dense", "n_dropout_layers": 1, "mc_samples": t}, epochs=2)) for t in (1, 20)
    )
    weights = zip(one[0].network.parameters(), many[0].network.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in weights)
    assert many[1]["val_loss"] < one[1]["val_loss"], "an average is better than one network"


def test_more_layers_than_places() -> None:
    with pytest.raises(BadInput) as error:
        trial_config({"name": "dense", "n_dropout_layers": 3}, {"name": "mlp", "hidden": [30, 10]})
    assert (error.value.key, error.value.found) == ("method.n_dropout_layers", "3")
    assert error.value.allowed.startswith("for 'mlp' at most 2 (")


def test_the_mean_of_probabilities_has_no_overflow_and_loses_no_small_ones() -> None:
    """Each prediction is shifted by its own largest logit: others are larger by thousands."""
    logits = torch.tensor([[[5000.0, 0.0, -30.0]], [[0.0, -2.0, 1.0]], [[-4000.0, -4090.0, -4001.0]]])
    expected = torch.logsumexp(torch.log_softmax(logits.double(), -1), 0) - math.log(3)
    torch.testing.assert_close(log_mean_probability(logits).double(), expected, rtol=1e-6, atol=1e-6)

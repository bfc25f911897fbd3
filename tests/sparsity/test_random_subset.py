"""Random subsets: how many, how likely, at what cost, and the same as a loop written by hand."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from sparsetune.base.errors import BadInput
from sparsetune.base.seeds import mix
from sparsetune.sparsity.methods.random_subset import RandomSubset, RandomSubsetConfig
from sparsetune.testing.trained import run_through, trial_config
from sparsetune.training.computing import subnormals_are_zero
from sparsetune.training.session import TrainingSession
from sparsetune.training.trainer import Trainer

SMALL = {"name": "mlp", "hidden": [8]}


def subset(fraction: float) -> dict[str, object]:
    return {"name": "random_subset", "fraction": fraction}


@pytest.mark.parametrize(
    ("fraction", "batch", "active"), [(0.25, 64, 16), (0.1, 64, 6), (0.1, 4, 1), (0.9, 4, 4), (1.0, 7, 7), (0.3, 5, 2)]
)
def test_how_many_are_active(fraction: float, batch: int, active: int) -> None:
    assert RandomSubsetConfig(fraction=fraction).active(batch) == active


def test_each_sample_is_as_likely_as_any_other_and_none_is_drawn_twice() -> None:
    method = RandomSubset(RandomSubsetConfig(fraction=0.3), TrainingSession.of(nn.Linear(2, 2)))
    torch.manual_seed(0)
    counted = torch.zeros(10)
    rounds = 4_000
    for _ in range(rounds):
        selection = method.select(torch.zeros(10, 2), torch.zeros(10, dtype=torch.int64))
        assert selection is not None
        assert selection.outputs is None, "nothing has been scored"
        assert len(selection.active.unique()) == len(selection.active) == 3
        counted[selection.active] += 1
    deviation = (rounds * 0.3 * 0.7) ** 0.5
    assert (counted - rounds * 0.3).abs().max() < 4 * deviation
    assert method.numbers() == {"activation_rate": 0.3}


def test_its_cost_is_its_share_of_dense_training() -> None:
    _, dense = run_through(trial_config("dense", SMALL, epochs=2, batch_size=64))
    trainer, found = run_through(trial_config(subset(0.25), SMALL, epochs=2, batch_size=64))
    samples = trainer.session.train_samples
    full, rest = divmod(samples, 64)
    active = full * 16 + (max(1, round(rest / 4)) if rest else 0)
    assert trainer.cost.trained == 2 * active
    assert trainer.cost.scored == 0
    assert found["activation_rate"] == active / samples
    assert found["compute_saved"] == pytest.approx(1 - active / samples, rel=1e-12)
    assert found["est_flops_g"] == pytest.approx(dense["est_flops_g"] * active / samples, rel=1e-12)


@subnormals_are_zero()
def by_hand(trainer: Trainer, epochs: int, batch: int, fraction: float) -> nn.Module:
    """Plain SGD, in the order and with the subsets of a trial with seed 0."""
    data = trainer.data.train
    inputs, targets = data.inputs, data.targets
    network = Trainer(trainer.config).network
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, fused=True)
    for epoch in range(epochs):
        torch.manual_seed(mix(0, epoch + 1))
        for drawn in torch.randperm(len(targets)).split(batch):
            chosen = drawn[torch.randperm(len(drawn))[: max(1, round(fraction * len(drawn)))]]
            optimizer.zero_grad()
            cross_entropy(network(inputs[chosen]), targets[chosen]).backward()
            optimizer.step()
    return network


def test_it_is_a_plain_loop_over_the_subsets() -> None:
    config = trial_config(
        subset(0.25), SMALL, epochs=2, batch_size=100, optimizer="sgd", lr=0.1, momentum=0.0, weight_decay=0.0
    )
    trainer = Trainer(config)
    list(trainer)
    expected = by_hand(trainer, 2, 100, 0.25).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in trainer.network.state_dict().items())


def test_all_of_each_batch_is_dense_training() -> None:
    networks = [run_through(trial_config(each, SMALL, epochs=2))[0].network for each in ("dense", subset(1.0))]
    assert all(map(torch.equal, *(network.state_dict().values() for network in networks)))


def test_batch_norm_gets_two_samples() -> None:
    normed = {"name": "mlp", "hidden": [8], "batch_norm": True}
    with pytest.raises(BadInput, match="1 sample of a batch of 64") as error:
        trial_config(subset(0.02), normed, batch_size=64)
    assert (error.value.key, error.value.found, error.value.allowed) == ("method.fraction", "0.02", "from 0.0234")
    trial_config(subset(0.4), normed, batch_size=64)

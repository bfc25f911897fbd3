"""FLOPs: worked by hand, and against torch's counter over trainings that really run."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from sparsetune.config.trial import Training
from sparsetune.measures.cost import Cost, SampleFlops, count_flops, given_flops
from sparsetune.models.lenet5 import Lenet5, Lenet5Config
from sparsetune.models.mlp import Mlp, MlpConfig
from sparsetune.sparsity.method import Method
from sparsetune.sparsity.methods.ast import AdaptiveSparseTraining, AstConfig
from sparsetune.sparsity.methods.dense import Dense, DenseConfig
from sparsetune.testing.trained import run_through, same_state, trial_config
from sparsetune.training.loop import train_steps
from sparsetune.training.measuring import evaluate
from sparsetune.training.optim import make_optimizer
from sparsetune.training.session import TrainingSession
from sparsetune.training.task import Classification, Meter
from sparsetune.training.trainer import Trainer

TASK = Classification()
NETWORKS = {
    "mlp": (lambda: Mlp.build(MlpConfig(), (1, 28, 28), 10), (1, 28, 28)),
    "mlp with batch_norm": (lambda: Mlp.build(MlpConfig(hidden=(9,), batch_norm=True), (7,), 10), (7,)),
    "linear": (lambda: Mlp.build(MlpConfig(hidden=()), (7,), 10), (7,)),
    "lenet5": (lambda: Lenet5.build(Lenet5Config(), (1, 28, 28), 10), (1, 28, 28)),
    "lenet5 in colour": (lambda: Lenet5.build(Lenet5Config(), (3, 32, 32), 10), (3, 32, 32)),
}


def counted(network: nn.Module, shape: tuple[int, ...], batch: int = 8) -> tuple[float, float]:
    """Forward, forward and backward: FLOPs of a sample of a real pass."""
    inputs, targets = torch.randn(batch, *shape), torch.arange(batch) % 10
    with FlopCounterMode(display=False) as counter:
        loss = TASK.loss(network(inputs), targets)
        forward = counter.get_total_flops()
        loss.backward()
    return forward / batch, counter.get_total_flops() / batch


def test_an_mlp_by_hand() -> None:
    """64 -> 16 -> 10: forward 2 (64 x 16 + 16 x 10); backward the same for the weights, and 2 x 16 x 10 for the
    hidden layer's gradient. The first layer's inputs want none."""
    flops = count_flops(Mlp.build(MlpConfig(hidden=(16,)), (64,), 10), (64,), TASK.loss)
    assert flops == SampleFlops(forward=2368, training=2368 + 2368 + 320)


def test_lenet5_by_hand() -> None:
    """Forward: multiply-adds of conv1, conv2 and three linear layers, twice."""
    macs = [28 * 28 * 6 * 25, 10 * 10 * 16 * 6 * 25, 400 * 120, 120 * 84, 84 * 10]
    flops = count_flops(Lenet5.build(Lenet5Config(), (1, 28, 28), 10), (1, 28, 28), TASK.loss)
    assert flops.forward == 2 * sum(macs) == 833_040
    assert flops.training == 3 * 2 * sum(macs) - 2 * macs[0]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_count_is_that_of_a_real_pass(name: str) -> None:
    build, shape = NETWORKS[name]
    network = build()
    flops = count_flops(network, shape, TASK.loss)
    assert (flops.forward, flops.training) == counted(network, shape)
    assert count_flops(network.double(), shape, TASK.loss) == flops


def test_counting_changes_nothing() -> None:
    network = Mlp.build(MlpConfig(hidden=(9,), batch_norm=True, dropout=0.5), (7,), 10).eval()
    state = {name: value.clone() for name, value in network.state_dict().items()}
    random = torch.get_rng_state()
    count_flops(network, (7,), TASK.loss)
    assert same_state(dict(network.state_dict()), state)
    assert torch.equal(torch.get_rng_state(), random)
    assert not network.training
    assert all(parameter.grad is None for parameter in network.parameters())


def epoch_of(method_of: type[Method], config: object, name: str) -> tuple[int, Cost]:
    """FLOPs that torch counts over an epoch of 3 batches, and the cost that was noted."""
    build, shape = NETWORKS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build()
        data = [(torch.randn(size, *shape), torch.randint(10, (size,))) for size in (64, 64, 30)]
    method, cost = method_of(config, TrainingSession.of(network)), Cost()
    with FlopCounterMode(display=False) as counter:
        optimizer = make_optimizer(network.parameters(), Training())
        train_steps(network, method, optimizer, TASK, iter(data), Meter(TASK), cost=cost)
    return counter.get_total_flops(), cost


@pytest.mark.parametrize("target", [0.1, 0.25, 0.9])
@pytest.mark.parametrize("name", ["mlp", "linear", "lenet5"])
def test_compute_saved_is_what_torch_counts(name: str, target: float) -> None:
    build, shape = NETWORKS[name]
    flops = count_flops(build(), shape, TASK.loss)
    dense, dense_cost = epoch_of(Dense, DenseConfig(), name)
    ast, cost = epoch_of(AdaptiveSparseTraining, AstConfig(target_activation=target), name)
    assert cost.flops(flops) == ast
    assert dense_cost.flops(flops) == dense
    assert dense_cost.saved(flops) == 0.0
    assert cost.saved(flops) == pytest.approx(1 - ast / dense, abs=1e-12)
    assert cost.saved(flops) < 0 if target == 0.9 else cost.saved(flops) > 0


def test_a_trial_reports_what_torch_counts() -> None:
    found = {}
    for method in ("dense", "ast"):
        trainer = Trainer(trial_config(method, {"name": "mlp", "hidden": [32, 16]}, epochs=2))
        with FlopCounterMode(display=False) as counter:
            row = list(trainer)[-1]
        trainer.method.adopt(trainer.config.method)
        with FlopCounterMode(display=False) as evaluation:
            evaluate(trainer.network, trainer.method, TASK, trainer.data.val, trainer.setup.built.evaluation_batch)
        found[method] = counter.get_total_flops() - 2 * evaluation.get_total_flops()
        assert row.metrics["est_flops_g"] == pytest.approx(found[method] / 1e9, rel=1e-12)
    assert row.metrics["compute_saved"] == pytest.approx(1 - found["ast"] / found["dense"], abs=1e-12)


def test_saved_by_hand() -> None:
    """100 drawn and scored at 1, 25 trained at 3, against 100 at 3: 1 - 175/300."""
    cost = Cost(drawn=100, trained=25, scored=100)
    assert cost.flops(SampleFlops(1.0, 3.0)) == 175.0
    assert cost.saved(SampleFlops(1.0, 3.0)) == pytest.approx(0.41666667)  # 2/3 - a
    assert (cost + Cost(beside=5.0)).flops(SampleFlops(1.0, 3.0)) == 180.0


def test_a_given_number_replaces_the_count() -> None:
    assert given_flops(9e6) == SampleFlops(forward=3e6, training=9e6)
    trainer, metrics = run_through(trial_config("ast", epochs=2, metrics={"base_flop_per_sample": 9e6}))
    cost = trainer.cost
    assert metrics["est_flops_g"] == pytest.approx((3e-3 * cost.scored + 9e-3 * cost.trained), rel=1e-12)
    assert metrics["compute_saved"] == pytest.approx(2 / 3 - cost.trained / cost.drawn, abs=1e-12)
    _, dense = run_through(trial_config("dense", epochs=2, metrics={"base_flop_per_sample": 9e6}))
    assert dense["est_flops_g"] == pytest.approx(2 * 1079 * 9e-3, rel=1e-12)


def test_energy_is_estimated_only_for_a_known_power() -> None:
    trainer, metrics = run_through(trial_config("ast", epochs=2, metrics={"gpu_tdp_watts": 250.0}))
    assert metrics["est_energy_kj"] == trainer.cost.step_seconds * 250 / 1e3
    rows = [row.metrics["est_energy_kj"] for row in trainer.record]
    assert 0 < rows[0] < rows[1] == metrics["est_energy_kj"]
    steps = [row.metrics["step_time_ms"] for row in trainer.record]
    assert rows[1] == pytest.approx(17 * sum(steps) * 250 / 1e6)
    plain, without = run_through(trial_config("ast", epochs=1))
    assert "est_energy_kj" not in without
    assert "est_energy_kj" not in plain.record[0].metrics


@pytest.mark.parametrize("groups", [1, 2, 8])
@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d])
def test_groups_make_backward_cheaper_too(kind: type[nn.Module], groups: int) -> None:
    """8 channels to 8, 3x3 with padding 1 at 5x5 pixels: 25 positions x 9 x 8 x 8 / groups, twice for each pass."""
    layers = nn.Sequential(
        nn.Conv2d(1, 8, 1), kind(8, 8, 3, padding=1, groups=groups)
    )  # the first wants no gradient of its inputs
    counted = count_flops(layers, (1, 5, 5), lambda outputs, targets: outputs.sum())
    first, second = 2 * 25 * 8, 2 * 25 * 9 * 8 * 8 / groups
    assert counted.forward == first + second
    assert counted.training == 2 * first + 3 * second

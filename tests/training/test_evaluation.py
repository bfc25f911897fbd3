"""A split is measured whole, in batches that fit the device."""

import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss
from torch import nn

from sparsetune.data.dataset import Split
from sparsetune.sparsity.methods.dense import Dense, DenseConfig
from sparsetune.testing.trained import trial_config
from sparsetune.training.build import evaluation_batch
from sparsetune.training.measuring import evaluate
from sparsetune.training.session import TrainingSession
from sparsetune.training.task import Classification
from sparsetune.training.trainer import Trainer

CPU = torch.device("cpu")


@pytest.mark.parametrize("batch", [1, 7, 249, 250, 251, 4000])
def test_evaluation_against_brute_force(batch: int) -> None:
    """In evaluation mode, sample by sample; nothing in the network changes."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 4)).double()
        network(torch.randn(50, 6, dtype=torch.float64))
    inputs = torch.randn(250, 6, generator=generator, dtype=torch.float64)
    targets = torch.randint(4, (250,), generator=generator)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    dense = Dense(DenseConfig(), TrainingSession.of(network))
    loss, accuracy = evaluate(network, dense, Classification(), Split.of(inputs, targets), batch)
    with torch.no_grad():
        outputs = torch.cat([network.eval()(sample.unsqueeze(0)) for sample in inputs])
    assert loss == pytest.approx(log_loss(targets, outputs.softmax(1), labels=range(4)), rel=1e-9)
    assert accuracy == pytest.approx(accuracy_score(targets, outputs.argmax(1)), abs=1e-12)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_the_batch_by_hand() -> None:
    """4 MiB: LeNet-5's widest tensor has 6 x 28 x 28 numbers of four bytes."""
    assert evaluation_batch(6 * 28 * 28, torch.float32, CPU) == 2**22 // (4704 * 4) == 222
    assert evaluation_batch(6 * 28 * 28, torch.float64, CPU) == 111
    assert evaluation_batch(10**9, torch.float32, CPU) == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_takes_more_at_once() -> None:
    assert evaluation_batch(4704, torch.float32, torch.device("cuda")) > evaluation_batch(4704, torch.float32, CPU)


def test_a_trainer_evaluates_in_batches_of_that_size() -> None:
    trainer = Trainer(trial_config(model={"name": "mlp", "hidden": [20_000]}))
    trainer.method.adopt(trainer.config.method)
    batch = trainer.setup.built.evaluation_batch
    assert batch == 52
    sizes: list[int] = []
    trainer.network.register_forward_hook(
        lambda network, inputs, outputs: None if network.training else sizes.append(len(outputs))
    )
    evaluate(trainer.network, trainer.method, trainer.setup.task, trainer.data.val, batch)
    assert sizes == [52] * 6 + [47]

"""Loss, accuracy and their collection against brute force."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, log_loss
from torch import nn

from sparsetune.data.dataset import Split
from sparsetune.data.delivery import batches
from sparsetune.testing.trained import run_through, trial_config
from sparsetune.training import task as task_module
from sparsetune.training.task import Classification, Meter

TASK = Classification()


def draw(count: int, classes: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    outputs = 3 * torch.randn(count, classes, generator=generator, dtype=torch.float64)
    return outputs, torch.randint(classes, (count,), generator=generator)


def test_by_hand() -> None:
    outputs = torch.tensor([[0.0, math.log(3)], [0.0, 0.0], [5.0, 5.0 + math.log(3)]], dtype=torch.float64)
    targets = torch.tensor([1, 0, 0])  # probabilities 3/4, 1/2, 1/4; the second is a tie, the first class wins
    meter = Meter(TASK)
    meter.add(outputs, targets)
    loss, accuracy = meter.result()
    assert loss == pytest.approx((math.log(4 / 3) + math.log(2) + math.log(4)) / 3, abs=1e-12)
    assert accuracy == 2 / 3
    assert TASK.loss(outputs, targets).item() == pytest.approx(loss, abs=1e-12)
    assert TASK.measure(outputs, targets).tolist() == pytest.approx([3 * loss, 2.0])


@settings(deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(2, 10))
def test_meter_against_scikit_learn(seed: int, sizes: list[int], classes: int) -> None:
    outputs, targets = draw(sum(sizes), classes, seed)
    meter = Meter(TASK)
    for part, wanted in zip(outputs.split(sizes), targets.split(sizes), strict=True):
        meter.add(part, wanted)
    loss, accuracy = meter.result()
    assert loss == pytest.approx(log_loss(targets, outputs.softmax(1), labels=range(classes)), rel=1e-9)
    assert accuracy == pytest.approx(accuracy_score(targets, outputs.argmax(1)), abs=1e-12)
    assert meter.result() == (loss, accuracy)  # asking twice counts nothing twice


def test_meter_measures_before_it_holds_too_much() -> None:
    """Small batches with the limit in their midst, and batches above it, give what one measurement gives."""
    rows = task_module._FLUSH_ELEMENTS // 10
    outputs, targets = draw(2 * rows + 777, 10)
    expected = (
        nn.functional.cross_entropy(outputs, targets).item(),
        (outputs.argmax(1) == targets).double().mean().item(),
    )
    for size in (1000, rows, rows + 1, 2 * rows):
        meter = Meter(TASK)
        for part, wanted in zip(outputs.split(size), targets.split(size), strict=True):
            meter.add(part, wanted)
            assert sum(held.numel() for held in meter._outputs) < task_module._FLUSH_ELEMENTS
        assert meter.result() == pytest.approx(expected, rel=1e-12)


def test_meter_of_nothing() -> None:
    assert all(math.isnan(value) for value in Meter(TASK).result())


def test_batches_are_the_split_in_order() -> None:
    inputs, targets = draw(10, 3)
    order = torch.tensor([9, 0, 3, 3, 1])
    parts = list(batches(Split.of(inputs, targets), 2, order))
    assert [len(part[1]) for part in parts] == [2, 2, 1]
    assert torch.equal(torch.cat([part[0] for part in parts]), inputs[order])
    assert torch.equal(torch.cat([part[1] for part in parts]), targets[order])


def test_a_trial_reports_what_its_weights_give() -> None:
    trainer, metrics = run_through(trial_config(epochs=2, dtype="float64"))
    for name, split in (("val", trainer.data.val), ("test", trainer.data.test)):
        with torch.no_grad():
            p = trainer.network.eval()(split.inputs).softmax(1)
        assert metrics[f"{name}_loss"] == pytest.approx(log_loss(split.targets, p, labels=range(10)), rel=1e-9)
        assert metrics[f"{name}_accuracy"] == pytest.approx(accuracy_score(split.targets, p.argmax(1)), abs=1e-12)

"""Subnormal numbers are zero while a network trains or is measured, and nowhere else."""

import sys
from collections.abc import Iterator

import pytest
import torch

from sparsetune.testing.trained import trial_config
from sparsetune.training.computing import subnormals_are_zero
from sparsetune.training.trainer import Trainer

pytestmark = pytest.mark.skipif(not torch.set_flush_denormal(False), reason="the processor cannot do it")


@pytest.fixture(autouse=True)
def as_torch_has_it() -> Iterator[None]:
    yield
    torch.set_flush_denormal(False)


def are_zero() -> bool:
    """In torch and in Python, which must agree."""
    found = {(torch.tensor([1e-40]) * 1.0).tolist() == [0.0], sys.float_info.min / 2 == 0}
    assert len(found) == 1
    return found.pop()


def test_within_and_after() -> None:
    assert not are_zero()
    with subnormals_are_zero():
        assert are_zero()
        with subnormals_are_zero():
            assert are_zero()
        assert are_zero()
    assert not are_zero()


def test_after_an_error() -> None:
    with pytest.raises(RuntimeError, match="on purpose"), subnormals_are_zero():
        raise RuntimeError("on purpose")
    assert not are_zero()


def test_who_wants_it_anyway_keeps_it() -> None:
    torch.set_flush_denormal(True)
    with subnormals_are_zero():
        pass
    assert are_zero()


def test_a_trainer_wants_it_in_training_and_evaluation() -> None:
    trainer = Trainer(trial_config(epochs=1, batch_size=1000))
    found: list[tuple[bool, bool]] = []
    trainer.network.register_forward_hook(lambda network, *_: found.append((network.training, are_zero())))
    next(trainer)
    trainer.finish()
    assert found == [(True, True)] * 2 + [(False, True)] * 3  # validation, then that and the test split at the end
    assert not are_zero()

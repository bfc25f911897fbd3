"""What stands beside PMMP's weights: where it lies in memory, and that numbers of it are there with it alone."""

from __future__ import annotations

from typing import Any

import pytest

from sparsetune.sparsity.minimax import copies_of
from sparsetune.testing.trained import restarted, run_through, trial_config
from sparsetune.training.trainer import Trainer

from .walking import toy

OWN = {"undecided", "constraint_violation"}


@pytest.mark.parametrize("last", [False, True])
def test_copies_lie_as_their_weights_do(last: bool) -> None:
    """Else each step takes twice the time; also after a restart."""
    config = trial_config({"name": "pmmp"}, "conv2", epochs=1, batch_size=500, channels_last=last)
    trainer = Trainer(config)
    for each in (trainer, restarted(trainer)):
        weights, beside = dict(each.network.named_parameters()), copies_of(each.session)
        weight = weights["conv2.weight"]
        assert weight.is_contiguous() is not last
        for name, copies in beside.items():
            assert {copy.stride() for copy in copies} == {weights[name].stride()}
        assert [*beside] == [*weights]


@pytest.mark.parametrize(("alpha", "wanted"), [(0.0, set()), (1e-3, OWN)])
def test_numbers_of_copies(alpha: float, wanted: set[str]) -> None:
    method: dict[str, Any] = {"name": "pmmp", "alpha": alpha, "finetune_epochs": 1}
    trainer, numbers = run_through(toy(method))
    assert OWN & numbers.keys() == wanted
    assert all(OWN & row.metrics.keys() == wanted for row in trainer.record)

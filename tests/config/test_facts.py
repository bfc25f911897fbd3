"""What a config lets say before any data are read, by hand."""

from __future__ import annotations

import pytest

from sparsetune.config.facts import normed_batches
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.training.registries import REGISTRIES


def trained_on(samples: int, *, batch_norm: bool = True) -> TrialConfig:
    """Not checked as a whole: a last batch of one sample, which BatchNorm cannot take at all, is refused elsewhere."""
    raw = {
        "method": "dense",
        "data": "digits",
        "model": {"name": "mlp", "hidden": [8], "batch_norm": batch_norm},
        "training": {"batch_size": 64},
    }
    config = resolve_trial(raw, REGISTRIES)
    return config.model_copy(update={"data": config.data.model_copy(update={"num_train": samples})})


@pytest.mark.parametrize(("samples", "sizes"), [(128, [64]), (129, [64]), (130, [64, 2]), (40, [40]), (191, [64, 63])])
def test_batches_of_several_samples(samples: int, sizes: list[int]) -> None:
    assert normed_batches(trained_on(samples), REGISTRIES) == sizes


def test_without_batch_norm_there_are_none() -> None:
    assert normed_batches(trained_on(130, batch_norm=False), REGISTRIES) == []

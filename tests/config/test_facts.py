"""What a config lets say before any data are read, by hand."""

from __future__ import annotations

import pytest

from sparsetune.config.facts import evaluations, normed_batches, rewinds
from sparsetune.config.trial import TrialConfig, resolve_part, resolve_trial
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


def lottery(arm: str = "ticket", **training: object) -> TrialConfig:
    raw = {
        "method": {"name": "lottery", "levels": 8, "arm": arm},
        "data": "digits",
        "model": "mlp",
        "training": {"iterations": 12, "evaluate": "5it", **training},
    }
    return resolve_trial(raw, REGISTRIES)


def test_rows_of_the_longest_way() -> None:
    """Nine levels of three rows each, after 5, 10 and 12 iterations; a control's way has its own and level 0's."""
    assert evaluations(lottery(), REGISTRIES) == 27
    assert evaluations(lottery("one_shot"), REGISTRIES) == evaluations(lottery("random_mask"), REGISTRIES) == 6
    dense = lottery().model_copy(update={"method": resolve_part("method", "dense", REGISTRIES)})
    assert evaluations(dense, REGISTRIES) == 3


def test_what_begins_again() -> None:
    assert rewinds(lottery(), REGISTRIES)
    drr = lottery().model_copy(update={"method": resolve_part("method", "drr", REGISTRIES)})
    assert not rewinds(drr, REGISTRIES), "fine-tuning goes on"

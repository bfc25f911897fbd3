"""Rows of a study with arms, of three seeds each: two sizes of network, a ticket and two controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sparsetune.base.messages import Branch, Trial
from sparsetune.config.study.rows import branch_rows

from .trials import several

ACCURACY = "val_accuracy"
RESULTS: tuple[Mapping[str, Sequence[float]], ...] = (
    {"ticket": (0.96, 0.98, 1.0), "reinit_same_mask": (0.93, 0.96, 0.96), "random_mask": (0.5, 0.9, 0.7)},
    {"ticket": (0.8, 0.8, 0.8), "reinit_same_mask": (0.7, 0.8, 0.9), "random_mask": (0.1, 0.1, 0.1)},
)


def forked(number: int, accuracies: Mapping[str, Sequence[float]], **more: object) -> list[Trial]:
    """The rows of a trial; what each says of test data is 0.01 less."""
    branches = [Branch(f"arm={name}", {"method.arm": name}) for name in accuracies]
    results = {
        (seed, f"arm={name}"): {ACCURACY: each, "test_accuracy": each - 0.01}
        for name, several_seeds in accuracies.items()
        for seed, each in enumerate(several_seeds)
    }
    config = {"method": {"name": "lottery"}, "seed": 0}
    return branch_rows(several(number, results, branches=branches, config=config, **more), [ACCURACY])


def rows() -> list[Trial]:
    sizes = ({"model.name": "fc", "model.n_neurons": 10}, {"model.name": "lenet5_tanh"})
    return [
        row
        for number, (results, params) in enumerate(zip(RESULTS, sizes, strict=True))
        for row in forked(number, results, params=params)
    ]

"""Factors of a branch that cannot be, each in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from .files import refused, write
from .test_cells import AST, BATCH, Raw, chosen


@pytest.mark.parametrize(
    ("choose", "changes", "line"),
    [
        (
            {"ast": {"method.normalize": {"factor": ["none", "ema"], "when": {"method.kp": 1}}}},
            {},
            "method.normalize.when: a factor has no condition: each of its values is crossed with all that is drawn",
        ),
        (
            {"ast": {"method.normalise": {"factor": ["none", "ema"]}}, "dense": None},
            {},
            "method.normalise: unknown name 'method.normalise'; did you mean 'method.normalize'?",
        ),
        (
            {"ast": {"method.normalize": {"factor": ["none", "max"]}}, "dense": None},
            {},
            "method.normalize: found 'max', allowed: 'none', 'ema' or 'log'",
        ),
        (
            {"dense": {"method.mc_samples": {"factor": []}}},
            {},
            "method.mc_samples.factor: at least one value is wanted",
        ),
        (
            {"dense": {"training.batch_size": {"factor": [16]}}, "ast": None},
            {"space": BATCH},
            "dense.training.batch_size: sets training.batch_size, as training.batch_size (",
        ),
        (
            {"dense": {"method.mc_samples": {"factor": [1, 5]}}},
            {"fork": {"method.mc_samples": [1, 5]}},
            "fork.method.mc_samples: varied by the space too; remove one",
        ),
        (
            {"dense": {"method.name": {"factor": ["dense"]}}},
            {},
            "method.name: method.name is dense here",
        ),
        (
            {"ast": AST, "dense": None},
            {"space": {"method.normalize": {"choice": ["log"], "when": {"method.name": "ast"}}}},
            "ast.normalize: sets method.normalize, as method.normalize (",
        ),
    ],
)
def test_refused(choose: Raw, changes: Raw, line: str, tmp_path: Path) -> None:
    said = refused(write(tmp_path, **chosen(tmp_path, choose, **changes)))
    assert said.startswith(line)

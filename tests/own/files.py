"""Files of a user's own, as text: what the tests here share."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from sparsetune.base.messages import OwnFile
from sparsetune.testing import toy_method

TOY = inspect.getsource(toy_method)

METHOD = '''
from typing import Literal
from sparsetune.config.base import Part, param
from sparsetune.sparsity.method import Method

class Config(Part):
    name: Literal["mine"] = "mine"
    strength: float = param(1.0, "how much", phase="train", ge=0)

class Mine(Method):
    """Dense training under another name."""
    VALUE = 1

Mine.Config = Config
METHODS = {"mine": Mine}
'''
"""A method that changes nothing."""

SAMPLER = '''
from typing import Literal
from sparsetune.config.base import Part
from sparsetune.search.samplers.contract import Sampler

class Mine(Sampler):
    """Draws at random; Optuna is loaded where it is used, for a worker need not have it."""
    VALUE = 1

    class Config(Part):
        name: Literal["mine"] = "mine"

    @classmethod
    def make(cls, config, problem, number):
        from optuna.samplers import RandomSampler
        return RandomSampler(seed=1000 * problem.seed + number)

SAMPLERS = {"mine": Mine}
'''
"""A sampler, and no torch."""


def toy(**changes: str) -> OwnFile:
    """The toy as a file of a user's own; each change replaces a text of it by another."""
    text = TOY
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return OwnFile("my_method.py", text)


def own(text: str, name: str = "my_method.py") -> OwnFile:
    return OwnFile(name, text)


def project(root: Path, text: str, **changes: Any) -> Path:
    """A project outside the repository with ``studies/small.yaml`` and ``studies/my_method.py``; returns the study."""
    from sparsetune.testing.studies import write_study

    study = {
        "import": ["my_method.py"],
        "method": {"name": "toy"},
        "space": {"method.density": {"float": [0.05, 1.0], "log": True}},
        "objectives": [{"metric": "margin", "goal": "maximize"}, {"metric": "density", "goal": "minimize"}],
        "training": {"epochs": 2, "batch_size": 128},
    }
    file = write_study(root, **{**study, **changes})
    (file.parent / "my_method.py").write_text(text)
    return file

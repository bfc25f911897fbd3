"""Modules that had other names in earlier versions, for files of users' own: importing one gives what it is now."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

FORMER = {
    "sparsetune.api": "sparsetune.app.api",
    "sparsetune.base.cadence": "sparsetune.base.durations",
    "sparsetune.base.duration": "sparsetune.base.durations",
    "sparsetune.config.checking": "sparsetune.config.base",
    "sparsetune.config.errors": "sparsetune.base.errors",
    "sparsetune.config.messages": "sparsetune.base.messages",
    "sparsetune.config.outlook": "sparsetune.config.facts",
    "sparsetune.config.paths": "sparsetune.base.paths",
    "sparsetune.config.seeds": "sparsetune.base.seeds",
    "sparsetune.data.ahead": "sparsetune.data.delivery",
    "sparsetune.data.folders": "sparsetune.data.roots",
    "sparsetune.data.image_sets": "sparsetune.data.images.sets",
    "sparsetune.data.moments": "sparsetune.data.scaling",
    "sparsetune.data.precision": "sparsetune.data.scaling",
    "sparsetune.measures.calibration": "sparsetune.measures.quality",
    "sparsetune.measures.description": "sparsetune.measures.size",
    "sparsetune.measures.energy": "sparsetune.measures.machine",
    "sparsetune.measures.memory": "sparsetune.measures.machine",
    "sparsetune.models.images": "sparsetune.models.stem",
    "sparsetune.models.patches": "sparsetune.models.stem",
    "sparsetune.models.pool": "sparsetune.models.layers",
    "sparsetune.models.residual": "sparsetune.models.resnet",
    "sparsetune.sparsity.bare": "sparsetune.sparsity.edge_popup",
    "sparsetune.sparsity.schedules": "sparsetune.sparsity.controller",
    "sparsetune.sparsity.scores": "sparsetune.sparsity.selecting",
    "sparsetune.sparsity.thresholds": "sparsetune.sparsity.controller",
    "sparsetune.training.augment": "sparsetune.data.augment",
    "sparsetune.training.data": "sparsetune.data",
    "sparsetune.training.metrics": "sparsetune.measures",
    "sparsetune.training.models": "sparsetune.models",
    "sparsetune.training.order": "sparsetune.training.randomness",
    "sparsetune.training.rebuild": "sparsetune.training.left.rebuild",
    "sparsetune.training.ticket": "sparsetune.training.left.ticket",
}


class FormerNames(MetaPathFinder, Loader):
    """Goes first: a package's folder would give its modules a second time, under the former name."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return spec_from_loader(fullname, self) if present(fullname) else None

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        name = present(module.__name__)
        assert name is not None
        sys.modules[module.__name__] = import_module(name)


def present(name: str) -> str | None:
    """What a module is called now; None for one that has its first name."""
    parts = name.split(".")
    for end in range(len(parts), 1, -1):
        now = FORMER.get(".".join(parts[:end]))
        if now is not None:
            return ".".join([now, *parts[end:]])
    return None

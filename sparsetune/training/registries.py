"""Everything that a trial's config can name."""

from __future__ import annotations

from functools import cache

from sparsetune.base.messages import OwnFile
from sparsetune.config.own_tables import with_files, with_packages
from sparsetune.config.registry import Registries
from sparsetune.data import DATA
from sparsetune.models import MODELS
from sparsetune.sparsity.methods import METHODS, METRICS

REGISTRIES = Registries(method=METHODS, data=DATA, model=MODELS, metrics=METRICS)
"""What is built in."""


@cache
def registries_of(imports: tuple[OwnFile, ...] = ()) -> Registries:
    """What is built in, what installed packages bring, and what these files register; raises ``BadInput``."""
    return with_files(with_packages(REGISTRIES), imports)

"""Everything that a trial's config can name."""

from __future__ import annotations

from functools import cache

from sparsetune.config.messages import OwnFile
from sparsetune.config.own_tables import with_files, with_packages
from sparsetune.config.registry import Registries
from sparsetune.sparsity.methods import METHODS
from sparsetune.training.data import DATA
from sparsetune.training.models import MODELS

REGISTRIES = Registries(method=METHODS, data=DATA, model=MODELS)
"""What is built in."""


@cache
def registries_of(imports: tuple[OwnFile, ...] = ()) -> Registries:
    """What is built in, what installed packages bring, and what these files register; raises ``BadInput``."""
    return with_files(with_packages(REGISTRIES), imports)

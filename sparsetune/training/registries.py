"""Everything that a trial's config can name."""

from sparsetune.config.registry import Registries
from sparsetune.sparsity.methods import METHODS
from sparsetune.training.data import DATA
from sparsetune.training.models import MODELS

REGISTRIES = Registries(method=METHODS, data=DATA, model=MODELS)

"""The tables that ship with scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sparsetune.config.facts import Kind
from sparsetune.training.data.pools import Samples
from sparsetune.training.data.table_columns import Table


@dataclass(frozen=True)
class Bundled:
    """What is known of a set without importing scikit-learn, which takes a second."""

    task: Kind
    rows: int
    features: int
    outputs: int


SETS = {
    "breast_cancer": Bundled("classification", 569, 30, 2),
    "diabetes": Bundled("regression", 442, 10, 1),
    "iris": Bundled("classification", 150, 4, 3),
    "wine": Bundled("classification", 178, 13, 3),
}


def read_bundled(name: str) -> Table:
    """One of ``SETS``, in its own units."""
    from sklearn import datasets

    own = {"scaled": False} if name == "diabetes" else {}
    found = getattr(datasets, f"load_{name}")(**own)
    inputs = np.ascontiguousarray(found.data, np.float32)
    features = tuple(map(str, found.feature_names))
    if SETS[name].task == "regression":
        return Table(Samples(inputs, found.target.astype(np.float32)[:, None]), features)
    return Table(Samples(inputs, found.target.astype(np.int64)), features, tuple(map(str, found.target_names)))

"""The tables that ship with scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sparsetune.config.facts import Kind
from sparsetune.data.tables.cells import Text
from sparsetune.data.tables.columns import Categories, Numbers
from sparsetune.data.tables.table import Table


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
    features = [
        Numbers(name, values.astype(np.float64)) for name, values in zip(found.feature_names, found.data.T, strict=True)
    ]
    if SETS[name].task == "regression":
        return Table(features, [Numbers("target", found.target.astype(np.float64))])
    classes = Text(found.target.astype(np.int64), tuple(map(str, found.target_names)))
    return Table(features, [Categories("target", classes)])

"""A table of inputs and targets: what is learned from what, how it is stored, and those that scikit-learn brings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from sparsetune.config.metrics import Kind
from sparsetune.data.maker import Maker
from sparsetune.data.pools import Array
from sparsetune.data.scaling import distinct, float32_holds
from sparsetune.data.tables.cells import Text
from sparsetune.data.tables.columns import Categories, Numbers

_TOGETHER = 1 << 14  # rows that are written at once


@dataclass(frozen=True)
class Table:
    """Columns of N rows.

    Attributes:
        targets: one for classification, whose values are the classes; one or more for regression.
        remarks: what a user should be told.
    """

    inputs: Sequence[Numbers | Categories]
    targets: Sequence[Numbers | Categories]
    remarks: Sequence[str] = ()

    def store(self, maker: Maker) -> Mapping[str, Any]:
        """Write inputs (N, features), and targets (N,) int64 of classes or (N, outputs), and say what they are.

        Floats are float32 where that holds them, else float64: what is left once their mean is taken off counts.
        """
        features = tuple(feature for column in self.inputs for feature in column.features)
        (first, *_) = self.targets
        classes = first.text.texts if isinstance(first, Categories) else ()
        coarse = {"inputs": _coarse(self.inputs), "targets": _coarse(self.targets)}
        self._write_inputs(maker, np.float64 if coarse["inputs"] else np.float32)
        if isinstance(first, Categories):
            maker.put("targets", first.text.codes)
        else:
            targets = np.stack([column.key for column in self.targets], axis=1)
            maker.put("targets", targets if coarse["targets"] else targets.astype(np.float32))
        return {
            "rows": len(first.key),
            "features": len(features),
            "outputs": len(classes) or len(self.targets),
            "classes": classes,
            "inputs": features,
            "coarse": coarse,
            "remarks": [*self.remarks, *_outliers([*self.inputs, *self.targets])],
        }

    def _write_inputs(self, maker: Maker, dtype: Any) -> None:
        count, widths = len(self.targets[0].key), [len(column.features) for column in self.inputs]
        ends = np.cumsum([0, *widths])
        with closing(maker.rows("inputs", (int(ends[-1]),), dtype, count)) as writer:
            for start in range(0, count, _TOGETHER):
                rows = slice(start, min(start + _TOGETHER, count))
                block = np.empty((rows.stop - start, ends[-1]), dtype)
                for column, left, right in zip(self.inputs, ends, ends[1:], strict=False):
                    column.fill(block[:, left:right], rows)
                writer.append(block)
            writer.complete()


def _outliers(columns: Sequence[Numbers | Categories]) -> Iterator[str]:
    for name, values in _wide(columns):
        of, count = distinct((values - values.mean()) / values.std())
        if 2 * count < of:
            yield (
                f"column {name!r}: some numbers lie so far from the others that of {of:,} different ones float32 makes "
                f"{count:,}, also standardised; data.missing can name them"
            )


def _coarse(columns: Sequence[Numbers | Categories]) -> list[tuple[str, int, int]]:
    """Of the columns that float32 does not hold name, different values, and as many as float32 makes of them."""
    return [(name, *distinct(values)) for name, values in _wide(columns)]


def _wide(columns: Sequence[Numbers | Categories]) -> Iterator[tuple[str, Array]]:
    numbers = ((column.name, column.values) for column in columns if isinstance(column, Numbers))
    return ((name, values) for name, values in numbers if not float32_holds(values))


@dataclass(frozen=True)
class Bundled:
    """What can be said of a set without importing scikit-learn, which takes a second."""

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
    bundle = getattr(datasets, f"load_{name}")(**own)
    columns = zip(bundle.feature_names, bundle.data.T, strict=True)
    features = [Numbers(name, values.astype(np.float64)) for name, values in columns]
    if SETS[name].task == "regression":
        return Table(features, [Numbers("target", bundle.target.astype(np.float64))])
    classes = Text(bundle.target.astype(np.int64), tuple(map(str, bundle.target_names)))
    return Table(features, [Categories("target", classes)])

"""Tables: a CSV or parquet file of yours, or one that ships with scikit-learn; classification or regression.

Files:  names of columns in the first line; every column that is neither ``target`` nor in ``ignore`` is an input. A
        column of text becomes one input of 0 and 1 for each of its values, of which it has at most 100; true and
        false are 1 and 0. Missing are empty cells alone, and the words in ``missing``. Text that looks like numbers or
        dates is refused with the settings that read it, and columns that may know the target are named.
Splits: 70 / 10 / 20 %, each class with its share. Inputs are standardised by the training split, and so are the
        targets of regression, both before they become float32; metrics are in the data's own unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sparsetune.base.errors import BadInput, shown
from sparsetune.config.metrics import Kind
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.data import store
from sparsetune.data.contract import DataSet, Outline, Progress
from sparsetune.data.pools import Pools, Samples
from sparsetune.data.roots import expanded, identity
from sparsetune.data.tables.config import FILE_SETTINGS, PARQUET, TabularConfig, ending, refuse_contradictions
from sparsetune.data.tables.file import parts
from sparsetune.data.tables.read import table_of
from sparsetune.data.tables.table import SETS, read_bundled

VERSION = 3  # of decoding: a change of what comes out makes what was decoded before unknown


class Tabular(DataSet):
    """Rows of a table: a CSV or parquet file, or a set that ships with scikit-learn."""

    Config = TabularConfig

    @classmethod
    def task(cls, config: TabularConfig) -> Kind:
        return config.kind

    @classmethod
    def standardizes_targets(cls, config: TabularConfig) -> bool:
        return config.standardize_targets and config.kind == "regression"

    @classmethod
    def check(cls, config: TrialConfig, registries: Registries) -> None:
        assert isinstance(config.data, TabularConfig)
        refuse_contradictions(config.data)
        super().check(config, registries)
        if config.training.dtype == "float32":
            _refuse_merged(config.data)

    @classmethod
    def outline(cls, config: TabularConfig) -> Outline | None:
        if config.set:
            bundled = SETS[config.set]
            return Outline((bundled.features,), bundled.outputs, samples=bundled.rows, has_test=False)
        decoded = _stored(config)
        if decoded is None:
            return None
        return Outline((decoded.meta["features"],), decoded.meta["outputs"], decoded.meta["rows"], has_test=False)

    @classmethod
    def locate(cls, config: TabularConfig, project_root: Path) -> TabularConfig:
        refuse_contradictions(config)
        if config.path is None:
            return config
        path = (project_root / expanded(config.path, "data.path")).absolute()
        if path.is_dir() and ending(path) != PARQUET:
            raise BadInput(found=f"a folder, {path}", allowed=f"a file, or a folder NAME{PARQUET}", key="data.path")
        if path.is_dir():
            parts(path)
        elif not path.is_file():
            raise BadInput(f"no file {path}", key="data.path", code="missing")
        return config.model_copy(update={"path": str(path)})

    @classmethod
    def prepare(cls, config: TabularConfig, progress: Progress) -> None:
        decoded = _decoded(config, partial(progress, 0, 0))
        progress(decoded.meta["rows"], decoded.meta["rows"])

    @classmethod
    def remarks(cls, config: TabularConfig) -> list[str]:
        decoded = _stored(config)
        if decoded is None:
            return []
        few = (
            f"column {name!r}: of {of:,} different numbers float32 makes {count:,}, as {setting} says"
            for setting, columns in _unscaled(config, decoded).items()
            for name, of, count in columns
            if count < of
        )
        return [*decoded.meta["remarks"], *few]

    @classmethod
    def at_hand(cls, config: TabularConfig) -> Pools:
        """A table is decoded as soon as its column of classes is read."""
        return cls.read(config)

    @classmethod
    def read(cls, config: TabularConfig) -> Pools:
        """Inputs (N, features), mapped from the store."""
        decoded = _decoded(config)
        samples = Samples(decoded.array("inputs"), decoded.array("targets"))
        meta = decoded.meta
        classes, features = tuple(meta["classes"]), tuple(meta["inputs"])
        return Pools(samples, meta["outputs"], digest=meta["digest"], classes=classes, features=features)


def _stored(config: TabularConfig) -> store.Decoded | None:
    try:
        return store.find(*_label_and_key(config))
    except (OSError, BadInput):
        return None


def _unscaled(config: TabularConfig, decoded: store.Decoded) -> dict[str, list[tuple[str, int, int]]]:
    """By setting, what float32 does not hold and is not standardised: name, different numbers, as many of float32."""
    coarse = decoded.meta["coarse"]
    unscaled = {}
    if config.normalize == "none":
        unscaled["data.normalize: none"] = coarse["inputs"]
    if not config.standardize_targets:
        unscaled["data.standardize_targets: false"] = coarse["targets"]
    return unscaled


def _refuse_merged(config: TabularConfig) -> None:
    """Raise :class:`BadInput` where float32 loses most of what differs, and no mean is taken off before."""
    decoded = None if config.normalize != "none" and config.standardize_targets else _stored(config)
    for setting, columns in _unscaled(config, decoded).items() if decoded is not None else ():
        key, _, value = setting.partition(": ")
        for name, of, count in columns:
            if 2 * count < of:
                allowed = f"{'standard' if value == 'none' else 'true'}, or training.dtype: float64"
                lost = f"of {of:,} different numbers in column {name!r} float32 makes {count:,}"
                raise BadInput(lost, found=value, allowed=allowed, key=key)


def _decoded(config: TabularConfig, waits: Callable[[], object] | None = None) -> store.Decoded:
    if config.set is None and not Path(config.path or "").is_absolute():
        raise BadInput(found=shown(config.path), allowed="an absolute path", key="data.path")
    try:
        label, key = _label_and_key(config)
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        raise BadInput(problem, source=config.path, key="data.path", code="unavailable") from None
    return store.get(label, key, lambda maker: _decode(config, maker), waits)


def _label_and_key(config: TabularConfig) -> tuple[str, dict[str, Any]]:
    if config.set is not None:
        return f"tabular {config.set}", {"set": config.set, "scikit-learn": version("scikit-learn"), "version": VERSION}
    path = Path(config.path or "")
    file = [identity(part) for part in parts(path)] if path.is_dir() else identity(path)
    key = {"file": file, "task": config.kind, "version": VERSION}
    return f"tabular {path.name}", key | {name: getattr(config, name) for name in FILE_SETTINGS}


def _decode(config: TabularConfig, maker: store.Maker) -> Mapping[str, Any]:
    table = read_bundled(config.set) if config.set is not None else table_of(config, Path(config.path or ""))
    return {"source": config.path or f"scikit-learn's {config.set}", **table.store(maker)}

"""Tables: a CSV or parquet file of yours, or one that ships with scikit-learn; classification or regression.

Files:  names of columns in the first line; every column that is neither ``target`` nor in ``ignore`` is an input. A
        column of text becomes one input of 0 and 1 for each of its values, of which it has at most 100; true and
        false are 1 and 0.
Splits: 70 / 10 / 20 %, each class with its share. Inputs are standardised by the training split, and so are the
        targets of regression; metrics are in the data's own unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from pydantic import field_validator

from sparsetune.config.base import param
from sparsetune.config.errors import BadInput, shown
from sparsetune.config.facts import Kind
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.training.data import store
from sparsetune.training.data.bundled import SETS, read_bundled
from sparsetune.training.data.contract import DataSet, OnePoolConfig, Outline, Progress
from sparsetune.training.data.pools import Pools, Samples
from sparsetune.training.data.roots import expanded, identity
from sparsetune.training.data.table_columns import table_of
from sparsetune.training.data.table_file import ENDINGS, ending, read_table

VERSION = 2  # of decoding: a change of what comes out makes old entries unknown


class TabularConfig(OnePoolConfig):
    """Settings of tabular."""

    name: Literal["tabular"] = "tabular"
    path: str | None = param(
        None, f"a file ({', '.join(ENDINGS)}); a relative one counts from the project's root", place=True
    )
    set: Literal["breast_cancer", "diabetes", "iris", "wine"] | None = param(
        None, "instead of a file, a set that ships with scikit-learn"
    )
    target: str | tuple[str, ...] | None = param(None, "column to predict; for regression also a list of columns")
    ignore: tuple[str, ...] = param((), "columns that are no inputs")
    separator: str | None = param(None, "between the values of a text file; else a comma, in .tsv a tab")
    task: Literal["classification", "regression"] | None = param(
        None, "what is learned; else classification, or what the set is for"
    )
    standardize_targets: bool = param(True, "regression learns targets of mean 0 and deviation 1")
    normalize: Literal["standard", "none"] = param(
        "standard", "standard: mean 0, deviation 1 by input over the training split; none"
    )
    augment: Literal["none"] = param("none", "for images")

    @field_validator("target", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @property
    def targets(self) -> tuple[str, ...]:
        return (self.target,) if isinstance(self.target, str) else self.target or ()


class Tabular(DataSet):
    """Rows of a table: a CSV or parquet file, or a set that ships with scikit-learn."""

    Config = TabularConfig

    @classmethod
    def task(cls, config: TabularConfig) -> Kind:
        return SETS[config.set].task if config.set else config.task or "classification"

    @classmethod
    def standardizes_targets(cls, config: TabularConfig) -> bool:
        return config.standardize_targets and cls.task(config) == "regression"

    @classmethod
    def check(cls, config: TrialConfig, registries: Registries) -> None:
        assert isinstance(config.data, TabularConfig)
        refuse_contradictions(config.data)
        super().check(config, registries)

    @classmethod
    def outline(cls, config: TabularConfig) -> Outline | None:
        if config.set:
            known = SETS[config.set]
            return Outline((known.features,), known.outputs, samples=known.rows, has_test=False)
        try:
            entry = store.find(*_label_and_key(config))
        except OSError:
            return None
        if entry is None:
            return None
        return Outline((entry.meta["features"],), entry.meta["outputs"], entry.meta["rows"], has_test=False)

    @classmethod
    def locate(cls, config: TabularConfig, project_root: Path) -> TabularConfig:
        refuse_contradictions(config)
        if config.path is None:
            return config
        path = (project_root / expanded(config.path, "data.path")).absolute()
        if not path.is_file():
            raise BadInput(f"no file {path}", key="data.path")
        return config.model_copy(update={"path": str(path)})

    @classmethod
    def prepare(cls, config: TabularConfig, progress: Progress) -> None:
        entry = _entry(config, partial(progress, 0, 0))
        progress(entry.meta["rows"], entry.meta["rows"])

    @classmethod
    def at_hand(cls, config: TabularConfig) -> Pools:
        """A table is decoded as soon as its column of classes is read."""
        return cls.read(config)

    @classmethod
    def read(cls, config: TabularConfig) -> Pools:
        """Inputs (N, features) of float32, mapped from the store."""
        entry = _entry(config)
        samples = Samples(entry.array("inputs"), entry.array("targets"))
        return Pools(samples, entry.meta["outputs"], digest=entry.meta["digest"], classes=tuple(entry.meta["classes"]))


def refuse_contradictions(config: TabularConfig) -> None:
    """Raise :class:`BadInput` for settings that do not go together."""
    if (config.path is None) == (config.set is None):
        found = "neither" if config.path is None else "both"
        raise BadInput(f"found {found}, allowed: either data.path or data.set", key="data.path")
    if config.set is not None:
        _refuse_file_settings(config)
        return
    if ending(Path(config.path or "")) is None:
        raise BadInput(
            f"found {shown(config.path)}, allowed: a name that ends in {', '.join(ENDINGS)}", key="data.path"
        )
    if not config.targets:
        raise BadInput("missing: the column to predict", key="data.target")
    if len(config.targets) > 1 and Tabular.task(config) == "classification":
        raise BadInput(f"found {len(config.targets)} columns, allowed for classification: one", key="data.target")


def _refuse_file_settings(config: TabularConfig) -> None:
    for name in ("target", "ignore", "separator"):
        if getattr(config, name):
            raise BadInput(f"found {shown(getattr(config, name))}, allowed with data.set: none", key=f"data.{name}")
    own = Tabular.task(config)
    if config.task not in (None, own):
        raise BadInput(f"found {config.task}, allowed for {config.set}: {own}", key="data.task")


def _entry(config: TabularConfig, waits: Callable[[], object] | None = None) -> store.Entry:
    if config.set is None and not Path(config.path or "").is_absolute():
        raise BadInput(f"found {shown(config.path)}, allowed: an absolute path", key="data.path")
    try:
        label, key = _label_and_key(config)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", source=config.path, key="data.path") from None
    return store.get(label, key, lambda maker: _decode(config, maker), waits)


def _label_and_key(config: TabularConfig) -> tuple[str, dict[str, Any]]:
    if config.set is not None:
        return f"tabular {config.set}", {"set": config.set, "scikit-learn": version("scikit-learn")}
    path = Path(config.path or "")
    key = {
        "file": identity(path),
        "columns": [config.targets, config.ignore],
        "separator": config.separator,
        "task": Tabular.task(config),
        "version": VERSION,
    }
    return f"tabular {path.name}", key


def _decode(config: TabularConfig, maker: store.Maker) -> Mapping[str, Any]:
    if config.set is not None:
        table = read_bundled(config.set)
    else:
        path = Path(config.path or "")
        table = table_of(read_table(path, config.separator), config.targets, config.ignore, Tabular.task(config), path)
    maker.put("inputs", table.samples.inputs)
    maker.put("targets", table.samples.targets)
    return {
        "source": config.path or f"scikit-learn's {config.set}",
        "rows": len(table.samples),
        "features": table.samples.inputs.shape[1],
        "outputs": len(table.classes) or table.samples.targets.shape[1],
        "classes": table.classes,
        "inputs": table.features,
    }

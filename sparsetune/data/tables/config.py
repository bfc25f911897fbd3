"""What a study file can say of a table."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from pydantic import field_validator

from sparsetune.base.errors import BadInput, shown
from sparsetune.config.base import param
from sparsetune.config.metrics import Kind
from sparsetune.data.contract import OnePoolConfig
from sparsetune.data.tables.table import SETS

SEPARATORS = {".csv": ",", ".csv.gz": ",", ".tsv": "\t", ".tsv.gz": "\t"}
PARQUET = ".parquet"
ENDINGS = (*SEPARATORS, PARQUET)
FILE_SETTINGS = (  # what decides how a file is decoded
    *("target", "ignore", "separator", "missing", "on_missing"),
    *("decimal", "thousands", "units", "dates", "categories"),
)
_READ_AS = ("units", "dates", "categories")


class TabularConfig(OnePoolConfig):
    """Settings of tabular."""

    name: Literal["tabular"] = "tabular"
    path: str | None = param(
        None,
        f"a file ({', '.join(ENDINGS)}), or a folder NAME{PARQUET} of such files; a relative one counts from the "
        "project's root",
        place=True,
    )
    set: Literal["breast_cancer", "diabetes", "iris", "wine"] | None = param(
        None, "instead of a file, a set that ships with scikit-learn"
    )
    target: str | tuple[str, ...] | None = param(None, "column to predict; for regression also a list of columns")
    ignore: tuple[str, ...] = param((), "columns that are no inputs")
    separator: str | None = param(None, "between the values of a text file; else a comma, in .tsv a tab")
    missing: tuple[str | int | float, ...] = param(
        (), 'words and numbers that stand for a missing value, such as [NA, "?", -999]; an empty cell always does'
    )
    on_missing: Literal["refuse", "drop_rows"] = param(
        "refuse", "what a missing value in an input or target means: an error that names it, or a row that is left out"
    )
    decimal: Literal[".", ","] = param(".", "between the whole and the fraction of numbers that are text")
    thousands: Literal[",", ".", " ", "'", "_"] | None = param(
        None, "between groups of digits of numbers that are text: 1,050 is 1050"
    )
    units: tuple[str, ...] = param(
        (), "columns of numbers with one unit behind them, or a currency before: of 30% and 12 kg the numbers 30 and 12"
    )
    dates: tuple[str, ...] = param(
        (), "columns of dates and times, read as days since 1970-01-01 (UTC); of times of day as fractions of a day"
    )
    categories: tuple[str, ...] = param((), "columns whose values are categories, whatever they look like")
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

    @field_validator("missing", mode="before")
    @classmethod
    def _words(cls, values: Any) -> Any:
        for value in values if isinstance(values, (list, tuple)) else ():
            if value is None or isinstance(value, bool):
                raise ValueError(f"found {shown(value)}, allowed: words and numbers; a word like it wants quotes")
        return values

    @property
    def targets(self) -> tuple[str, ...]:
        return (self.target,) if isinstance(self.target, str) else self.target or ()

    @property
    def kind(self) -> Kind:
        """What is learned."""
        return SETS[self.set].task if self.set else self.task or "classification"


def ending(path: Path) -> str | None:
    """The one of ``ENDINGS`` that a name has."""
    return next((each for each in ENDINGS if path.name.lower().endswith(each)), None)


def refuse_contradictions(config: TabularConfig) -> None:
    """Raise :class:`BadInput` for settings that do not go together."""
    if (config.path is None) == (config.set is None):
        both = "neither" if config.path is None else "both"
        raise BadInput(found=both, allowed="either data.path or data.set", key="data.path")
    if config.set is not None:
        _refuse_file_settings(config)
        return
    if ending(Path(config.path or "")) is None:
        allowed = f"a name that ends in {', '.join(ENDINGS)}"
        raise BadInput(found=shown(config.path), allowed=allowed, key="data.path")
    if not config.targets:
        raise BadInput("missing: the column to predict", key="data.target", code="missing")
    if config.kind == "classification" and len(config.targets) > 1:
        raise BadInput(found=f"{len(config.targets)} columns", allowed="one for classification", key="data.target")
    if config.thousands == config.decimal:
        problem = f"found {shown(config.thousands)}, which is data.decimal too"
        raise BadInput(problem, key="data.thousands", code="conflict")
    for one, other in combinations(_READ_AS, 2):
        if shared := sorted({*getattr(config, one)} & {*getattr(config, other)}):
            problem = f"found {shown(shared[0])}, which stands in data.{one} too"
            raise BadInput(problem, key=f"data.{other}", code="conflict")
    _refuse_readings_of_targets(config)


def _refuse_file_settings(config: TabularConfig) -> None:
    for name in FILE_SETTINGS:
        value = getattr(config, name)
        if value != type(config).model_fields[name].default:
            raise BadInput(found=shown(value), allowed="none with data.set", key=f"data.{name}")
    own = SETS[config.set].task if config.set else None
    if config.task not in (None, own):
        raise BadInput(found=str(config.task), allowed=f"{own} for {config.set}", key="data.task")


def _refuse_readings_of_targets(config: TabularConfig) -> None:
    """Classes are the texts themselves, and what is predicted by regression is a number."""
    readings = ("units", "dates") if config.kind == "classification" else ("categories",)
    for name in readings:
        if wrong := sorted({*config.targets} & {*getattr(config, name)}):
            target, inputs = f"{shown(wrong[0])}, the target", f"inputs for {config.kind}"
            raise BadInput(found=target, allowed=inputs, key=f"data.{name}")

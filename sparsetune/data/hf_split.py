"""A split of a Hugging Face data set, opened when it is looked into: importing `datasets` takes seconds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sparsetune.base.errors import BadInput, unknown
from sparsetune.data.hf_config import HfConfig
from sparsetune.data.images import Item

_BATCH = 32  # rows that are read at once


def refuse_missing_package() -> None:
    """Raise :class:`BadInput` with the line to type where `datasets` is not installed."""
    if find_spec("datasets") is None:
        raise BadInput("hf wants the package datasets: pip install 'sparsetune[hf]'", key="data.name")


class HfSplit:
    """The images of one split."""

    def __init__(self, config: HfConfig, setting: str, split: str, identity: Mapping[str, Any]) -> None:
        self.setting = setting
        self.source = config.repo or str(config.path)
        self.label = f"{Path(self.source).name}-{split}"
        self.identity = identity
        self.remarks: list[str] = []
        self._config = config
        self._split = split

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def classes(self) -> tuple[str, ...]:
        return self._labels[0]

    @property
    def labels(self) -> list[int]:
        return self._labels[1]

    def items(self) -> Iterator[Item]:
        """Raises :class:`BadInput` for a column that holds no images."""
        column, labels = self._config.image, self._labels[1]
        try:
            rows = self._rows.select_columns([column]).cast_column(column, _datasets().Image(decode=False))
        except (ValueError, TypeError, NotImplementedError):  # pyarrow's errors are among these
            found = self._rows.features[column]
            raise BadInput(f"column {column!r} holds {found}, wanted images", key="data.image") from None
        for start in range(0, len(rows), _BATCH):
            for number, image in enumerate(rows[start : start + _BATCH][column], start=start):
                yield Item(f"{self._split}[{number}]", labels[number], _content(image))

    @cached_property
    def _rows(self) -> Any:
        datasets, config = _datasets(), self._config
        try:
            rows = datasets.load_dataset(self.source, name=config.subset, split=self._split, revision=config.revision)
        except Exception as error:  # whatever its readers and the network have against it
            raise BadInput(_trouble(error, config), source=self.source, key=f"data.{self.setting}") from None
        for setting, column in (("image", config.image), ("label", config.label)):
            if column not in rows.column_names:
                raise BadInput(unknown("column", column, rows.column_names), source=self.source, key=f"data.{setting}")
        return rows

    @cached_property
    def _labels(self) -> tuple[tuple[str, ...], list[int]]:
        """Names of the classes, and of each row a position among them."""
        values = list(self._rows[self._config.label])
        feature = self._rows.features[self._config.label]
        named = isinstance(feature, _datasets().ClassLabel)
        classes = range(feature.num_classes) if named else _sorted(values)
        position = {value: number for number, value in enumerate(classes)}
        for number, value in enumerate(values):
            if value not in position:
                raise BadInput(
                    f"row {number} of {self._split} has {value!r}, allowed: a class by its name or a whole number",
                    source=self.source,
                    key="data.label",
                )
        return tuple(feature.names if named else map(str, classes)), [position[value] for value in values]


def _datasets() -> Any:
    """The package, which reads these variables once, when it is imported; it is imported here alone."""
    refuse_missing_package()
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_UPDATE_DOWNLOAD_COUNTS", "0")
    import datasets

    return datasets


def _sorted(values: list[Any]) -> list[Any]:
    """The classes among them: names, or whole numbers."""
    return sorted({value for value in values if isinstance(value, int | str)})


def _content(image: Mapping[str, Any] | None) -> Path | bytes:
    if image is None:
        return b""
    return image["bytes"] if image["bytes"] is not None else Path(image["path"])


def _trouble(error: Exception, config: HfConfig) -> str:
    cause: BaseException = error
    while cause.__cause__ is not None:  # `datasets` wraps what says more in what says less
        cause = cause.__cause__
    said = str(cause).strip().partition("\n")[0][:200].rstrip(". ") or type(cause).__name__
    token = "" if config.repo is None or os.environ.get("HF_TOKEN") else "; a set that is not public wants HF_TOKEN"
    return f"cannot be loaded: {said}{token}"

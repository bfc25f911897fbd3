"""Images from Hugging Face `datasets`: a set of the hub, or files on this machine in a form that `datasets` reads.

Splits: those that are named; validation and test that are not are drawn from the training split.
Wants:  pip install 'sparsetune[hf]'. Sets that are not public want HF_TOKEN, in the environment or in .env. Code that
        comes with a set is never run.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from pydantic import model_validator

from sparsetune.base.errors import BadInput
from sparsetune.config.base import param
from sparsetune.data.images.files import ImagesConfig, Item
from sparsetune.data.images.listing import all_files
from sparsetune.data.images.sets import ImageSet
from sparsetune.data.roots import VARIABLE, absolute, found_folder

SETTINGS = {"train": "train_split", "val": "val_split", "test": "test_split"}
_BATCH = 32  # rows that are read at once


class HfConfig(ImagesConfig):
    """Settings of a Hugging Face data set; either ``repo`` or ``path``."""

    name: Literal["hf"] = "hf"
    repo: str | None = param(None, "OWNER/SET of the hub")
    path: str | None = param(
        None,
        "folder of parquet or image files, or one that save_to_disk wrote; from the project, or from the folder of "
        f"data files ({VARIABLE})",
        place=True,
    )
    revision: str | None = param(None, "commit, tag or branch of repo; else what is newest when it is first decoded")
    subset: str | None = param(None, "which configuration of the set; else its own default")
    train_split: str = param("train", "name of the training split, also a part such as train[:10%]")
    val_split: str | None = param(None, "name of the validation split; else val_size of train_split")
    test_split: str | None = param(None, "name of the test split; else test_size of train_split")
    image: str = param("image", "column of the images")
    label: str = param("label", "column of the classes: names, or whole numbers")

    @model_validator(mode="after")
    def _one_source(self) -> HfConfig:
        if (self.repo is None) == (self.path is None):
            raise ValueError("allowed: repo (a set of the hub) or path (a folder), one of them")
        if self.repo is None and self.revision is not None:
            raise ValueError("revision goes with repo")
        return self

    @model_validator(mode="after")
    def _no_sample_twice(self) -> HfConfig:
        named = [(setting, split) for setting in SETTINGS.values() if (split := getattr(self, setting)) is not None]
        for (one, split), (two, other) in combinations(named, 2):
            if _share(split, other):
                raise ValueError(f"{two} {other!r} shares images with {one} {split!r}")
        return self


def _share(one: str, two: str) -> bool:
    """Whether both surely have some rows: the same part, or a part and the whole; other slices are not compared."""
    return any(
        a == b or (a.partition("[")[0] == b.partition("[")[0] and not ("[" in a and "[" in b))
        for a in one.split("+")
        for b in two.split("+")
    )


def refuse_missing_package() -> None:
    """Raise :class:`BadInput` with the line to type where `datasets` is not installed."""
    if find_spec("datasets") is None:
        raise BadInput("hf wants the package datasets: pip install 'sparsetune[hf]'", key="data.name", code="missing")


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
            held = self._rows.features[column]
            raise BadInput(found=f"column {column!r} of {held}", allowed="images", key="data.image") from None
        for start in range(0, len(rows), _BATCH):
            for number, image in enumerate(rows[start : start + _BATCH][column], start=start):
                yield Item(f"{self._split}[{number}]", labels[number], _content(image))

    @cached_property
    def _rows(self) -> Any:
        datasets, config = _datasets(), self._config
        try:
            rows = datasets.load_dataset(self.source, name=config.subset, split=self._split, revision=config.revision)
        except Exception as error:  # whatever its readers and the network have against it
            key = f"data.{self.setting}"
            raise BadInput(_trouble(error, config), source=self.source, key=key, code="unavailable") from None
        for setting, column in (("image", config.image), ("label", config.label)):
            if column not in rows.column_names:
                key = f"data.{setting}"
                raise BadInput.unknown("column", column, rows.column_names, source=self.source, key=key)
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
                    found=f"{value!r} in row {number} of {self._split}",
                    allowed="a class by its name or a whole number",
                    source=self.source,
                    key="data.label",
                )
        return tuple(feature.names if named else map(str, classes)), [position[value] for value in values]


def _sorted(values: list[Any]) -> list[Any]:
    """The classes among them: names, or whole numbers."""
    return sorted({value for value in values if isinstance(value, int | str)})


def _datasets() -> Any:
    """The package, which reads these variables once, when it is imported; it is imported here alone."""
    refuse_missing_package()
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_UPDATE_DOWNLOAD_COUNTS", "0")
    import datasets

    return datasets


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


class Hf(ImageSet):
    """Images of the Hugging Face hub, or in files that its package `datasets` reads."""

    Config = HfConfig

    @classmethod
    def locate(cls, config: HfConfig, project_root: Path) -> HfConfig:
        """The config with an absolute path. What a hub has is seen when it is downloaded, by :meth:`prepare`."""
        refuse_missing_package()
        if config.path is None:
            return config
        return config.model_copy(update={"path": str(found_folder(config.path, project_root, key="data.path"))})

    @classmethod
    def parts(cls, config: HfConfig) -> dict[str, HfSplit]:
        """Of a located config."""
        named = {split: (setting, getattr(config, setting)) for split, setting in SETTINGS.items()}
        return {
            split: HfSplit(config, setting, name, _identity(config, name))
            for split, (setting, name) in named.items()
            if name is not None
        }


def _identity(config: HfConfig, split: str) -> Mapping[str, Any]:
    wanted = {"split": split, "subset": config.subset, "columns": [config.image, config.label]}
    if config.path is None:
        return {"repo": config.repo, "revision": config.revision, **wanted}
    files = all_files(absolute(config.path, key="data.path"), key="data.path")
    return {"files": hashlib.sha256(repr(files).encode()).hexdigest(), **wanted}

"""Images from Hugging Face `datasets`: a set of the hub, or files on this machine in a form that `datasets` reads.

Splits: those that are named; validation and test that are not are drawn from the training split.
Wants:  pip install 'sparsetune[hf]'. Sets that are not public want HF_TOKEN, in the environment or in .env. Code that
        comes with a set is never run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from pydantic import model_validator

from sparsetune.config.base import param
from sparsetune.training.data.folders import absolute, found_folder
from sparsetune.training.data.hf_split import HfSplit, refuse_missing_package
from sparsetune.training.data.image_sets import ImageSet
from sparsetune.training.data.images import ImagesConfig
from sparsetune.training.data.listing import all_files
from sparsetune.training.data.roots import VARIABLE

SETTINGS = {"train": "train_split", "val": "val_split", "test": "test_split"}


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


def _share(one: str, two: str) -> bool:
    """Whether both surely have some rows: the same part, or a part and the whole; other slices are not compared."""
    return any(
        a == b or (a.partition("[")[0] == b.partition("[")[0] and not ("[" in a and "[" in b))
        for a in one.split("+")
        for b in two.split("+")
    )


def _identity(config: HfConfig, split: str) -> Mapping[str, Any]:
    wanted = {"split": split, "subset": config.subset, "columns": [config.image, config.label]}
    if config.path is None:
        return {"repo": config.repo, "revision": config.revision, **wanted}
    files = all_files(absolute(config.path, key="data.path"), key="data.path")
    return {"files": hashlib.sha256(repr(files).encode()).hexdigest(), **wanted}

"""What a config says of images from Hugging Face `datasets`."""

from __future__ import annotations

from itertools import combinations
from typing import Literal

from pydantic import model_validator

from sparsetune.config.base import param
from sparsetune.data.images import ImagesConfig
from sparsetune.data.roots import VARIABLE

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


def _share(one: str, two: str) -> bool:
    """Whether both surely have some rows: the same part, or a part and the whole; other slices are not compared."""
    return any(
        a == b or (a.partition("[")[0] == b.partition("[")[0] and not ("[" in a and "[" in b))
        for a in one.split("+")
        for b in two.split("+")
    )

"""Images from Hugging Face `datasets`: a set of the hub, or files on this machine in a form that `datasets` reads.

Splits: those that are named; validation and test that are not are drawn from the training split.
Wants:  pip install 'sparsetune[hf]'. Sets that are not public want HF_TOKEN, in the environment or in .env. Code that
        comes with a set is never run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparsetune.data.folders import absolute, found_folder
from sparsetune.data.hf_config import SETTINGS, HfConfig
from sparsetune.data.hf_split import HfSplit, refuse_missing_package
from sparsetune.data.image_sets import ImageSet
from sparsetune.data.listing import all_files


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

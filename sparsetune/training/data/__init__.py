"""Data sets: tensors that live on the training device, decoded once a process."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from sparsetune.config.base import Part
from sparsetune.config.registry import Registry

if TYPE_CHECKING:  # a list of names needs no torch
    import torch

    from sparsetune.training.data.dataset import Dataset

DATA = Registry(
    "data set",
    {
        "digits": "sparsetune.training.data.digits:Digits",
        "mnist": "sparsetune.training.data.mnist:Mnist",
    },
)


def load_dataset(config: Part, device: torch.device, dtype: torch.dtype) -> Dataset:
    """The data set of that config on ``device``, inputs as ``dtype``.

    The last two stay in the process, so trials share one: never change its tensors.

    Raises:
        BadInput: files are missing or broken.
    """
    return _load(config.model_dump_json(), device, dtype)


@lru_cache(maxsize=2)
def _load(config: str, device: torch.device, dtype: torch.dtype) -> Dataset:
    entry = DATA.get(json.loads(config)["name"])
    dataset: Dataset = entry.load(entry.Config.model_validate_json(config))
    return dataset.to(device, dtype)

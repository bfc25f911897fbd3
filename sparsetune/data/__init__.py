"""Data sets, found by name; what they have in common is in ``contract.py``.

Imports ``config`` and ``base``; a list of their names needs no torch.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from sparsetune.config.base import Part
from sparsetune.config.registry import Registry

if TYPE_CHECKING:  # a list of names needs no torch
    from sparsetune.data.contract import DataSet
    from sparsetune.data.dataset import Dataset

DATA = Registry(
    "data set",
    {
        "cifar10": "sparsetune.data.cifar10:Cifar10",
        "cifar100": "sparsetune.data.cifar100:Cifar100",
        "digits": "sparsetune.data.digits:Digits",
        "fashionmnist": "sparsetune.data.fashionmnist:FashionMnist",
        "folder": "sparsetune.data.folder:Folder",
        "hf": "sparsetune.data.hf:Hf",
        "kmnist": "sparsetune.data.kmnist:Kmnist",
        "mnist": "sparsetune.data.mnist:Mnist",
        "tabular": "sparsetune.data.tabular:Tabular",
        "teacher_student": "sparsetune.data.teacher_student:TeacherStudent",
    },
)


def load_dataset(config: Part, registry: Registry = DATA) -> Dataset:
    """The data set of a located config, on the CPU.

    The last two stay in the process, so trials share one: never change its tensors.

    Raises:
        BadInput: files are missing or broken, or cannot be divided so.
    """
    return _load(registry.get(config.name), config.model_dump_json())


@lru_cache(maxsize=2)
def _load(data_set: type[DataSet], config: str) -> Dataset:
    dataset: Dataset = data_set.load(data_set.Config.model_validate_json(config))
    return dataset

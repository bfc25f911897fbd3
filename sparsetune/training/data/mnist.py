"""MNIST: 28x28 handwritten digits, read from its four IDX files.

Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits (1998).
Files:  <root>/MNIST/raw/train-images-idx3-ubyte and three more, raw or .gz, as torchvision leaves them.
Splits: 55,000 / 5,000 / 10,000; validation is drawn from the 60,000 training images, test is the database's own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from sparsetune.config.base import Part, param
from sparsetune.config.errors import BadInput
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.training.data.dataset import Bytes, Dataset, grey_images
from sparsetune.training.data.idx import read_idx
from sparsetune.training.data.roots import VARIABLE, data_root

FILES = {
    "train-images-idx3-ubyte": (60_000, 28, 28),
    "train-labels-idx1-ubyte": (60_000,),
    "t10k-images-idx3-ubyte": (10_000, 28, 28),
    "t10k-labels-idx1-ubyte": (10_000,),
}
VAL_SAMPLES = 5_000


class MnistConfig(Part):
    """Settings of MNIST."""

    name: Literal["mnist"] = "mnist"
    seed: int = param(0, "fixes the split", ge=0, lt=2**32)
    root: str | None = param(None, f"folder that has MNIST/raw; else {VARIABLE}, else data/ of the project")


class Mnist:
    """55,000 / 5,000 / 10,000 images of handwritten digits."""

    Config = MnistConfig
    input_shape = (1, 28, 28)
    classes = 10
    train_samples = 55_000

    @classmethod
    def check(cls, config: TrialConfig, registries: Registries) -> None:
        """Goes with everything; :meth:`locate` looks at the files."""

    @classmethod
    def locate(cls, config: MnistConfig, project_root: Path) -> MnistConfig:
        """The config with an absolute root whose files have all been read and found sound.

        Raises:
            BadInput: files are missing or broken; names them.
        """
        root = data_root(config.root, project_root)
        try:
            _read(root)
        except BadInput as error:
            raise error.located(key="data.root") from None
        return config.model_copy(update={"root": str(root)})

    @classmethod
    def load(cls, config: MnistConfig) -> Dataset:
        """Inputs (N, 1, 28, 28) of float32, targets (N,) of int64, on the CPU.

        Raises:
            BadInput: the root is not absolute (see :meth:`locate`); files are missing or broken.
        """
        if config.root is None or not Path(config.root).is_absolute():
            raise BadInput(f"found {config.root!r}, allowed: an absolute path", key="data.root")
        images, labels, test_images, test_labels = _read(Path(config.root))
        # RandomState: the one generator whose stream NumPy promises never to change.
        order = np.random.RandomState(config.seed).permutation(len(labels))
        val, train = order[:VAL_SAMPLES], order[VAL_SAMPLES:]
        parts = [(images[train], labels[train]), (images[val], labels[val]), (test_images, test_labels)]
        return grey_images(parts, cls.classes)


def _read(root: Path) -> list[Bytes]:
    """The four files' values, in the order of ``FILES``."""
    arrays = []
    for path, shape in zip(_find(root / "MNIST" / "raw"), FILES.values(), strict=True):
        values = read_idx(path, shape)
        low, high = values.min(), values.max()
        if len(shape) == 1 and high >= Mnist.classes:
            raise BadInput(f"found label {high}, wanted labels from 0 to {Mnist.classes - 1}", source=path)
        if low == high:  # such as a file of zeros that a crash left
            raise BadInput(f"found the value {low} only, wanted images or labels that differ", source=path)
        arrays.append(values)
    return arrays


def _find(folder: Path) -> list[Path]:
    """The four paths; a raw file goes before its .gz, for it is read faster."""
    found, missing = [], []
    for name in FILES:
        there = [path for path in (folder / name, folder / f"{name}.gz") if path.is_file()]
        found += there[:1]
        missing += [] if there else [name]
    if missing:
        get = f"from torchvision.datasets import MNIST; MNIST({str(folder.parents[1])!r}, download=True)"
        raise BadInput(
            f"no {', '.join(missing)} (raw or .gz) in {folder}; "
            f'get them with `python -c "{get}"`, or set data.root or {VARIABLE} to the folder that has MNIST/raw',
            key="data.root",
        )
    return found

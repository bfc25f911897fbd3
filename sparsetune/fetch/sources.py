"""What can be fetched by name: where it lies, its checksum, and how a study then names it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

_IMAGENETTE = "https://s3.amazonaws.com/fast-ai-imageclas"


@dataclass(frozen=True)
class File:
    """A file to be downloaded.

    Attributes:
        urls: addresses that hold it, tried in this order.
        md5: of its content: its makers publish no other checksum.
    """

    name: str
    urls: tuple[str, ...]
    md5: str


@dataclass(frozen=True)
class Source:
    """A data set to be fetched.

    Attributes:
        folder: what it becomes, below the folder of data files.
        files: its files; or an archive of that folder.
        unpacked: whether it is an archive.
        use: the `data` section of a study that trains on it.
    """

    folder: str
    files: tuple[File, ...]
    unpacked: bool
    use: str


def _idx(name: str, torchvision: str) -> Source:
    from torchvision import datasets

    theirs = getattr(datasets, torchvision)  # its addresses are kept up to date
    files = (File(file, tuple(f"{mirror}{file}" for mirror in theirs.mirrors), md5) for file, md5 in theirs.resources)
    return Source(f"{torchvision}/raw", tuple(files), False, f"{{name: {name}}}")


def _cifar(name: str, torchvision: str) -> Source:
    from torchvision import datasets

    theirs = getattr(datasets, torchvision)
    archive = File(theirs.filename, (theirs.url,), theirs.tgz_md5)
    return Source(theirs.base_folder, (archive,), True, f"{{name: {name}}}")


def _imagenette(folder: str, md5: str, side: int) -> Source:
    """Ten classes of ImageNet, by fast.ai."""
    use = f"{{name: folder, train_dir: {folder}/train, val_dir: {folder}/val, mode: rgb, resize: {side}}}"
    archive = File(f"{folder}.tgz", (f"{_IMAGENETTE}/{folder}.tgz",), md5)
    return Source(folder, (archive,), True, use)


SOURCES: dict[str, Callable[[], Source]] = {
    "mnist": partial(_idx, "mnist", "MNIST"),
    "fashionmnist": partial(_idx, "fashionmnist", "FashionMNIST"),
    "kmnist": partial(_idx, "kmnist", "KMNIST"),
    "cifar10": partial(_cifar, "cifar10", "CIFAR10"),
    "cifar100": partial(_cifar, "cifar100", "CIFAR100"),
    "imagenette": partial(_imagenette, "imagenette2-320", "3df6f0d01a2c9592104656642f5e78a3", 224),
    "imagenette-160": partial(_imagenette, "imagenette2-160", "e793b78cc4c9e9a4ccc0c1155377a412", 128),
    "imagenette-full": partial(_imagenette, "imagenette2", "fe2fc210e6bb7c5664d602c3cd71e612", 224),
}

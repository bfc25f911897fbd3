"""Image files in folders, one folder for each class: what torchvision calls an ImageFolder.

Splits: validation and test have folders of their own, or are drawn from the training folder. A validation folder alone
        does not serve as the test too: the test is drawn from the training folder then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from sparsetune.base.errors import BadInput
from sparsetune.config.base import param
from sparsetune.data.images.files import ImagesConfig, Item
from sparsetune.data.images.listing import Listing, list_images, types
from sparsetune.data.images.sets import ImageSet, listed, refuse_one_class, refuse_strange
from sparsetune.data.pools import Pools
from sparsetune.data.roots import VARIABLE, absolute, found_folder

SETTINGS = {"train": "train_dir", "val": "val_dir", "test": "test_dir"}


class FolderConfig(ImagesConfig):
    """Settings of a folder of images."""

    name: Literal["folder"] = "folder"
    train_dir: str = param(
        ...,
        "folder that has one folder of images for each class; from the project, or from the folder of data files "
        f"({VARIABLE})",
        place=True,
    )
    val_dir: str | None = param(None, "the same for validation; else val_size of train_dir", place=True)
    test_dir: str | None = param(None, "the same for the test; else test_size of train_dir", place=True)


class FolderPart:
    """One of the folders."""

    def __init__(self, setting: str, listing: Listing) -> None:
        self.setting = setting
        self.label = listing.root.name
        self.source = str(listing.root)
        self.identity: Mapping[str, Any] = {"files": listing.digest}
        self.classes = listing.classes
        self.labels = listing.labels
        self.remarks: list[str] = []
        if count := sum(listing.passed_over.values()):
            files = "1 file of another image type is" if count == 1 else f"{count:,} files of other image types are"
            self.remarks.append(f"{self.source}: {files} passed over: {types(listing.passed_over)}")
        self._listing = listing

    def __len__(self) -> int:
        return len(self._listing.names)

    def items(self) -> Iterator[Item]:
        for name, label in zip(self._listing.names, self._listing.labels, strict=True):
            yield Item(name, label, self._listing.root / name)


class Folder(ImageSet):
    """Your own images: one folder for each class, with folders for validation and test or without."""

    Config = FolderConfig

    @classmethod
    def locate(cls, config: FolderConfig, project_root: Path) -> FolderConfig:
        """The config with absolute paths of folders that all have images of known classes."""
        named = {setting: path for setting in SETTINGS.values() if (path := getattr(config, setting)) is not None}
        paths = {each: str(found_folder(path, project_root, key=f"data.{each}")) for each, path in named.items()}
        located = config.model_copy(update=paths)
        _parts(located, anew=True)
        return located

    @classmethod
    def parts(cls, config: FolderConfig) -> dict[str, FolderPart]:
        """Of a located config: the images of each folder, listed."""
        return _parts(config)

    @classmethod
    def at_hand(cls, config: FolderConfig) -> Pools:
        return super().at_hand(config) or listed(cls.parts(config))


def _parts(config: FolderConfig, *, anew: bool = False) -> dict[str, FolderPart]:
    parts: dict[str, FolderPart] = {}
    for split, setting in SETTINGS.items():
        if (named := getattr(config, setting)) is None:
            continue
        path = absolute(named, key=f"data.{setting}")
        for other in parts.values():
            _refuse_overlap(path, setting, other)
        part = parts[split] = FolderPart(setting, list_images(path, key=f"data.{setting}", anew=anew))
        refuse_one_class(parts["train"], parts["train"].classes, parts["train"].labels)
        refuse_strange(part, part.classes, parts["train"], parts["train"].classes)
    return parts


def _refuse_overlap(path: Path, setting: str, other: FolderPart) -> None:
    one, two = path.resolve(), Path(other.source).resolve()
    if one == two or one in two.parents or two in one.parents:
        shared = f"shares images with data.{other.setting}, {other.source}"
        raise BadInput(shared, source=path, key=f"data.{setting}", code="conflict")

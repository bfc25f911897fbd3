"""Image files in folders, one folder for each class: what torchvision calls an ImageFolder.

Splits: validation and test have folders of their own, or are drawn from the training folder. A validation folder alone
        does not serve as the test too: the test is drawn from the training folder then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sparsetune.config.base import param
from sparsetune.config.errors import BadInput
from sparsetune.training.data import store
from sparsetune.training.data.contract import DataSet, Outline, Progress
from sparsetune.training.data.folders import found_folder
from sparsetune.training.data.images import ImagesConfig, Item, accept, decode_all, mixed, remark
from sparsetune.training.data.listing import Listing, list_images
from sparsetune.training.data.maker import Maker
from sparsetune.training.data.pools import Pools, Samples
from sparsetune.training.data.roots import VARIABLE

FOLDERS = ("train_dir", "val_dir", "test_dir")


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


class Folder(DataSet):
    """Your own images: one folder for each class, with folders for validation and test or without."""

    Config = FolderConfig

    @classmethod
    def outline(cls, config: FolderConfig) -> Outline | None:
        if not Path(config.train_dir).is_absolute():
            return None
        try:
            listings = _listings(config)
        except BadInput:
            return None
        entry = store.find(*_key(listings["train_dir"], config))
        if entry is None:
            return None
        shape = tuple(entry.meta["shape"])
        has_val, has_test = (name in listings for name in FOLDERS[1:])
        return Outline(shape, len(listings["train_dir"].classes), entry.meta["samples"], has_val, has_test)

    @classmethod
    def locate(cls, config: FolderConfig, project_root: Path) -> FolderConfig:
        """The config with absolute paths of folders that all have images of known classes."""
        paths = {
            name: str(found_folder(getattr(config, name), project_root, key=f"data.{name}"))
            for name in FOLDERS
            if getattr(config, name) is not None
        }
        located = config.model_copy(update=paths)
        _listings(located)
        return located

    @classmethod
    def prepare(cls, config: FolderConfig, progress: Progress) -> None:
        cls._entries(config, progress)

    @classmethod
    def read(cls, config: FolderConfig) -> Pools:
        """Images of bytes, mapped from the store; labels are positions among the training folder's classes."""
        entries = cls._entries(config, lambda done, of: None)
        classes = tuple(entries["train_dir"].meta["classes"])
        digest = hashlib.sha256()
        pools: dict[str, Samples] = {}
        for name, entry in entries.items():
            own = [classes.index(each) for each in entry.meta["classes"]]
            pools[name] = Samples(entry.array("images"), np.array(own)[entry.array("labels")])
            digest.update(f"{name} {entry.meta['digest']} {own}\n".encode())
        return Pools(
            pools["train_dir"],
            outputs=len(classes),
            val=pools.get("val_dir"),
            test=pools.get("test_dir"),
            digest=digest.hexdigest(),
            classes=classes,
        )

    @classmethod
    def remarks(cls, config: FolderConfig) -> list[str]:
        """What is to be said of decoded folders: a line for each that lacks images."""
        try:
            listings = _listings(config)
        except BadInput:
            return []
        return [line for listing in listings.values() if (line := remark(store.find(*_key(listing, config))))]

    @classmethod
    def _entries(cls, config: FolderConfig, progress: Progress) -> dict[str, store.Entry]:
        """Of each folder."""
        listings = _listings(config)
        total, before = sum(map(len, listings.values())), 0
        entries: dict[str, store.Entry] = {}
        for name, listing in listings.items():
            told = partial(_told, progress, before, total)
            try:
                entries[name] = accept(
                    store.get(*_key(listing, config), partial(_decode, listing, config, told)), config
                )
            except BadInput as error:
                raise error.located(source=listing.root, key=f"data.{name}") from None
            before += len(listing)
            shape, train_shape = entries[name].meta["shape"], entries["train_dir"].meta["shape"]
            if shape != train_shape:
                raise mixed("data.train_dir", train_shape, f"data.{name}", shape)
        return entries


def _listings(config: FolderConfig) -> dict[str, Listing]:
    """By the name of the setting, the training folder first."""
    named = {name: Path(path) for name in FOLDERS if (path := getattr(config, name)) is not None}
    real = {name: path.resolve() for name, path in named.items()}
    listings: dict[str, Listing] = {}
    for name, path in named.items():
        for other in listings:
            if real[name] == real[other] or real[other] in real[name].parents or real[name] in real[other].parents:
                raise BadInput(f"shares images with data.{other}, {named[other]}", source=path, key=f"data.{name}")
        listings[name] = list_images(path, key=f"data.{name}")
        strange = sorted(set(listings[name].classes) - set(listings["train_dir"].classes))
        if strange:
            others = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
            raise BadInput(
                f"class {strange[0]!r}{others} has no folder in data.train_dir, {named['train_dir']}",
                source=path,
                key=f"data.{name}",
            )
    return listings


def _decode(listing: Listing, config: FolderConfig, progress: Progress, maker: Maker) -> Mapping[str, Any]:
    named = zip(listing.names, listing.labels, strict=True)
    items = (Item(name, label, listing.root / name) for name, label in named)
    done = decode_all(maker, items, len(listing), config, listing.root, progress)
    return {**done, "classes": listing.classes}


def _told(progress: Progress, before: int, total: int, done: int, of: int) -> None:
    """Of one folder's images, as of all."""
    progress(before + done, total)


def _key(listing: Listing, config: FolderConfig) -> tuple[str, dict[str, Any]]:
    """Label and key of a folder's entry in the store."""
    return listing.root.name, {"files": listing.digest, **config.decoding()}

"""What data sets made of image files have in common: their parts are decoded once, into the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np

from sparsetune.base.errors import BadInput
from sparsetune.data import store
from sparsetune.data.contract import DataSet, Outline, Progress
from sparsetune.data.depth import BYTES
from sparsetune.data.images.errors import Look, in_two_splits, left_out, mixed, refused, warned_of
from sparsetune.data.images.files import LEFT_OUT, WARNED, ImagesConfig, Item, decode_all
from sparsetune.data.maker import Maker
from sparsetune.data.pools import Array, Pools, Samples
from sparsetune.data.splits import divide

_SPLITS = {"train": "training", "val": "validation", "test": "test"}  # as remarks call them


class ImagePart(Protocol):
    """Images that are not decoded yet: those for training, validation or the test.

    Attributes:
        setting: names it in the config.
        label: names it among decoded data.
        source: file, folder or address, for messages.
        identity: plain values: another one whenever the images are others.
        remarks: what is to be said of it beside what decoding has found.
    """

    setting: str
    label: str
    source: str
    identity: Mapping[str, Any]

    @property
    def remarks(self) -> Sequence[str]: ...

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def labels(self) -> Sequence[int]: ...

    def __len__(self) -> int: ...

    def items(self) -> Iterable[Item]: ...


class ImageSet(DataSet):
    """Base of data sets made of image files."""

    @classmethod
    def parts(cls, config: Any) -> Mapping[str, ImagePart]:
        """``train``, then ``val`` and ``test`` where the config names some; opens no image.

        Raises:
            BadInput: they are not there.
        """
        raise NotImplementedError

    @classmethod
    def outline(cls, config: ImagesConfig) -> Outline | None:
        try:
            parts = cls.parts(config)
        except BadInput:
            return None
        stored = _stored(parts["train"], config)
        if stored is None:
            return None
        meta = stored.meta
        return Outline(tuple(meta["shape"]), len(meta["classes"]), meta["samples"], "val" in parts, "test" in parts)

    @classmethod
    def prepare(cls, config: ImagesConfig, progress: Progress) -> None:
        cls._all_decoded(config, progress)

    @classmethod
    def remarks(cls, config: ImagesConfig) -> list[str]:
        """What is to be said of decoded images, part by part; then of those in two splits."""
        try:
            parts = cls.parts(config)
            decoded = {name: stored for name, part in parts.items() if (stored := _stored(part, config)) is not None}
            said = [line for name, stored in decoded.items() for line in (*parts[name].remarks, *_remarks_on(stored))]
            return [*said, *cls._twins(config, decoded)] if decoded.keys() == parts.keys() else said
        except BadInput:  # said where the data are prepared or divided
            return []

    @classmethod
    def _twins(cls, config: ImagesConfig, decoded: Mapping[str, store.Decoded]) -> list[str]:
        division = divide(cls.read(config), config, cls.task(config))
        rows = {"train": division.train, "val": division.val, "test": division.test}
        marks = {}
        for name, own in rows.items():
            of = decoded["train" if own is not None else name].array("marks")
            marks[_SPLITS[name]] = of if own is None else of[own]
        return in_two_splits(marks, decoded["train"].meta["source"])

    @classmethod
    def read(cls, config: ImagesConfig) -> Pools:
        """Images of bytes, or of what their files hold, mapped from the store; labels are positions among the classes
        of the training images."""
        decoded = cls._all_decoded(config, lambda done, of: None)
        classes = tuple(decoded["train"].meta["classes"])
        digest = hashlib.sha256()
        pools: dict[str, Samples] = {}
        for name, stored in decoded.items():
            own = [classes.index(each) for each in stored.meta["classes"]]
            pools[name] = Samples(stored.array("images"), np.array(own)[stored.array("labels")])
            digest.update(f"{name} {stored.meta['digest']} {own}\n".encode())
        train, val, test = (pools.get(name) for name in ("train", "val", "test"))
        assert train is not None
        white = 255.0 if train.inputs.dtype == BYTES else None
        return Pools(train, len(classes), val, test, white, digest=digest.hexdigest(), classes=classes)

    @classmethod
    def at_hand(cls, config: Any) -> Pools | None:
        decoded = all(_stored(part, config) is not None for part in cls.parts(config).values())
        return cls.read(config) if decoded else None

    @classmethod
    def _all_decoded(cls, config: ImagesConfig, progress: Progress) -> dict[str, store.Decoded]:
        """Of each part, decoded if need be."""
        parts = cls.parts(config)
        missing = [name for name, part in parts.items() if _stored(part, config) is None]
        if "train" in missing:  # before any is decoded
            refuse_one_class(parts["train"], parts["train"].classes, parts["train"].labels)
        total, before = sum(len(parts[name]) for name in missing), 0
        decoded: dict[str, store.Decoded] = {}
        for name, part in parts.items():
            told = partial(_told, progress, before, total)
            stored = decoded[name] = store.get(
                *_key(part, config), partial(_decode, part, config, told), partial(progress, 0, 0)
            )
            before += len(part) if name in missing else 0
            if stored.meta["skipped"] and not config.skip_bad:  # decoded for a config that skips them
                raise refused(stored.meta["skipped"], stored.meta["of"], stored.meta["source"])
            first = decoded["train"]
            refuse_strange(part, stored.meta["classes"], parts["train"], first.meta["classes"])
            looks = [Look(tuple(each.meta["shape"]), each.meta["depth"]) for each in (first, stored)]
            if looks[0] != looks[1]:
                settings = [f"data.{each.setting}" for each in (parts["train"], part)]
                raise mixed(settings[0], looks[0], settings[1], looks[1], key=settings[1])
        refuse_one_class(parts["train"], first.meta["classes"], first.array("labels"))  # of those not left out
        return decoded


def _remarks_on(decoded: store.Decoded) -> Iterator[str]:
    meta = decoded.meta
    for images, line, name in ((meta["skipped"], left_out, LEFT_OUT), (meta["warned"], warned_of, WARNED)):
        if images:
            yield line(images, meta["of"], meta["source"], decoded.folder / name)


def listed(parts: Mapping[str, ImagePart]) -> Pools:
    """The labels of images that are not decoded yet."""
    pools = {name: Samples(np.empty((len(part), 0)), np.array(part.labels)) for name, part in parts.items()}
    classes = tuple(parts["train"].classes)
    return Pools(pools["train"], len(classes), pools.get("val"), pools.get("test"), classes=classes)


def refuse_strange(part: ImagePart, classes: Iterable[str], train: ImagePart, trained: Iterable[str]) -> None:
    """Raise :class:`BadInput` for a class that training lacks."""
    strange = sorted(set(classes) - set(trained))
    if strange:
        others = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
        raise BadInput(
            f"class {strange[0]!r}{others} is not in data.{train.setting}, {train.source}",
            source=part.source,
            key=f"data.{part.setting}",
            code="conflict",
        )


def refuse_one_class(part: ImagePart, classes: Sequence[str], labels: Sequence[int] | Array) -> None:
    """Raise :class:`BadInput` for images that leave nothing to learn."""
    if all(label == labels[0] for label in labels):
        problem = f"found images of one class only, {classes[labels[0]]!r}, wanted two or more"
        raise BadInput(problem, source=part.source, key=f"data.{part.setting}")


def _decode(part: ImagePart, config: ImagesConfig, progress: Progress, maker: Maker) -> Mapping[str, Any]:
    try:
        done = decode_all(maker, part.items, len(part), config, part.source, progress)
    except BadInput as error:
        raise error.located(source=part.source, key=f"data.{part.setting}") from None
    return {**done, "classes": part.classes}


def _told(progress: Progress, before: int, total: int, done: int, of: int) -> None:
    """Of one part's images, as of all."""
    progress(before + done, total)


def _stored(part: ImagePart, config: ImagesConfig) -> store.Decoded | None:
    return store.find(*_key(part, config))


def _key(part: ImagePart, config: ImagesConfig) -> tuple[str, dict[str, Any]]:
    """Label and key of a part in the store."""
    return part.label, {**part.identity, **config.decoding()}

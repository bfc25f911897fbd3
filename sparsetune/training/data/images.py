"""Many image files, decoded into one array of the store: what folders and Hugging Face sets have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from sparsetune.config.base import param
from sparsetune.surroundings.processors import processors
from sparsetune.training.data.ahead import ahead
from sparsetune.training.data.contract import OnePoolConfig, Progress
from sparsetune.training.data.decode import Corrupt, Mode, Unclear, decode
from sparsetune.training.data.image_errors import mixed, refused, unclear
from sparsetune.training.data.maker import Maker
from sparsetune.training.data.pools import Array

VERSION = 1  # of decoding: a change of the pixels that come out makes old entries unknown
_CHUNK = 32  # images that a thread decodes in one go
_MOST_THREADS = 16  # the one that writes keeps no more of them busy


class ImagesConfig(OnePoolConfig):
    """Settings of data sets made of image files."""

    resize: int | None = param(
        None,
        "shorter side after resizing, the longer is cut to it around the middle; else all images have one size",
        unit="pixels",
        ge=1,
        le=1024,
    )
    mode: Mode | None = param(None, "what images are converted to; else they stay as they are, and are all of one mode")
    skip_bad: bool = param(False, "leave out images that cannot be decoded; else they are an error")

    def decoding(self) -> dict[str, Any]:
        """What decides the pixels that come out of a file."""
        return {"resize": self.resize, "mode": self.mode, "version": VERSION}


@dataclass(frozen=True)
class Item:
    """An image to be decoded: a name for messages, its class, and its file or what is in it."""

    name: str
    label: int
    content: Path | bytes


class _Done(NamedTuple):
    item: Item
    pixels: Array | None
    reason: str = ""


def decode_all(
    maker: Maker, items: Iterable[Item], count: int, config: ImagesConfig, source: object, progress: Progress
) -> Mapping[str, Any]:
    """Write ``images`` (N, C, H, W) of uint8 and ``labels`` (N,) of int64; returns what the entry says of them.

    Args:
        count: how many items there are.
        source: file or folder that messages name.

    Raises:
        BadInput: images of several sizes or modes, or some that cannot be decoded and are not to be skipped.
    """
    labels: list[int] = []
    bad: list[tuple[str, str]] = []
    first: tuple[Item, Array] | None = None
    threads = min(_MOST_THREADS, processors().usable)
    with ExitStack() as files, _own_threads():
        for seen, chunk in enumerate(
            ahead(partial(_attempts, config), _chunks(items), threads=threads, depth=2 * threads), 1
        ):
            bad += [(done.item.name, done.reason) for done in chunk if done.pixels is None]
            good = [(done.item, done.pixels) for done in chunk if done.pixels is not None]
            if good:
                if first is None:
                    first = good[0]
                    images = files.enter_context(closing(maker.rows("images", first[1].shape, np.uint8, count)))
                _refuse_mixed(first, good, source)
                images.append(np.stack([pixels for _, pixels in good]))
                labels += [item.label for item, _ in good]
            progress(min(seen * _CHUNK, count), count)
        if first is None or (bad and not config.skip_bad):
            raise refused(bad, count, source)
        images.complete()
    maker.put("labels", np.array(labels, np.int64))
    return {"source": str(source), "samples": len(labels), "shape": first[1].shape, "skipped": bad, "of": count}


def _attempts(config: ImagesConfig, chunk: list[Item]) -> list[_Done]:
    torch.set_num_threads(1)  # of this thread: the others are busy too
    return [_attempt(item, config) for item in chunk]


def _attempt(item: Item, config: ImagesConfig) -> _Done:
    try:
        content = item.content if isinstance(item.content, bytes) else item.content.read_bytes()
        return _Done(item, decode(content, config.mode, config.resize))
    except OSError as error:
        return _Done(item, None, error.strerror or "cannot be read")
    except Corrupt as error:
        return _Done(item, None, str(error))
    except Unclear as error:
        raise unclear(item.name, str(error)) from None


def _refuse_mixed(first: tuple[Item, Array], others: list[tuple[Item, Array]], source: object) -> None:
    for item, pixels in others:
        if pixels.shape != first[1].shape:
            raise mixed(first[0].name, first[1].shape, item.name, pixels.shape, source)


@contextmanager
def _own_threads() -> Iterator[None]:
    """Torch's number of threads is what it was, afterwards."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    left = iter(items)
    while chunk := list(islice(left, _CHUNK)):
        yield chunk

"""Many image files, decoded into one array of the store: what folders and Hugging Face sets have in common."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from sparsetune.base.errors import BadInput
from sparsetune.base.surroundings.processors import processors
from sparsetune.config.base import param
from sparsetune.data.contract import OnePoolConfig, Progress
from sparsetune.data.delivery import ahead
from sparsetune.data.images.decode import Corrupt, Mode, Unclear, decode
from sparsetune.data.images.errors import Look, mixed, refused
from sparsetune.data.images.heard import Heard, listening
from sparsetune.data.maker import Maker
from sparsetune.data.pools import Array

VERSION = 2  # of decoding: a change of the pixels that come out makes what was decoded before unknown
LEFT_OUT, WARNED = "left_out.txt", "warnings.txt"  # beside the arrays: all names, with what is wrong with each
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
    mark: int = 0  # equal for equal pixels, and else different


class _Chunk(NamedTuple):
    number: int
    done: list[_Done]
    loud: bool  # something was said meanwhile, of one of these or of what another thread decodes


def decode_all(
    maker: Maker,
    items: Callable[[], Iterable[Item]],
    count: int,
    config: ImagesConfig,
    source: object,
    progress: Progress,
) -> Mapping[str, Any]:
    """Write ``images`` (N, C, H, W), ``labels`` (N,) of int64 and ``marks`` (N,) of uint64, which tell images apart;
    returns what is said of them there.

    Args:
        items: gives them from the first on; ``count`` is how many.
        source: file or folder that messages name.

    Raises:
        BadInput: images of several sizes, modes or depths, or some that cannot be decoded and are not to be skipped.
    """
    labels: list[int] = []
    marks: list[int] = []
    bad: list[tuple[str, str]] = []
    first: tuple[Item, Array] | None = None
    loud: set[int] = set()
    threads = min(_MOST_THREADS, processors().usable)
    with ExitStack() as files, _own_threads(), listening() as heard:
        work = partial(_attempts, config, heard)
        for chunk in ahead(work, enumerate(_chunks(items())), threads=threads, depth=2 * threads):
            bad += [(done.item.name, done.reason) for done in chunk.done if done.pixels is None]
            good = [(done.item, done.pixels) for done in chunk.done if done.pixels is not None]
            if good:
                if first is None:
                    first = good[0]
                    shape, depth = first[1].shape, first[1].dtype
                    images = files.enter_context(closing(maker.rows("images", shape, depth, count)))
                _refuse_mixed(first, good, source)
                images.append(np.stack([pixels for _, pixels in good]))
                labels += [item.label for item, _ in good]
                marks += [done.mark for done in chunk.done if done.pixels is not None]
            loud |= {chunk.number} if chunk.loud else set()
            progress(min((chunk.number + 1) * _CHUNK, count), count)
        if first is None or (bad and not config.skip_bad):
            raise refused(bad, count, source)
        images.complete()
        warned = list(_warned(items, loud, config, heard)) if loud else []
    maker.put("labels", np.array(labels, np.int64))
    maker.put("marks", np.array(marks, np.uint64), beside=True)
    for name, lines in ((LEFT_OUT, bad), (WARNED, warned)):
        if lines:
            maker.lines(name, (f"{image}: {what}" for image, what in lines))
    return {
        "source": str(source),
        "samples": len(labels),
        "shape": shape,
        "depth": depth.name,
        "skipped": bad,
        "warned": warned,
        "of": count,
    }


def _attempts(config: ImagesConfig, heard: Heard, numbered: tuple[int, list[Item]]) -> _Chunk:
    torch.set_num_threads(1)  # of this thread: the others are busy too
    number, chunk = numbered
    before = len(heard)
    done = [_attempt(item, config) for item in chunk]
    return _Chunk(number, done, len(heard) > before)


def _attempt(item: Item, config: ImagesConfig) -> _Done:
    try:
        content = item.content if isinstance(item.content, bytes) else item.content.read_bytes()
        pixels = decode(content, config.mode, config.resize)
        return _Done(item, pixels, mark=_mark(pixels))
    except OSError as error:
        return _Done(item, None, error.strerror or "cannot be read")
    except Corrupt as error:
        return _Done(item, None, str(error))
    except Unclear as error:
        problem = f"{item.name} has {error}, neither plain grey nor plain RGB"
        raise BadInput(f"{problem}; set data.mode to rgb or grey to convert it", key="data.mode") from None


def _warned(
    items: Callable[[], Iterable[Item]], loud: set[int], config: ImagesConfig, heard: Heard
) -> Iterator[tuple[str, str]]:
    """Of chunks during which something was said: the images of which it was, and what; each is decoded alone."""
    said = heard.since(0)
    attributed = False
    for number, chunk in enumerate(_chunks(items())):
        for item in chunk if number in loud else ():
            before = len(heard)
            done = _attempt(item, config)
            words = heard.since(before)
            attributed |= bool(words)
            if words and done.pixels is not None:  # else it is left out, and its reason is known
                yield item.name, words[0]
    if not attributed:  # of something else
        print(*said, sep="\n", file=sys.stderr)


def _mark(pixels: Array) -> int:
    """64 bits of two checksums, which cost less than a hash and are no target for anybody."""
    content = np.ascontiguousarray(pixels).data
    return zlib.crc32(content) << 32 | zlib.adler32(content)


def _refuse_mixed(first: tuple[Item, Array], others: list[tuple[Item, Array]], source: object) -> None:
    for item, pixels in others:
        if (pixels.dtype, pixels.shape) != (first[1].dtype, first[1].shape):
            looks = [Look(each.shape, each.dtype.name) for each in (first[1], pixels)]
            raise mixed(first[0].name, looks[0], item.name, looks[1], source)


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

"""What is said of images that are not as they should be, or stand in two splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sparsetune.base.errors import BadInput
from sparsetune.data.depth import words
from sparsetune.data.pools import Array

Bad = Sequence[Sequence[str]]  # names and reasons


class Look(NamedTuple):
    """What images of one set have in common: channels, height and width, and the type of their values."""

    shape: Sequence[int]
    depth: str


def refused(bad: Bad, count: int, source: object) -> BadInput:
    """The error for images that cannot be decoded, of so many."""
    name, reason = bad[0]
    it = "it" if len(bad) == 1 else "them"
    mend = "" if len(bad) == count else f"; mend or remove {it}, or set data.skip_bad to true"
    problem = f"{_undecodable(bad, count)}, the first: {name} ({reason}){mend}"
    return BadInput(problem, source=source, key="data.skip_bad", code="damaged")


def left_out(bad: Bad, count: int, source: object, listed: Path) -> str:
    """The line for images that are skipped; ``listed``: the file that names all."""
    are = "is" if len(bad) == 1 else "are"
    return f"{source}: {_undecodable(bad, count)} and {are} left out, the first: {bad[0][0]}; all: {listed}"


def warned_of(warned: Bad, count: int, source: object, listed: Path) -> str:
    """The line for images of which a library had something to say."""
    name, said = warned[0]
    were = "was" if len(warned) == 1 else "were"
    of = f"{len(warned):,} of {count:,} images"
    return f"{source}: {of} {were} read with a warning, the first: {name} ({said}); all: {listed}"


def in_two_splits(marks: Mapping[str, Array], source: object) -> list[str]:
    """The line for images whose pixels are those of an image of another split, if there are any.

    Args:
        marks: by split, a number for each image (N,); equal for equal pixels.
    """
    twins = {(one, two): np.intersect1d(marks[one], marks[two]) for one, two in combinations(marks, 2)}
    count = len(np.unique(np.concatenate(list(twins.values()))))  # each once
    where = ", ".join(f"{len(each):,} in {one} and {other}" for (one, other), each in twins.items() if len(each))
    images = "1 image is" if count == 1 else f"{count:,} images are"
    line = f"{source}: {images} in two splits, pixel for pixel ({where}): what is measured on them is too good"
    return [line] if count else []


def mixed(one: str, look: Look, other: str, other_look: Look, source: object = "", key: str = "") -> BadInput:
    """The error for images that are not alike; ``key``: what to blame where no setting mends it."""
    (channels, height, width), (also, high, wide) = look.shape, other_look.shape
    if look.depth != other_look.depth:
        here, there = (words(np.dtype(each.depth)) for each in (look, other_look))
        depths = f"mixed depths: {one} has {here}, {other} has {there}"
        return BadInput(f"{depths}; give all files the same", source=source, key=key, code="conflict")
    if channels != also:
        modes = {1: "grey", 3: "rgb"}
        problem = f"mixed modes: {one} is {modes[channels]}, {other} is {modes[also]}"
        convert = "set data.mode to rgb or grey to convert all"
        return BadInput(f"{problem}; {convert}", source=source, key="data.mode", code="conflict")
    problem = f"mixed sizes: {one} has {width} x {height} pixels, {other} has {wide} x {high}"
    resize = "set data.resize to a side for all"
    return BadInput(f"{problem}; {resize}", source=source, key="data.resize", code="conflict")


def _undecodable(bad: Bad, count: int) -> str:
    return f"{len(bad):,} of {count:,} images cannot be decoded"

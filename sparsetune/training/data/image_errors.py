"""What is said of images that are not as they should be."""

from __future__ import annotations

from collections.abc import Sequence

from sparsetune.config.errors import BadInput

Bad = Sequence[Sequence[str]]  # names and reasons


def refused(bad: Bad, count: int, source: object) -> BadInput:
    """The error for images that cannot be decoded, of so many."""
    name, reason = bad[0]
    it = "it" if len(bad) == 1 else "them"
    mend = "" if len(bad) == count else f"; mend or remove {it}, or set data.skip_bad to true"
    problem = f"{_undecodable(bad, count)}, the first: {name} ({reason}){mend}"
    return BadInput(problem, source=source, key="data.skip_bad")


def left_out(bad: Bad, count: int, source: object) -> str:
    """The line for images that are skipped."""
    are = "is" if len(bad) == 1 else "are"
    return f"{source}: {_undecodable(bad, count)} and {are} left out, the first: {bad[0][0]}"


def unclear(name: str, what: str) -> BadInput:
    """The error for an image that only a mode makes plain."""
    return BadInput(
        f"{name} has {what}, neither plain grey nor plain RGB; set data.mode to rgb or grey to convert it",
        key="data.mode",
    )


def mixed(one: str, shape: Sequence[int], other: str, other_shape: Sequence[int], source: object = "") -> BadInput:
    """The error for images (C, H, W) that are not alike."""
    (channels, height, width), (also, high, wide) = shape, other_shape
    if channels != also:
        modes = {1: "grey", 3: "rgb"}
        found = f"{one} is {modes[channels]}, {other} is {modes[also]}"
        convert = "set data.mode to rgb or grey to convert all"
        return BadInput(f"mixed modes: {found}; {convert}", source=source, key="data.mode")
    found = f"{one} has {width} x {height} pixels, {other} has {wide} x {high}"
    return BadInput(f"mixed sizes: {found}; set data.resize to a side for all", source=source, key="data.resize")


def one_class(name: str, source: object, key: str) -> BadInput:
    """The error for training images that are all of one class."""
    return BadInput(f"found images of one class only, {name!r}, wanted two or more", source=source, key=key)


def _undecodable(bad: Bad, count: int) -> str:
    return f"{len(bad):,} of {count:,} images cannot be decoded"

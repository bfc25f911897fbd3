"""One data set looked at in full: found, decoded, divided."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparsetune.base.errors import BadInput
from sparsetune.config.base import Part
from sparsetune.data import DATA
from sparsetune.fetch.presence import Presence, judged

Progress = Callable[[int, int], None]  # samples so far, of how many


@dataclass(frozen=True)
class Examined:
    """What was found.

    Attributes:
        presence: whether it can be used, and else why not.
        samples: of ``train``, ``val`` and ``test``.
        split: names data and division, as a trial's notes do.
        remarks: what to know of it, such as images that are left out.
    """

    presence: Presence
    input_shape: tuple[int, ...] = ()
    outputs: int = 0
    samples: Mapping[str, int] | None = None
    split: str = ""
    remarks: tuple[str, ...] = ()


def examine(config: Part, project_root: Path, progress: Progress) -> Examined:
    """Decodes what is not decoded yet, as a study would."""
    entry: Any = DATA.get(config.name)
    try:
        located = entry.locate(config, project_root)
        entry.prepare(located, progress)
    except BadInput as error:
        return Examined(judged(config.name, error))
    try:
        dataset = entry.load(located)
    except BadInput as error:  # it is here, but cannot be divided as these settings say
        return Examined(judged(config.name, error.located(source=error.key)))
    scale = [] if dataset.pixels is None else [f"pixels: {dataset.pixels}"]
    return Examined(
        judged(config.name, None, located),
        dataset.input_shape,
        dataset.outputs,
        {name: len(split) for name, split in zip(("train", "val", "test"), dataset.splits, strict=True)},
        dataset.digest,
        (*scale, *entry.all_remarks(located)),
    )

"""Which data sets are here, looked at without decoding anything; and one of them in full: found, decoded, divided."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from sparsetune.base.errors import BadInput
from sparsetune.config.base import Part
from sparsetune.data import DATA
from sparsetune.fetch.sources import SOURCES

Progress = Callable[[int, int], None]  # samples so far, of how many


@dataclass(frozen=True)
class Presence:
    """One data set with its defaults.

    Attributes:
        state: here; missing files; broken files; or yours: it is made of files that a study names.
        where: the folder of its files, if it has one.
        problem: what is missing or broken.
        mend: what helps.
    """

    name: str
    card: str
    state: Literal["here", "missing", "broken", "yours"]
    where: str = ""
    problem: str = ""
    mend: str = ""


def presences(project_root: Path, root: str | None = None) -> Iterator[Presence]:
    """Every data set that a study can name.

    Args:
        root: the folder of data files; else the environment's or the project's.
    """
    for name in DATA.names():
        yield presence(name, project_root, {} if root is None else {"root": root})


def presence(name: str, project_root: Path, settings: Mapping[str, Any]) -> Presence:
    """One of them."""
    data_set = DATA.get(name)
    rooted = "root" in data_set.Config.model_fields
    try:
        config = data_set.Config(**{key: value for key, value in settings.items() if rooted or key != "root"})
        return judged(name, None, data_set.locate(config, project_root))
    except (ValidationError, BadInput) as error:
        if rooted and isinstance(error, BadInput):
            return judged(name, error)
        return Presence(name, _card(name), "yours")  # made of files that these settings do not name


def judged(name: str, error: BadInput | None, located: Any = None) -> Presence:
    """Of a data set that was located, or could not be used because of ``error``."""
    if error is None:
        return Presence(name, _card(name), "here", where=str(getattr(located, "root", None) or ""))
    problem, _, mend = error.sentence.partition("; ")
    if not error.source:
        mend = f"sparsetune data fetch {name}" if name in SOURCES else mend
        return Presence(name, _card(name), "missing", problem=problem, mend=mend)
    return Presence(name, _card(name), "broken", problem=f"{error.source}: {problem}", mend=mend)


def _card(name: str) -> str:
    return (inspect.getdoc(DATA.get(name)) or "").partition("\n")[0].rstrip(".")


@dataclass(frozen=True)
class Examined:
    """One data set, looked at in full.

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
    data_set: Any = DATA.get(config.name)
    try:
        located = data_set.locate(config, project_root)
        data_set.prepare(located, progress)
    except BadInput as error:
        return Examined(judged(config.name, error))
    try:
        dataset = data_set.load(located)
    except BadInput as error:  # it is here, but cannot be divided as these settings say
        return Examined(judged(config.name, error.located(source=error.key)))
    scale = [] if dataset.pixels is None else [f"pixels: {dataset.pixels}"]
    return Examined(
        judged(config.name, None, located),
        dataset.input_shape,
        dataset.outputs,
        {name: len(split) for name, split in zip(("train", "val", "test"), dataset.splits, strict=True)},
        dataset.digest,
        (*scale, *data_set.all_remarks(located)),
    )

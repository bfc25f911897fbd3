"""The files that a trial reads: found before anything starts, decoded once, named to workers by absolute paths."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import Project
from sparsetune.config.base import Part, places
from sparsetune.config.outlook import facts_of
from sparsetune.config.overrides import assign
from sparsetune.config.registry import Registries
from sparsetune.config.space import Space
from sparsetune.config.space.checks import check_corners, check_space
from sparsetune.config.trial import TrialConfig, resolve_part, resolve_trial

if TYPE_CHECKING:
    from rich.console import Console

Places = dict[str, Any]  # dotted names of a trial's config to absolute paths
Progress = Callable[[int, int], None]  # done, of how many; 0 of 0: another process is at it, this one waits
WAITS = "waiting for another process that decodes the same data"
_SHOWN_AFTER = 1.0  # seconds: what is done sooner needs no bar
_MOST_DIVIDED = 10_000_000  # samples that are divided to try splits: seconds
_EACH_DIVISION = 20_000  # samples that a division costs beside its own


@dataclass(frozen=True)
class Prepared:
    """What is known once a trial's files have been read.

    Attributes:
        remarks: what is to be said of the data, a line each.
        content: digests of what the files hold, by what they are for.
    """

    remarks: list[str]
    content: dict[str, str]


def locate(trial: TrialConfig, project: Project, known: Registries, source: object) -> Places:
    """Where the files of data and model lie on this machine; nothing is decoded or written.

    Raises:
        BadInput: they are missing or broken.
    """
    found: Places = {}
    for section, registry in (("data", known.data), ("model", known.model)):
        part = getattr(trial, section)
        try:
            located = registry.get(part.name).locate(part, project.root)
        except BadInput as error:
            raise error.located(source=source) from None
        found |= {f"{section}.{name}": value for name, value in places(located).items() if value is not None}
    return found


def prepare(
    trial: TrialConfig,
    found: Mapping[str, Any],
    known: Registries,
    source: object,
    progress: Progress,
    space: Space | None = None,
    bases: Mapping[str, TrialConfig] | None = None,
) -> Prepared:
    """Decode the data, if this machine has not done so, and check what could not be known without them.

    Args:
        found: from :func:`locate`.
        progress: is told of samples: done, of how many.
        space: what varies in a study, around these
        bases: by branch.

    Raises:
        BadInput: data that cannot be decoded or divided; a model, method or space that does not go with them.
    """
    data, model = known.data.get(trial.data.name), known.model.get(trial.model.name)
    unknown = facts_of(trial, known) is None
    varied = (bases or {"": trial}, space or Space({}, {}), found, known, source)
    try:
        located = resolve_trial(assign(trial.plain(), found), known)
        if facts_of(located, known) is None:  # decoding may take hours
            refuse_splits(*varied)
        data.prepare(located.data, progress)
        if unknown:
            located = resolve_trial(assign(trial.plain(), found), known)  # now with facts
        facts = facts_of(located, known)
        assert facts is not None
        model.prepare(located.model, facts)
    except BadInput as error:
        raise error.located(source=source) from None
    if unknown and space is not None and bases is not None:
        at = {branch: resolve_trial(assign(base.plain(), found), known) for branch, base in bases.items()}
        check_space(at, space, known)
    refuse_splits(*varied, decoded=located.data)
    content = {"data": data.content(located.data), "model.weights": model.content(located.model)}
    return Prepared(data.all_remarks(located.data), {name: named for name, named in content.items() if named})


def refuse_splits(
    bases: Mapping[str, TrialConfig],
    space: Space,
    found: Mapping[str, Any],
    known: Registries,
    source: object,
    decoded: Part | None = None,
) -> None:
    """Divide the samples of all configs at the corners of a space, as far as their labels are at hand.

    Args:
        found: from :func:`locate`.
        decoded: located data that have been prepared.

    Raises:
        BadInput: splits that cannot be made, which would fail each trial.
    """
    tried, cost = set[str](), 0

    def divide(config: dict[str, Any]) -> None:
        nonlocal cost
        part = resolve_part("data", assign(config, found)["data"], known)
        if cost > _MOST_DIVIDED or repr(part) in tried:
            return
        tried.add(repr(part))
        entry = known.data.get(part.name)
        pools = entry.read(part) if part == decoded else entry.at_hand(part)
        if pools is not None:
            cost += len(pools.train) + _EACH_DIVISION
            entry.divided(pools, part)

    about = space.about("data")
    try:
        check_corners(bases if about.chosen else {"": next(iter(bases.values()))}, about, divide)
    except BadInput as error:
        raise error.located(source=source) from None


@contextmanager
def progress_bar(
    console: Console,
    doing: str = "decoding",
    remark: str = ", once on this machine",
    *,
    what: str = "samples",
    after: float | None = None,
) -> Iterator[Progress]:
    """A function of (done, of how many) that draws a bar once the work takes longer than a moment.

    Args:
        doing: what is done to them.
        remark: behind it, where no bar can be drawn.
        what: they are.
        after: seconds that count as a moment, where it is another one.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Bars(*columns, console=console, transient=True)
    started, task, waited = time.monotonic(), None, False
    moment = _SHOWN_AFTER if after is None else after

    def progress(done: int, total: int) -> None:
        nonlocal task, waited
        if not total:
            if not waited:
                console.print(WAITS, highlight=False)
            waited = True
            return
        if task is None:
            if done == total or time.monotonic() - started < moment:
                return
            if not console.is_terminal:
                console.print(f"{doing} {total:,} {what}{remark}", highlight=False)
            bar.start()
            task = bar.add_task(doing, total=total)
        bar.update(task, completed=done)

    try:
        yield progress
    finally:
        if task is not None:
            bar.stop()

"""The files that a trial reads: found before anything starts, decoded once, named to workers by absolute paths."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparsetune.app.gathered import with_gathered
from sparsetune.base.errors import BadInput
from sparsetune.base.paths import Project
from sparsetune.config.base import Part
from sparsetune.config.base import places as places_of
from sparsetune.config.facts import facts_of
from sparsetune.config.overrides import assign
from sparsetune.config.registry import Registries
from sparsetune.config.space import Space
from sparsetune.config.space.checks import check_corners, check_space
from sparsetune.config.trial import NAMED, TrialConfig, resolve_part, resolve_trial
from sparsetune.sparsity.trained_first import FIRST

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
        places: where they lie.
        remarks: what is to be said of the data, a line each.
        content: digests of what the files hold, by what they are for.
    """

    places: Places
    remarks: list[str]
    content: dict[str, str]


def ready(
    trial: TrialConfig,
    project: Project,
    registries: Registries,
    source: object,
    console: Console,
    space: Space | None = None,
    bases: Mapping[str, TrialConfig] | None = None,
) -> Prepared:
    """:func:`locate` and :func:`prepare` in one, with a bar on the console."""
    places = locate(trial, project, registries, source)
    with progress_bar(console) as progress:
        return prepare(trial, places, registries, source, progress, space, bases)


def locate(trial: TrialConfig, project: Project, registries: Registries, source: object) -> Places:
    """Where the files of method, data and model lie on this machine; nothing is decoded.

    Raises:
        BadInput: they are missing or broken.
    """
    located: Places = {}
    for section in NAMED:
        try:
            part = with_gathered(getattr(trial, section), project)
            fields = places_of(getattr(registries, section).get(part.name).locate(part, project.root))
        except BadInput as error:
            raise error.located(source=source) from None
        located |= {f"{section}.{name}": value for name, value in fields.items() if value is not None}
    first = registries.method.get(trial.method.name).comes_first(trial)
    if first is not None and first.data is not trial.data:
        try:
            of_first = locate(first, project, registries, source)
        except BadInput as error:
            raise error.at(key=f"{FIRST}.{error.key}") from None
        located |= {f"{FIRST}.{key}": value for key, value in of_first.items() if key.startswith("data.")}
    return located


def prepare(
    trial: TrialConfig,
    places: Mapping[str, Any],
    registries: Registries,
    source: object,
    progress: Progress,
    space: Space | None = None,
    bases: Mapping[str, TrialConfig] | None = None,
) -> Prepared:
    """Decode the data, if this machine has not done so, and check what could not be known without them.

    Args:
        places: from :func:`locate`.
        progress: is told of samples: done, of how many.
        space: what varies in a study, around these
        bases: by branch.

    Raises:
        BadInput: data that cannot be decoded or divided; a model, method or space that does not go with them.
    """
    data, model = registries.data.get(trial.data.name), registries.model.get(trial.model.name)
    method = registries.method.get(trial.method.name)
    before = method.comes_first(trial)
    unknown = any(facts_of(each, registries) is None for each in (trial, before or trial))
    varied = (bases or {"": trial}, space or Space({}, {}), places, registries, source)

    def here(config: TrialConfig) -> TrialConfig:
        return resolve_trial(assign(config.plain(), places), registries)

    try:
        located = here(trial)
        if facts_of(located, registries) is None:  # decoding may take hours
            refuse_splits(*varied)
        data.prepare(located.data, progress)
        first = method.comes_first(located)
        if first is not None:
            registries.data.get(first.data.name).prepare(first.data, progress)
        if unknown:
            located = here(trial)  # now with facts
            first = method.comes_first(located)
        facts = facts_of(located, registries)
        assert facts is not None
        model.prepare(located.model, facts)
        method.prepare(located, facts, registries)
    except BadInput as error:
        raise error.located(source=source) from None
    if unknown and space is not None and bases is not None:
        check_space({branch: here(base) for branch, base in bases.items()}, space, registries)
    refuse_splits(*varied, decoded=located.data)
    digests = {
        "data": data.content(located.data),
        "model.weights": model.content(located.model),
        "method": method.content(located.method),
    }
    if first is not None and first.data is not located.data:
        digests[f"{FIRST}.data"] = registries.data.get(first.data.name).content(first.data)
    content = {name: digest for name, digest in digests.items() if digest}
    return Prepared(dict(places), data.all_remarks(located.data), content)


def refuse_splits(
    bases: Mapping[str, TrialConfig],
    space: Space,
    places: Mapping[str, Any],
    registries: Registries,
    source: object,
    decoded: Part | None = None,
) -> None:
    """Divide the samples of all configs at the corners of a space, as far as their labels are at hand.

    Args:
        places: from :func:`locate`.
        decoded: located data that have been prepared.

    Raises:
        BadInput: splits that cannot be made, which would fail each trial.
    """
    tried, cost = set[str](), 0

    def divide(config: dict[str, Any]) -> None:
        nonlocal cost
        part = resolve_part("data", assign(config, places)["data"], registries)
        if cost > _MOST_DIVIDED or repr(part) in tried:
            return
        tried.add(repr(part))
        data = registries.data.get(part.name)
        pools = data.read(part) if part == decoded else data.at_hand(part)
        if pools is not None:
            cost += len(pools.train) + _EACH_DIVISION
            data.divided(pools, part)

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
    after: float = _SHOWN_AFTER,
) -> Iterator[Progress]:
    """A function of (done, of how many) that draws a bar once the work takes longer than a moment.

    Args:
        doing: what is done to them.
        remark: behind it, where no bar can be drawn.
        what: they are.
        after: seconds that count as a moment.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Bars(*columns, console=console, transient=True)
    started, task, waited = time.monotonic(), None, False

    def progress(done: int, total: int) -> None:
        nonlocal task, waited
        if not total:
            if not waited:
                console.print(WAITS, highlight=False)
            waited = True
            return
        if task is None:
            if done == total or time.monotonic() - started < after:
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

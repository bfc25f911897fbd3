"""Data sets: which are here, what is decoded, what was fetched and removed."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sparsetune.app.inputs import progress_bar
from sparsetune.base.layout.columns import GAP
from sparsetune.base.layout.console import open_console
from sparsetune.base.layout.text import ago, cut_front, size
from sparsetune.base.paths import cache_root
from sparsetune.config.base import check_model
from sparsetune.data import DATA, store
from sparsetune.fetch.fetch import fetch
from sparsetune.fetch.presence import Examined, Presence, examine, presences
from sparsetune.show.catalogue import head_of, show_settings
from sparsetune.show.words import command_line, document, listing

_STATES = {"here": "green", "missing": "yellow", "broken": "bold red", "yours": ""}
_HEADS = ("decoded", "samples", "of", "size", "last used", "made of")
_LEAST = 16  # characters of a path: fewer say nothing


def show_list(project_root: Path, root: str | None, *, as_json: bool) -> None:
    """Every data set and all that is decoded."""
    there, decoded = list(presences(project_root, root)), store.everything()
    if as_json:
        sets = [dataclasses.asdict(each) for each in there]
        cache = {"folder": str(cache_root()), "entries": [_plain(each) for each in decoded]}
        document({"data_sets": sets, "decoded": cache})
        return
    console = open_console()
    table = listing("data set", "files", "what it is")
    for each in there:
        state = {"yours": "you name them", "here": "here", "missing": "not here", "broken": "broken"}[each.state]
        table.add_row(each.name, Text(state, _STATES[each.state]), Text(each.card))
    console.print(table)
    console.print()
    total = f"{len(decoded)} decoded in {cache_root()}, {size(sum(each.nbytes for each in decoded))}"
    console.print(Text(total, "bold"), soft_wrap=True)
    if decoded:
        console.print(_decoded_table(decoded, console.width))


def show_one(name: str) -> None:
    """A data set's source and splits, and its settings."""
    data = DATA.get(name)
    show_settings(head_of(data), data.Config)


def show_check(project_root: Path, root: str | None, *, as_json: bool) -> None:
    """All data sets: whether their files are there; opens none."""
    there = list(presences(project_root, root))
    if as_json:
        document([dataclasses.asdict(each) for each in there])
        return
    console = open_console()
    for each in there:
        _print_presence(console, each)


def show_check_of(
    name: str, settings: Mapping[str, Any], project_root: Path, *, as_json: bool, progress: Console
) -> int:
    """One data set in full; returns how much is missing or broken."""
    config = check_model(DATA.get(name).Config, {"name": name, **settings}, key="data")
    with progress_bar(progress) as told:
        examined = examine(config, project_root, told)
    if as_json:
        plain = dataclasses.asdict(examined)
        document({**plain.pop("presence"), **plain})
    else:
        console = open_console()
        _print_presence(console, examined.presence)
        for line in _in_words(examined):
            console.print(Text(f"  {line}"), soft_wrap=True)
    return int(examined.presence.state != "here")


def show_fetch(name: str, root: Path, progress: Console) -> None:
    """Fetch a data set, with a bar for each file, and say how to use it."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=progress, transient=True, disable=not progress.is_terminal) as bars:

        def begin(file: str) -> Callable[[int, int], None]:
            if not progress.is_terminal:
                progress.print(f"downloading {file}", highlight=False)
            task = bars.add_task(file, total=None)
            return lambda done, of: bars.update(task, completed=done, total=of or None)

        fetched = fetch(name, root, begin)
    console = open_console()
    console.print(Text(f"{'was there already' if fetched.before else 'fetched'}: {fetched.path}"), soft_wrap=True)
    console.print(Text(f"in a study: data: {fetched.use}", "dim"), soft_wrap=True)


def show_clean(unused_for: float | None, agreed: Callable[[str], bool]) -> None:
    """Remove what is decoded after asking; the files that they were decoded from stay.

    Args:
        unused_for: seconds; None for all of it.
        agreed: is shown what goes, and says whether it may.
    """
    now = time.time()
    chosen = [each for each in store.everything() if unused_for is None or now - each.last_used > unused_for]
    freed = store.sweep()
    console = open_console()
    if chosen:
        console.print(_decoded_table(chosen, console.width))
        nbytes = sum(each.nbytes for each in chosen)
        if not agreed(f"remove {len(chosen)} decoded, {size(nbytes)}? They are decoded again when they are needed."):
            return
        for each in chosen:
            store.remove(each)
        freed += nbytes
    said = f"removed {len(chosen)} decoded, {size(freed)} free" if freed else "nothing to remove"
    console.print(said, highlight=False)


def _plain(decoded: store.Decoded) -> dict[str, Any]:
    return {
        "folder": str(decoded.folder),
        **{key: decoded.meta.get(key) for key in ("label", "source", "samples", "shape", "skipped", "made")},
        "bytes": decoded.nbytes,
        "last_used": decoded.last_used,
    }


def _print_presence(console: Console, presence: Presence) -> None:
    said = {"here": f"here{f', in {presence.where}' if presence.where else ''}", "yours": "made of files that you name"}
    line = Text.assemble(f"{presence.name}: ", (said.get(presence.state, presence.state), _STATES[presence.state]))
    console.print(line + Text(f": {presence.problem}" if presence.problem else ""), soft_wrap=True)
    if presence.mend:
        program, _, rest = presence.mend.partition(" ")
        mend = command_line(*rest.split()) if program == "sparsetune" else presence.mend
        console.print(Text(f"  -> {mend}"), soft_wrap=True)


def _in_words(examined: Examined) -> list[str]:
    if examined.samples is None:
        return []
    counts = " / ".join(f"{count:,} {name}" for name, count in examined.samples.items())
    of = " x ".join(map(str, examined.input_shape))
    return [f"{counts} samples of {of}, {examined.outputs} outputs; split {examined.split}", *examined.remarks]


def _decoded_table(decoded: Sequence[store.Decoded], width: int) -> Table:
    """A row for each; where the files lie takes what is left of ``width`` characters."""
    rows = [_cells(each) for each in decoded]
    taken = [GAP + max(map(len, column)) for column in zip(_HEADS, *rows, strict=True)]
    left = max(_LEAST, width - sum(taken[:-1]))
    table = listing(*_HEADS, right=("samples", "size"))
    for *cells, made_of in rows:
        table.add_row(*map(Text, (*cells, cut_front(made_of, left))))
    return table


def _cells(decoded: store.Decoded) -> tuple[str, ...]:
    samples = decoded.meta.get("samples", decoded.meta.get("rows"))
    count = sum(samples.values()) if isinstance(samples, dict) else samples
    return (
        str(decoded.meta["label"]),
        f"{count:,}" if count else "",
        " x ".join(map(str, decoded.meta.get("shape", ()))),
        size(decoded.nbytes),
        ago(time.time() - decoded.last_used),
        _place(decoded.meta.get("source", "")),
    )


def _place(source: Any) -> str:
    """A file, the folder of several, or what else it says of where it is from; ~ for the home folder."""
    place = source if isinstance(source, str) else os.path.commonpath(source)
    home = Path.home()
    return f"~/{Path(place).relative_to(home)}" if Path(place).is_relative_to(home) else place

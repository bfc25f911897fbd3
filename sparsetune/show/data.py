"""Data sets: which are here, what is decoded, what was fetched and removed."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from sparsetune.app.inputs import progress_bar
from sparsetune.base.layout.console import open_console
from sparsetune.base.layout.text import size
from sparsetune.base.paths import cache_root
from sparsetune.config.checking import check_model
from sparsetune.data import DATA, store
from sparsetune.fetch.fetch import fetch
from sparsetune.fetch.presence import Examined, Presence, examine, presences
from sparsetune.report.tables import plain_table
from sparsetune.show.entries import entry_table
from sparsetune.show.words import command_line

_STATES = {"here": "green", "missing": "yellow", "broken": "bold red", "yours": ""}


def show_list(project_root: Path, root: str | None, *, as_json: bool) -> None:
    """Every data set and every decoded entry."""
    found, decoded = list(presences(project_root, root)), store.everything()
    if as_json:
        sets = [dataclasses.asdict(each) for each in found]
        cache = {"folder": str(cache_root()), "entries": [_plain(each) for each in decoded]}
        print(json.dumps({"data_sets": sets, "decoded": cache}, indent=1))
        return
    console = open_console()
    table = plain_table()
    for head in ("data set", "files", "what it is"):
        table.add_column(head)
    for each in found:
        state = {"yours": "you name them", "here": "here", "missing": "not here", "broken": "broken"}[each.state]
        table.add_row(each.name, Text(state, _STATES[each.state]), Text(each.card))
    console.print(table)
    console.print()
    total = f"{len(decoded)} decoded in {cache_root()}, {size(sum(each.nbytes for each in decoded))}"
    console.print(Text(total, "bold"), soft_wrap=True)
    if decoded:
        console.print(entry_table(decoded, console.width))


def show_check(project_root: Path, root: str | None, *, as_json: bool) -> None:
    """All data sets: whether their files are there; opens none."""
    found = list(presences(project_root, root))
    if as_json:
        print(json.dumps([dataclasses.asdict(each) for each in found], indent=1))
        return
    console = open_console()
    for each in found:
        _print_presence(console, each)


def show_check_of(
    name: str, settings: Mapping[str, Any], project_root: Path, *, as_json: bool, progress: Console
) -> int:
    """One data set in full; returns how much is missing or broken."""
    config = check_model(DATA.get(name).Config, {"name": name, **settings}, key="data")
    with progress_bar(progress) as told:
        found = examine(config, project_root, told)
    if as_json:
        plain = dataclasses.asdict(found)
        print(json.dumps({**plain.pop("presence"), **plain}, indent=1))
    else:
        console = open_console()
        _print_presence(console, found.presence)
        for line in _in_words(found):
            console.print(Text(f"  {line}"), soft_wrap=True)
    return int(found.presence.state != "here")


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
    """Remove decoded entries after asking; the files that they were decoded from stay.

    Args:
        unused_for: seconds; None for all entries.
        agreed: is shown what goes, and says whether it may.
    """
    now = time.time()
    chosen = [each for each in store.everything() if unused_for is None or now - each.last_used > unused_for]
    freed = store.sweep()
    console = open_console()
    if chosen:
        console.print(entry_table(chosen, console.width))
        nbytes = sum(each.nbytes for each in chosen)
        if not agreed(f"remove {len(chosen)} decoded, {size(nbytes)}? They are decoded again when they are needed."):
            return
        for each in chosen:
            store.remove(each)
        freed += nbytes
    said = f"removed {len(chosen)} decoded, {size(freed)} free" if freed else "nothing to remove"
    console.print(said, highlight=False)


def _plain(entry: store.Decoded) -> dict[str, Any]:
    return {
        "folder": str(entry.folder),
        **{key: entry.meta.get(key) for key in ("label", "source", "samples", "shape", "skipped", "made")},
        "bytes": entry.nbytes,
        "last_used": entry.last_used,
    }


def _print_presence(console: Console, found: Presence) -> None:
    said = {"here": f"here{f', in {found.where}' if found.where else ''}", "yours": "made of files that you name"}
    line = Text.assemble(f"{found.name}: ", (said.get(found.state, found.state), _STATES[found.state]))
    console.print(line + Text(f": {found.problem}" if found.problem else ""), soft_wrap=True)
    if found.mend:
        program, _, rest = found.mend.partition(" ")
        mend = command_line(*rest.split()) if program == "sparsetune" else found.mend
        console.print(Text(f"  -> {mend}"), soft_wrap=True)


def _in_words(found: Examined) -> list[str]:
    if found.samples is None:
        return []
    counts = " / ".join(f"{count:,} {name}" for name, count in found.samples.items())
    of = " x ".join(map(str, found.input_shape))
    return [f"{counts} samples of {of}, {found.outputs} outputs; split {found.split}", *found.remarks]

"""`status`: once, or again and again until the studies end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from rich.console import Console
from rich.live import Live

from sparsetune.base.layout.console import open_console
from sparsetune.base.layout.printable import printable
from sparsetune.base.paths import Project
from sparsetune.search.progress import read_progress
from sparsetune.show.gather import Status, disk_use, gather
from sparsetune.show.status import line, picture
from sparsetune.show.words import document

SIZES_EVERY = 60.0  # seconds: to look at all files of a large study takes one


class Reader:
    """Reads one study, or without a name all, again and again; raises
    :class:`~sparsetune.base.errors.BadInput` like ``read_progress``. ``clock`` gives Unix seconds."""

    def __init__(
        self, url: str, name: str | None, project: Project | None, clock: Callable[[], float] = time.time
    ) -> None:
        self.name = name
        self.clock = clock
        self._url, self._project = url, project
        self._sizes: dict[str, dict[str, int]] = {}
        self._sized = clock()

    def __call__(self) -> list[Status]:
        studies = read_progress(self._url, None if self.name is None else [self.name])
        now = self.clock()
        if now - self._sized >= SIZES_EVERY:
            self._sizes, self._sized = {}, now
        for each in studies:
            if each.name not in self._sizes:
                self._sizes[each.name] = disk_use(each, self._url, self._project)
        return [gather(each, self._url, self._project, int(now * 1000), self._sizes[each.name]) for each in studies]


def show_status(reader: Reader, *, as_json: bool) -> None:
    """Once."""
    studies = reader()
    if as_json:
        documents = [status.document() for status in studies]
        document(documents if reader.name is None else documents[0])
        return
    console = open_console()
    console.print(picture(studies, console, reader.clock(), one=reader.name is not None), highlight=False)


def watch_status(
    reader: Reader, interval: float, *, as_json: bool, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Every ``interval`` seconds, until no study that is shown can change any more, or Ctrl-C.

    Redraws in place on a terminal; elsewhere a line, or one JSON document, for each study that has changed.
    """
    console = open_console()
    try:
        if as_json or not (console.is_interactive and console.file.isatty()):
            _follow(reader, interval, (lambda status: json.dumps(status.document())) if as_json else line, sleep)
        else:
            _redraw(reader, interval, console, sleep)
    except KeyboardInterrupt:
        return


def _follow(reader: Reader, interval: float, say: Callable[[Status], str], sleep: Callable[[float], None]) -> None:
    told: dict[str, Status] = {}
    for studies in _until_over(reader, interval, sleep):
        for status in studies:
            lasting = replace(status, seconds_left=None, on_disk={})  # these alone are no change
            if told.get(status.study) != lasting:
                told[status.study] = lasting
                print(printable(say(status)), flush=True)


def _redraw(reader: Reader, interval: float, console: Console, sleep: Callable[[float], None]) -> None:
    with Live(console=console, auto_refresh=False) as live:
        for studies in _until_over(reader, interval, sleep):
            live.update(picture(studies, console, reader.clock(), one=reader.name is not None), refresh=True)


def _until_over(reader: Reader, interval: float, sleep: Callable[[float], None]) -> Iterator[list[Status]]:
    studies = reader()
    yield studies
    while not all(status.over for status in studies):
        sleep(interval)
        studies = reader()
        yield studies

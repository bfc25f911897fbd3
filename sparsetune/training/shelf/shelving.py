"""What a training takes from a shelf, and leaves there. Whatever goes wrong with the shelf, training goes on."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property

from sparsetune.base.shelf import Shelf
from sparsetune.base.yaml_io import write_atomic
from sparsetune.training.checkpoint import packed, read_checkpoint
from sparsetune.training.keys import digest
from sparsetune.training.setup import Setup
from sparsetune.training.shelf.entry import Entry, entry_of
from sparsetune.training.shelf.key import what_trains
from sparsetune.training.walk.ends import Ends
from sparsetune.training.walk.journal import Journal
from sparsetune.training.walk.union import Node


class Shelving:
    """Of one walk.

    Attributes:
        trouble: why it leaves nothing more; empty while it does.
    """

    def __init__(self, shelf: Shelf, setup: Setup, own: Sequence[str]) -> None:
        """Args: own: digests of the user's own files."""
        self._shelf, self._setup, self._own = shelf, setup, own
        self.trouble = ""

    def take(self, node: Node, journal: Journal, ends: Ends) -> bool:
        """Take over how a stage that has been begun has ended, if what every view of it wants is there."""
        name = self._name(journal.keys[node.number])
        entry = self._read(name) if node.reused else None
        if entry is None or not all(map(entry.has, node.views)):
            return False
        with suppress(OSError):
            self._shelf.use(name)
        ends.take(entry.states)
        for looked in node.views:
            if not journal.of(node, looked).end:
                journal.take(node, looked, entry.views[looked.key], self._setup.order.steps)
        return True

    def leave(self, node: Node, journal: Journal, ends: Ends) -> None:
        """Leave how a stage has ended, if all of its views have: some may have come to nothing."""
        views = [(looked.view, journal.of(node, looked)) for looked in node.views]
        if self.trouble or not all(written.end in ends.aside for _, written in views):
            return
        name = self._name(journal.keys[node.number])
        entry = entry_of(views, {written.end: ends.aside[written.end] for _, written in views})
        earlier = self._read(name)
        content = packed((entry if earlier is None else entry.beside(earlier)).to_plain())
        try:
            if self._shelf.make_room(len(content)):
                write_atomic(self._shelf.place(name), content)
        except OSError as error:
            self.trouble = f"nothing more is left in {self._shelf.folder}: {error.strerror}"
            warnings.warn(self.trouble, RuntimeWarning, stacklevel=2)

    def _read(self, name: str) -> Entry | None:
        """What was left under that name; None where nothing was, or where it is damaged or cannot be read."""
        try:
            plain = read_checkpoint(self._shelf.place(name))
        except OSError:
            return None
        return None if plain is None else Entry.from_plain(plain)

    def _name(self, key: str) -> str:
        return digest(self._what_trains, key)

    @cached_property
    def _what_trains(self) -> str:
        return what_trains(self._setup, self._own)

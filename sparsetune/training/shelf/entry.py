"""How a stage has ended, as a file can hold it: what each view wrote, and the states that others start from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sparsetune.sparsity.stage import View
from sparsetune.training.keys import digest
from sparsetune.training.walk.ends import State
from sparsetune.training.walk.notes import Note, Written
from sparsetune.training.walk.union import Looked


@dataclass(frozen=True)
class Entry:
    """Attributes:
    views: what was written of each, by the view's key.
    states: by the keys of the ends, with what may be measured again.
    """

    views: Mapping[str, Written]
    states: Mapping[str, State]

    def has(self, looked: Looked) -> bool:
        """Whether that view is there, with the state in which it has ended."""
        return looked.key in self.views and self.views[looked.key].end in self.states

    def beside(self, other: Entry) -> Entry:
        """With what another training of the same stage has left."""
        return Entry({**other.views, **self.views}, {**other.states, **self.states})

    def to_plain(self) -> dict[str, Any]:
        """Tensors and plain values."""
        views = {
            key: {"written": written.state_dict(), "notes": [note.to_plain() for note in written.notes]}
            for key, written in self.views.items()
        }
        return {"views": views, "states": dict(self.states)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Entry:
        views = {
            key: Written.from_state(each["written"], [Note.from_plain(note) for note in each["notes"]])
            for key, each in plain["views"].items()
        }
        return cls(views, plain["states"])


def entry_of(views: Sequence[tuple[View, Written]], states: Mapping[str, State]) -> Entry:
    """Of a stage that has ended in all of its views.

    Whoever looks as one of them does, but wants neither rows nor results, has there what a view of its own would have
    left.
    """
    said = [(digest(view), written) for view, written in views]
    silent = [
        (digest(replace(view, keep_row=0, results=())), replace(written, notes=[], best=None))
        for view, written in views
    ]
    return Entry({**dict(silent), **dict(said)}, states)

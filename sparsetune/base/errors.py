"""Bad input: one line that names the file, the key, what was found and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from sparsetune.base.layout.printable import printable
from sparsetune.base.secrets import hidden

PathT = TypeVar("PathT", bound=str | Path)


class BadInput(ValueError):
    """Something that the user wrote or asked for cannot be. The message is one line without passwords, ready to print
    (exit code 2)."""

    def __init__(self, problem: str, *, source: object = "", key: str = "") -> None:
        self.problem = printable(hidden(" ".join(problem.split())))
        self.source = printable(hidden(str(source)))
        self.key = printable(key)
        super().__init__(": ".join(part for part in (self.source, self.key, self.problem) if part))

    def located(self, *, source: object = "", key: str = "") -> BadInput:
        """The same problem with what it lacks of file and key filled in."""
        return BadInput(self.problem, source=self.source or source, key=self.key or key)


def in_utf8(path: PathT, *, key: str = "") -> PathT:
    """The path; raises :class:`BadInput` for one with bytes that are not UTF-8: databases and YAML cannot hold it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise BadInput(f"found '{path}', allowed: a path in UTF-8", key=key) from None
    return path


def shown(value: Any) -> str:
    """A found value as a message shows it: as YAML would say it, shortened where it is long."""
    names = {None: "null", True: "true", False: "false"}
    text = names[value] if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"


def unknown(what: str, found: str, allowed: Iterable[str]) -> str:
    """The sentence for an unknown name, with the nearest allowed one first."""
    names = sorted(allowed)
    near = difflib.get_close_matches(found, names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"unknown {what} {found!r}{hint} (allowed: {', '.join(names) or 'none'})"

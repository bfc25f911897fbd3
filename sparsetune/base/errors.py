"""Bad input: one line that names the file, the key, what was found and what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, TypeVar

from sparsetune.base.layout.printable import printable
from sparsetune.base.secrets import hidden

PathT = TypeVar("PathT", bound=str | Path)


Code = Literal[
    "invalid",  # cannot be, for the reason that is said
    "not_allowed",  # something else may stand there
    "unknown",  # a name that nothing has
    "missing",  # has to be said, or to be there, and is not
    "exists",  # is there already
    "conflict",  # two things that exclude each other
    "damaged",  # not whole, or not what it says it is
    "unavailable",  # cannot be reached, opened or read now
]


class BadInput(ValueError):
    """Something that the user wrote or asked for cannot be. The message is one line without passwords, ready to print
    (exit code 2): ``source: key: found 3, allowed: 1 or 2``.

    Attributes:
        problem: the reason, where what was found and what is allowed do not say it all.
        source: the file, store or command that it is about.
        key: the dotted name or the option in it.
        found: what stands there, as a message shows it.
        allowed: what may stand there, in words.
        more: what is said after all that, with what stands between (``"; ..."``).
        code: the kind of problem, for programs.
    """

    def __init__(
        self,
        problem: str = "",
        *,
        source: object = "",
        key: str = "",
        found: str = "",
        allowed: str = "",
        more: str = "",
        code: Code | None = None,
    ) -> None:
        self.problem, self.found, self.allowed = (_line(each.strip()) for each in (problem, found, allowed))
        self.more = _line(more)
        self.source, self.key = printable(hidden(str(source))), printable(key)
        self.code: Code = code or ("not_allowed" if allowed else "invalid")
        super().__init__(": ".join(part for part in (self.source, self.key, self.sentence) if part))

    @classmethod
    def unknown(
        cls, what: str, found: str, allowed: Iterable[str], *, more: str = "", source: object = "", key: str = ""
    ) -> BadInput:
        """A name that nothing has, with the nearest one; ``more`` stands where those that exist are too many."""
        names = sorted(allowed)
        near = difflib.get_close_matches(found, names, n=1, cutoff=0.5)
        problem = f"unknown {what} {found!r}" + (f"; did you mean {near[0]!r}?" if near else "") + more
        listed = "" if more else ", ".join(names) or "none"
        return cls(problem, source=source, key=key, found=found, allowed=listed, code="unknown")

    @property
    def sentence(self) -> str:
        """What is wrong, without where."""
        if self.code == "unknown":
            return self.problem + (f" (allowed: {self.allowed})" if self.allowed else "") + self.more
        reason = ": ".join(part for part in (f"found {self.found}" if self.found else "", self.problem) if part)
        ending = f"allowed: {self.allowed}" if self.allowed else ""
        return ("; " if self.problem else ", ").join(part for part in (reason, ending) if part) + self.more

    def at(self, *, source: object = None, key: str | None = None, more: str = "") -> BadInput:
        """The same problem under another file or key, with ``more`` at the sentence's end."""
        return BadInput(
            self.problem,
            source=self.source if source is None else source,
            key=self.key if key is None else key,
            found=self.found,
            allowed=self.allowed,
            more=self.more + more,
            code=self.code,
        )

    def located(self, *, source: object = "", key: str = "") -> BadInput:
        """The same problem with what it lacks of file and key filled in."""
        return self.at(source=self.source or source, key=self.key or key)


def _line(text: str) -> str:
    return printable(hidden(re.sub(r"\s+", " ", text)))


def in_utf8(path: PathT, *, key: str = "") -> PathT:
    """The path; raises :class:`BadInput` for one with bytes that are not UTF-8: databases and YAML cannot hold it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise BadInput(found=f"'{path}'", allowed="a path in UTF-8", key=key) from None
    return path


def shown(value: Any) -> str:
    """A found value as a message shows it: as YAML would say it, shortened where it is long."""
    names = {None: "null", True: "true", False: "false"}
    text = names[value] if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"

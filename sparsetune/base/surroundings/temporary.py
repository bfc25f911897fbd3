"""The folder in which a Ray of one's own keeps its logs and sockets. The path of a socket has to be short."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from sparsetune.base.disk import in_words, private_folder, why_no_folder, why_not_written
from sparsetune.base.errors import BadInput

_SOCKET = "/ray/session_2026-11-29_15-48-17_077045_4194304/sockets/plasma_store"  # the longest of Ray's
LONGEST = (103 if sys.platform == "darwin" else 107) - len(_SOCKET)  # bytes of a folder's path
_OURS, _OF_ALL = "RAY_TMPDIR", "TMPDIR"
_USUAL = (Path(os.sep, "tmp"), Path(os.sep, "var", "tmp"))


class Temporary(NamedTuple):
    """A folder that serves, and what there is to say where it is not the one that was named."""

    folder: Path
    remark: str = ""


def temporary(environ: Mapping[str, str]) -> Temporary:
    """The first that serves of RAY_TMPDIR, TMPDIR, the usual ones and a private one of this user.

    Raises :class:`BadInput` if none does.
    """
    refused: list[str] = []
    told: list[str] = []  # of those that were named
    for name, folder, made in _candidates(environ):
        why = why_it_cannot_serve(folder, made=made)
        if not why:
            return Temporary(folder, f"{', '.join(told)}; Ray's files go to {in_words(folder)}" if told else "")
        refused.append(f"{name}: {why}" if name else why)
        told += refused[-1:] if name else []
    allowed = f"a folder that can be written, of at most {LONGEST} bytes"
    raise BadInput(", ".join(refused), allowed=allowed, key=_OURS, code="unavailable")


def why_it_cannot_serve(folder: Path, *, made: bool) -> str:
    """What keeps Ray from working in a folder, empty if nothing does; ``made``: Ray makes one that is not there."""
    length = len(os.fsencode(folder))
    if length > LONGEST:
        return f"a path of {length} bytes is too long for sockets, which allow {LONGEST}"
    return ("" if made else why_no_folder(folder)) or why_not_written(folder / "ray")  # there, it may be another's


def _candidates(environ: Mapping[str, str]) -> Iterator[tuple[str, Path, bool]]:
    """Folders, with the variable that names them, and whether Ray may make them."""
    for name in (_OURS, _OF_ALL):
        if value := environ.get(name):
            yield name, Path(value).absolute(), name == _OURS and value.startswith(os.sep)
    yield from (("", folder, False) for folder in _USUAL)
    yield "", private_folder(), False

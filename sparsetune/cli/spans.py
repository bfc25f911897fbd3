"""Spans of time as commands take them: ``12h``, ``30d``."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from sparsetune.base.errors import BadInput

_SPAN = re.compile(r"(\d+(?:\.\d+)?) ?(s|min|h|d|w)")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}

UnusedFor = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only what nobody used for so long, such as 12h, 30d or 8w.")
]


def seconds(text: str | None) -> float | None:
    """What ``--unused-for`` says; raises :class:`BadInput` for what is no span of time."""
    if text is None:
        return None
    span = _SPAN.fullmatch(text.strip())
    if span is None:
        allowed = "a number with s, min, h, d or w, such as 30d"
        raise BadInput(key="--unused-for", found=repr(text), allowed=allowed)
    return float(span[1]) * _SECONDS[span[2]]

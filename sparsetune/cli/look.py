"""How ``--help`` looks: examples to paste, one a line, and no type beside an option that takes no value."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.markup import escape
from typer.core import TyperCommand, TyperGroup, TyperOption

from sparsetune.base.layout.printable import printable


def examples(*lines: str, note: str = "") -> str:
    """The end of a command's help: lines to paste, of at most 76 characters, and a word on them."""
    shown = [f"[cyan]  {escape(line)}[/cyan]" for line in lines]  # typer strips the margin of its texts
    return "\n".join(["[dim]For example[/dim]", *shown, *(["", f"[dim]{note}[/dim]"] if note else [])])


class Command(TyperCommand):
    """A command in that look."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with _shown_escaped():
            return super().make_context(*args, **kwargs)

    def get_params(self, ctx: Any) -> list[Any]:
        return _plain_flags(super().get_params(ctx))


class Group(TyperGroup):
    """All commands, in that look."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with _shown_escaped():
            return super().make_context(*args, **kwargs)

    def get_params(self, ctx: Any) -> list[Any]:
        return _plain_flags(super().get_params(ctx))


@contextmanager
def _shown_escaped() -> Iterator[None]:
    """What was typed is part of what typer says of it."""
    try:
        yield
    except Exception as error:
        if isinstance(getattr(error, "message", None), str):
            error.message = printable(error.message)  # type: ignore[attr-defined]
        raise


def _plain_flags(params: list[Any]) -> list[Any]:
    for param in params:
        if isinstance(param, TyperOption) and param.is_flag:
            param.metavar = ""  # else: <bool>
    return params

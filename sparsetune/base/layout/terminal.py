"""A console on which no text of an input can act."""

from __future__ import annotations

from collections.abc import Iterable

from rich import console
from rich.segment import Segment

from sparsetune.base.layout.printable import printable_lines


class Console(console.Console):
    """rich's, but that control characters in what it prints are shown escaped; its own stay."""

    def render(
        self, renderable: console.RenderableType, options: console.ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable_lines(segment.text), segment.style)

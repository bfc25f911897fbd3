"""Paragraphs that were broken for one width, broken for another."""

from __future__ import annotations

import re
import textwrap

WIDEST = 120  # characters: longer lines are hard to read
_HEAD = re.compile(r"[A-Z]\w*: +|[-*] +")  # of an item: a label or the mark of a list


def reflowed(text: str, width: int) -> str:
    """The text in lines of at most ``width`` characters, or of a word that is longer.

    Lines of a paragraph are joined. In one of several lines a label (``Paper:``) or a dash begins an item, and what
    follows hangs below its text; other lines that are indented stay lines of their own.
    """
    paragraphs = re.split(r"\n(?: *\n)+", text.strip("\n"))
    return "\n\n".join(
        "\n".join(_wrapped(head, rest, min(width, WIDEST)) for head, rest in _items(paragraph.splitlines()))
        for paragraph in paragraphs
    )


def _items(lines: list[str]) -> list[tuple[str, str]]:
    """What each item begins with, and its text."""
    items: list[tuple[str, str]] = []
    for line in lines:
        head = _HEAD.match(line) if len(lines) > 1 else None
        text = line.strip()
        before, said = items[-1] if items else (" ", "")
        if head:
            items.append((head[0], line[head.end() :].strip()))
        elif line.startswith(" ") and not before.strip():
            items.append((line[: len(line) - len(line.lstrip())], text))
        elif before.isspace():
            items.append(("", text))
        else:
            items[-1] = before, f"{said} {text}".strip()
    return items


def _wrapped(head: str, text: str, width: int) -> str:
    hanging = " " * len(head)
    filled = textwrap.fill(
        text, width, initial_indent=head, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False
    )
    return filled or head.rstrip()

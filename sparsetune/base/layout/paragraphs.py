"""Paragraphs that were broken for one width, broken for another."""

from __future__ import annotations

import re
import textwrap

WIDEST = 120  # characters: longer lines are hard to read
_HEAD = re.compile(r"[A-Z]\w*: +|[-*] +")  # of an entry: a label or the mark of a list


def reflowed(text: str, width: int) -> str:
    """The text in lines of at most ``width`` characters, or of a word that is longer.

    Lines of a paragraph are joined. In one of several lines a label (``Paper:``) or a dash begins an entry, and what
    follows hangs below its text; other lines that are indented stay lines of their own.
    """
    paragraphs = re.split(r"\n(?: *\n)+", text.strip("\n"))
    return "\n\n".join(
        "\n".join(_wrapped(head, rest, min(width, WIDEST)) for head, rest in _entries(paragraph.splitlines()))
        for paragraph in paragraphs
    )


def _entries(lines: list[str]) -> list[tuple[str, str]]:
    """What each entry begins with, and its text."""
    found: list[tuple[str, str]] = []
    for line in lines:
        head = _HEAD.match(line) if len(lines) > 1 else None
        text = line.strip()
        before, said = found[-1] if found else (" ", "")
        if head:
            found.append((head[0], line[head.end() :].strip()))
        elif line.startswith(" ") and not before.strip():
            found.append((line[: len(line) - len(line.lstrip())], text))
        elif before.isspace():
            found.append(("", text))
        else:
            found[-1] = before, f"{said} {text}".strip()
    return found


def _wrapped(head: str, text: str, width: int) -> str:
    hanging = " " * len(head)
    found = textwrap.fill(
        text, width, initial_indent=head, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False
    )
    return found or head.rstrip()

"""Names and values in few characters, for what has little room."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_WORD = 16  # characters of a value


def short_names(names: Iterable[str]) -> list[tuple[str, str]]:
    """Each dotted name with its last part, or as many as tell it from the others; ``method.name`` is ``method``."""
    parts = {name: name.removesuffix(".name").split(".") for name in names}
    found = []
    for name, own in parts.items():
        others = [each for other, each in parts.items() if other != name]
        count = next((n for n in range(1, len(own)) if all(each[-n:] != own[-n:] for each in others)), len(own))
        found.append((name, ".".join(own[-count:])))
    return found


def value_text(value: Any) -> str:
    """A value in few characters: two digits of a float."""
    text = f"{value:.2g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _WORD else f"{text[: _WORD - 1]}…"

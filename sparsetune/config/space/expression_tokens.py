"""An expression cut into numbers, names, texts and signs."""

from __future__ import annotations

import re

from sparsetune.config.space.expression_values import refuse

_MOST_TOKENS = 200
_TOKEN = re.compile(
    r"""(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))
      | (?P<name>[A-Za-z_]\w*(?:\.\w+)*(?!\.))
      | (?P<text>"[^"\\]*"|'[^'\\]*')
      | (?P<sign>\*\*|//|[<>=!]=|[-+*/%<>(),])""",
    re.VERBOSE | re.ASCII,
)
_WORDS = {"and", "or", "not", "if", "else"}


def tokens(text: str) -> list[tuple[str, str, int]]:
    """Kind, token and place of each; the last is of kind ``end``."""
    found: list[tuple[str, str, int]] = []
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        match = _TOKEN.match(text, place)
        if match is None:
            refuse(f"unexpected {text[place]!r}", text, place)
        kind, token = str(match.lastgroup), match[0]
        found.append(("sign" if token in _WORDS else kind, token, place))
        place = match.end()
        if len(found) > _MOST_TOKENS:
            refuse(f"longer than {_MOST_TOKENS} numbers, names and signs", text, place)
    return [*found, ("end", "", len(text))]

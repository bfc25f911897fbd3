"""Text of inputs as a terminal may get it: names of files, classes and columns can hold what would steer it."""

from __future__ import annotations

import re

_PLAIN = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}
_STEERING = "\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
# control characters, other ends of lines, marks that turn the direction of writing, bytes that are not UTF-8
_ANY = re.compile(f"[{_STEERING}]")
_WITHIN = re.compile(rf"(?![\n\t])[{_STEERING}]")


def printable(text: str) -> str:
    """The text on one line, as it can be encoded: what is no character to read is escaped, as in ``\\x1b``."""
    return _ANY.sub(_escaped, text)


def printable_lines(text: str) -> str:
    """The same of a text of several lines, which stay; so do tabs."""
    return _WITHIN.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"  # the byte that Python has hidden there
    return _PLAIN.get(match[0]) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")

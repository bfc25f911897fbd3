"""Names and words as MLflow takes them. A study's own results keep the exact ones.

A name that MLflow would refuse becomes one that it takes, always the same one; digits of the whole name's digest keep
two names apart that look alike without the letters that had to go.
"""

from __future__ import annotations

import hashlib
import re

KEY = 250  # characters of a metric's, a parameter's or a tag's name, and of a run's
PARAM = 6000  # characters of a parameter's value
TAG = 5000  # characters of a tag's value: newer servers take 8000
_DIGITS = 8
_DIGEST = re.compile(rf"-[0-9a-f]{{{_DIGITS}}}$")


def clean(name: str) -> str:
    """The name of a metric, a parameter or a tag: itself where MLflow takes it.

    Allowed are letters, digits and ``_-. :/``, at most :data:`KEY`, without a part between slashes that is empty, one
    dot or two, and without two at the beginning, as paths have them. A name that ends as a cleaned one does gets a
    digest too: so no two names share one.
    """
    parts = re.sub(r"[^\w.\- :/]", "_", name).split("/")
    plain = "/".join("_" * max(1, len(part)) if part in ("", ".", "..") else part for part in parts)
    plain = re.sub(r"^\.\.", "__", plain)
    if plain == name and len(name) <= KEY and not _DIGEST.search(name):
        return name
    return f"{plain[: KEY - 1 - _DIGITS]}-{_digest(name)}"


def fit(text: str, most: int) -> str:
    """Words of at most so many characters; where they are cut, a digest tells them from others that begin alike.

    What a database or a server cannot hold (NUL, halves of UTF-16 pairs) is written out.
    """
    plain = text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
    return plain if len(plain) <= most else f"{plain[: most - 1 - _DIGITS]}-{_digest(text)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]

"""Where user and password stand in a URL, and how they are written there, whatever they consist of."""

from __future__ import annotations

import re
from urllib.parse import quote

_WRITTEN = re.compile(r"(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*", re.ASCII)
_WRITTEN_IN_QUERY = re.compile(r"(?:[\w.~!$'()*,;:@/-]|%[0-9A-Fa-f]{2})*", re.ASCII)
_PLACE = re.compile(r"(?:\[[\w:.%]+\]|[^\s@:\[\]]*)(?::\d*)?")  # a host, or several, and a port


def user_part(url: str) -> tuple[int, int] | None:
    """From where to where a URL has its user and password; None if it has none."""
    begin, end = _authority(url)
    at = url.rfind("@", begin, end)
    if at < 0 and not _PLACE.fullmatch(url, begin, end) and url.count("@", begin) == 1:
        at = url.index("@", begin)  # a password with / ? or # in it
    return (begin, at) if at >= 0 else None


def place(url: str) -> str | None:
    """Host and port; None where a URL has something else in their place."""
    begin, end = _authority(url)
    user = user_part(url)
    if user is not None:
        begin, end = user[1] + 1, max(end, _authority(url, user[1])[1])
    return url[begin:end] if _PLACE.fullmatch(url, begin, end) else None


def quoted(text: str) -> str:
    """A user's name or a password as a URL has it; text that is percent-encoded already stays."""
    return text if _WRITTEN.fullmatch(text) else quote(text, safe="")


def quoted_in_query(text: str) -> str:
    """The same of the value of an option behind the question mark."""
    return text if _WRITTEN_IN_QUERY.fullmatch(text) else quote(text, safe="")


def quoted_user(text: str) -> str:
    """``user:password`` as a URL has it; the first colon divides them."""
    return ":".join(map(quoted, text.split(":", 1)))


def with_quoted_user(url: str) -> str:
    """A URL in which user and password hold nothing that means something else."""
    part = user_part(url)
    return url if part is None else url[: part[0]] + quoted_user(url[slice(*part)]) + url[part[1] :]


def _authority(url: str, begin: int | None = None) -> tuple[int, int]:
    """From where to where user, password, host and port stand: behind ``://``, before the path."""
    if begin is None:
        begin = url.find("://") + 3
        if begin < 3:
            return len(url), len(url)
    ends = [url.find(each, begin) for each in "/?#"]
    return begin, min((end for end in ends if end >= 0), default=len(url))

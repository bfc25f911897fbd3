"""Passwords are shown nowhere: neither those that a URL has nor those that came from a variable.

Where user and password stand in a URL, how they are written there whatever they consist of, and what is shown instead.
"""

from __future__ import annotations

import os
import re
from urllib.parse import quote, unquote

_WRITTEN = re.compile(r"(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*", re.ASCII)
_WRITTEN_IN_QUERY = re.compile(r"(?:[\w.~!$'()*,;:@/-]|%[0-9A-Fa-f]{2})*", re.ASCII)
_PLACE = re.compile(r"(?:\[[\w:.%]+\]|[^\s@:\[\]]*)(?::\d*)?")  # a host, or several, and a port
_SHORT = 4  # a password of fewer characters is part of many words
_NAMES: set[str] = set()  # of variables whose values are secret, not the values
_IN_TEXT = re.compile(r"(?i)([a-z][\w+.-]*://[^\s/?#:@'\"]*):(?!//)([^\s'\"]*)@")
_OPTION = re.compile(r"(?i)([?&][^=&\s]*(?:pass|pwd|secret|token|key)[^=&\s]*=)([^&\s'\"]*)")


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


def remember(name: str) -> None:
    """The value of this variable of the environment is secret."""
    _NAMES.add(name)


def is_secret_option(name: str) -> bool:
    """Whether an option of a URL, behind the question mark, holds a password."""
    return _OPTION.fullmatch(f"?{name}=") is not None


def without_password(url: str) -> str:
    """A URL that can be shown: a password that came from a variable as ``${NAME}``, others as ``***``."""
    user = user_part(url)
    if user is not None and url[slice(*user)] in _forms():
        url = f"{url[: user[0]]}{_forms()[url[slice(*user)]]}{url[user[1] :]}"
    hidden = re.sub(r"(^|(?<=://))([^/?#:@]*):(?!//)(.*)@", lambda match: f"{match[2]}:{_instead(match[3])}@", url)
    return _OPTION.sub(lambda match: match[1] + _instead(match[2]), hidden)


def hidden(text: str, *urls: str) -> str:
    """A text, such as what a driver says of an error, without the passwords of any URL, and of these URLs."""
    text = _IN_TEXT.sub(lambda match: f"{match[1]}:{_instead(match[2])}@", text)
    text = _OPTION.sub(lambda match: match[1] + _instead(match[2]), text)
    secrets = {**dict.fromkeys(_passwords(urls), "***"), **_forms()}
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORT:
            text = text.replace(secret, secrets[secret])
    return text


def _instead(password: str) -> str:
    return password if re.fullmatch(r"\$\{\w+\}", password) else _forms().get(password, "***")


def _forms() -> dict[str, str]:
    """What the values of secret variables look like in a URL and elsewhere, and what is shown for it."""
    shown: dict[str, str] = {}
    for name in _NAMES & os.environ.keys():
        value = os.environ[name]
        parts = {value, value.partition(":")[2]}  # it may be user and password
        written = {write(part) for part in parts for write in (quoted, quoted_in_query, quoted_user, _encoded)}
        forms = {*parts, *written, *map(unquote, parts)}
        shown |= dict.fromkeys(forms - {""}, f"${{{name}}}")
    return shown


def _encoded(text: str) -> str:
    return quote(text, safe="")


def _passwords(urls: tuple[str, ...]) -> set[str]:
    """As they are written in these URLs, and as they are meant."""
    parts = [(url, user_part(url)) for url in urls]
    written = {url[slice(*part)].partition(":")[2] for url, part in parts if part is not None}
    return {form for each in written for form in (each, unquote(each))} - {""}

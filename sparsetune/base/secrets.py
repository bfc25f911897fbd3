"""Passwords are shown nowhere: neither those that a URL has nor those that came from a variable."""

from __future__ import annotations

import os
import re
from urllib.parse import quote, unquote

from sparsetune.base.urls import quoted, quoted_in_query, quoted_user, user_part

_SHORT = 4  # a password of fewer characters is part of many words
_NAMES: set[str] = set()  # of variables whose values are secret, not the values
_IN_TEXT = re.compile(r"(?i)([a-z][\w+.-]*://[^\s/?#:@'\"]*):(?!//)([^\s'\"]*)@")
_OPTION = re.compile(r"(?i)([?&][^=&\s]*(?:pass|pwd|secret|token|key)[^=&\s]*=)([^&\s'\"]*)")


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
    hidden = re.sub(r"(^|(?<=://))([^/?#:@]*):(?!//)(.*)@", lambda found: f"{found[2]}:{_instead(found[3])}@", url)
    return _OPTION.sub(lambda found: found[1] + _instead(found[2]), hidden)


def hidden(text: str, *urls: str) -> str:
    """A text, such as what a driver says of an error, without the passwords of any URL, and of these URLs."""
    text = _IN_TEXT.sub(lambda found: f"{found[1]}:{_instead(found[2])}@", text)
    text = _OPTION.sub(lambda found: found[1] + _instead(found[2]), text)
    secrets = {**dict.fromkeys(_passwords(urls), "***"), **_forms()}
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORT:
            text = text.replace(secret, secrets[secret])
    return text


def _instead(password: str) -> str:
    return password if re.fullmatch(r"\$\{\w+\}", password) else _forms().get(password, "***")


def _forms() -> dict[str, str]:
    """What the values of secret variables look like in a URL and elsewhere, and what is shown for it."""
    found: dict[str, str] = {}
    for name in _NAMES & os.environ.keys():
        value = os.environ[name]
        parts = {value, value.partition(":")[2]}  # it may be user and password
        written = {write(part) for part in parts for write in (quoted, quoted_in_query, quoted_user, _encoded)}
        forms = {*parts, *written, *map(unquote, parts)}
        found |= dict.fromkeys(forms - {""}, f"${{{name}}}")
    return found


def _encoded(text: str) -> str:
    return quote(text, safe="")


def _passwords(urls: tuple[str, ...]) -> set[str]:
    """As they are written in these URLs, and as they are meant."""
    parts = [(url, user_part(url)) for url in urls]
    written = {url[slice(*part)].partition(":")[2] for url, part in parts if part is not None}
    return {form for each in written for form in (each, unquote(each))} - {""}

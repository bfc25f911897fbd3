"""``${NAME}`` in a URL stands for a variable of the environment, so that a study file holds no password."""

from __future__ import annotations

import contextlib
import os
import re

from sparsetune.base.errors import BadInput
from sparsetune.base.secrets import (
    is_secret_option,
    place,
    quoted,
    quoted_in_query,
    quoted_user,
    remember,
    user_part,
    with_quoted_user,
    without_password,
)

_VARIABLE = re.compile(r"\$\{(\w+)\}")


def from_environment(text: str, source: object, key: str) -> str:
    """The URL with each ``${NAME}`` replaced.

    In its user part a value is written as a URL has it, unless it is percent-encoded already. Raises :class:`BadInput`
    for a variable that is not set, and for a URL in which nobody can tell the password from the host.
    """
    for name in _VARIABLE.findall(text):
        if name not in os.environ:
            raise BadInput(
                f"the variable {name} is not set, neither in the environment nor in .env", source=source, key=key
            )
    url = with_quoted_user(_VARIABLE.sub(lambda match: _value(text, match), text))
    if "://" in url and "@" in url and place(url) is None:
        allowed = "user:password@host:port, the password as ${NAME}, or with / ? # @ [ in it as %2F %3F %23 %40 %5B"
        raise BadInput(found=repr(without_password(url)), allowed=allowed, source=source, key=key)
    return url


def read_env() -> None:
    """Read `.env` upward from here. What the environment has goes first; URLs there name variables as elsewhere."""
    from dotenv import dotenv_values, find_dotenv, load_dotenv

    before, file = set(os.environ), find_dotenv(usecwd=True)
    load_dotenv(file)
    for name, written in dotenv_values(file, interpolate=False).items():
        if name not in before and written and "://" in written:
            names = _VARIABLE.findall(written)
            if names and all(each in os.environ for each in names):
                with contextlib.suppress(BadInput):  # which who uses it is told of
                    os.environ[name] = from_environment(written, file, name)


def _value(text: str, match: re.Match[str]) -> str:
    """What stands for a variable at this place of a URL."""
    value, user = os.environ[match[1]], user_part(text)
    if user is not None and user[0] <= match.start() < user[1]:
        if match.span() == user or ":" in text[user[0] : match.start()]:
            remember(match[1])
        return quoted_user(value) if match.span() == user else quoted(value)
    option = re.search(r"[?&]([^?&=#]+)=[^?&#]*$", text[: match.start()])
    if option is None:
        return value
    if is_secret_option(option[1]):
        remember(match[1])
    return quoted_in_query(value)

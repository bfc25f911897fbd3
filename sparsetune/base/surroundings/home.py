"""A home for what libraries keep beside results: caches, settings, Ray's token. Containers often give none.

Variables are set, not places handed around: libraries read them, and so do the processes that this one starts.
"""

from __future__ import annotations

import functools
import os
import pwd
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from sparsetune.base.disk import in_words, private_folder, why_no_folder, why_not_written

TOKEN = ".ray/auth_token"  # Ray's, below a home
_BELOW = {"XDG_CACHE_HOME": ".cache", "MPLCONFIGDIR": ".config/matplotlib"}  # the private folder
_USER = ("LOGNAME", "USER", "LNAME", "USERNAME")  # where getpass looks before it asks the list of users


class Mended(NamedTuple):
    """What an environment lacks.

    Attributes:
        variables: to be set.
        remark: why, and where things go; empty where nobody has to know.
    """

    variables: dict[str, str]
    remark: str = ""


@functools.cache
def settle() -> tuple[str, ...]:
    """Give this process what it lacks of a home and a user's name, once; what there is to say of it, a line each.

    Raises :class:`~sparsetune.base.errors.BadInput` where no temporary folder can be written either.
    """
    replaced = mended(os.environ, functools.cache(private_folder))
    os.environ.update(replaced.variables)
    return (replaced.remark,) if replaced.remark else ()


def mended(environ: Mapping[str, str], private: Callable[[], Path]) -> Mended:
    """What ``environ`` lacks; ``private`` makes the folder that stands in for a home, and is called if it is needed."""
    variables: dict[str, str] = {}
    reasons: list[str] = []
    if why := why_no_home(environ):
        variables["HOME"] = str(private())
        reasons.append(why)
    now = {**environ, **variables}
    for name, folder in _places(now).items():
        if reason := why_not_written(folder):
            variables[name] = str(private() / _BELOW[name])
            reasons.append(reason)
    kept = ["caches"] if reasons else []
    token = why or why_no_token(now)
    if token:
        reasons.append(token)
        kept.append("Ray's token")
    if nameless(environ):
        variables["USER"] = str(os.getuid())  # torch and MLflow want one
    if not reasons:
        return Mended(variables)
    why = ", ".join(dict.fromkeys(reasons))
    return Mended(variables, f"{why}: {in_words(private())} holds {' and '.join(kept)} instead")


def nameless(environ: Mapping[str, str]) -> bool:
    """Whether nothing says what this user is called: a container was started with a number."""
    return not any(environ.get(name) for name in _USER) and _listed() is None


def home(environ: Mapping[str, str]) -> str:
    """The home folder that libraries would use, whether or not it is one; empty if there is none."""
    listed = None if "HOME" in environ else _listed()
    return environ.get("HOME", listed.pw_dir if listed else "")


def why_no_home(environ: Mapping[str, str]) -> str:
    """What keeps the home folder from being one; empty if nothing does. One that can only be read is one."""
    folder = home(environ)
    if not folder:
        return "HOME is empty" if "HOME" in environ else "HOME is not set"
    if not Path(folder).is_absolute() or not folder.strip("/."):
        return f"HOME={in_words(folder)} is no home"
    if why := why_no_folder(folder):
        return f"HOME: {why}"
    return "" if os.access(folder, os.X_OK) else f"HOME: {in_words(folder)} cannot be entered"


def why_no_token(environ: Mapping[str, str]) -> str:
    """Why a Ray of one's own could not keep its token at home; empty if it could, or is told one."""
    if environ.get("RAY_AUTH_TOKEN") or environ.get("RAY_AUTH_TOKEN_PATH"):
        return ""
    token = Path(home(environ), TOKEN)
    return "" if os.access(token, os.R_OK) else why_not_written(str(token.parent))


def _places(environ: Mapping[str, str]) -> dict[str, str]:
    """Where libraries would keep caches and settings, by the variable that says it."""
    folder = home(environ)
    config = environ.get("XDG_CONFIG_HOME") or f"{folder}/.config"
    return {
        "XDG_CACHE_HOME": environ.get("XDG_CACHE_HOME") or f"{folder}/.cache",
        "MPLCONFIGDIR": environ.get("MPLCONFIGDIR") or f"{config}/matplotlib",
    }


def _listed() -> pwd.struct_passwd | None:
    """This user in the list of users."""
    try:
        return pwd.getpwuid(os.getuid())
    except KeyError:
        return None

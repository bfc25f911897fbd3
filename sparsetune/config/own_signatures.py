"""Whether a class of the user's own can be called as its base is: one for an earlier version often cannot."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from sparsetune.base.errors import BadInput


def check_signatures(key: str, cls: type, base: type) -> None:
    """Raise :class:`BadInput` for the first method of the class that does not take what that of its base takes."""
    for name, now in getattr(base, "former", {}).items():
        if callable(getattr(cls, name, None)):
            problem = f"{cls.__name__}.{name} was written for another version of sparsetune: what it was for is done by"
            raise BadInput(f"{problem} {now} now; {base.__name__} in {base.__module__} says how", key=key)
    for name, own, wanted in _overridden(cls, base):
        taken = inspect.signature(wanted)
        try:
            inspect.signature(own).bind(*taken.parameters)
        except TypeError:
            found = f"{cls.__name__}.{name}{inspect.signature(own)}"
            plain = ", ".join(taken.parameters)
            raise BadInput(
                f"{found} was written for another version of sparsetune: this one calls {name}({plain}); "
                f"{base.__name__} in {base.__module__} says what that is",
                key=key,
            ) from None


def _overridden(cls: type, base: type) -> Iterator[tuple[str, Callable[..., Any], Callable[..., Any]]]:
    """Names, the class's own and the base's, of what is called; class methods without the class."""
    for name, raw in vars(base).items():
        if not inspect.isfunction(raw) and not isinstance(raw, classmethod | staticmethod):
            continue
        own, wanted = getattr(cls, name), getattr(base, name)
        if callable(own) and getattr(own, "__func__", own) is not getattr(wanted, "__func__", wanted):
            yield name, own, wanted

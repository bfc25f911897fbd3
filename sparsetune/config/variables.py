"""``${NAME}`` in a URL stands for a variable of the environment, so that a study file holds no password."""

from __future__ import annotations

import os
import re

from sparsetune.config.errors import BadInput

_VARIABLE = re.compile(r"\$\{(\w+)\}")


def from_environment(text: str, source: object, key: str) -> str:
    """The text with each ``${NAME}`` replaced; raises :class:`BadInput` for a variable that is not set."""
    for name in _VARIABLE.findall(text):
        if name not in os.environ:
            raise BadInput(
                f"the variable {name} is not set, neither in the environment nor in .env", source=source, key=key
            )
    return _VARIABLE.sub(lambda match: os.environ[match[1]], text)

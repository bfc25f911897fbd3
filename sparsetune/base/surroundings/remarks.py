"""What a study hears of its surroundings before it starts."""

from __future__ import annotations

import os

from sparsetune.base.surroundings import cluster
from sparsetune.base.surroundings.home import settle
from sparsetune.base.surroundings.temporary import temporary


def remarks(*, ray: bool) -> tuple[str, ...]:
    """What is replaced because it cannot serve, a line each; with ``ray`` also what Ray would stumble over.

    Raises :class:`~sparsetune.base.errors.BadInput` for what cannot be replaced.
    """
    lines = list(settle())
    if ray:
        address = cluster.address(os.environ)
        if trouble := cluster.trouble_with(address):
            raise trouble.refused(address)
        if address == cluster.LOCAL:
            lines.append(temporary(os.environ).remark)
    return tuple(filter(None, lines))

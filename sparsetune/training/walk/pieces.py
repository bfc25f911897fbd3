"""Procedures, piece by piece: after each the training can be saved, and go on from there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from sparsetune.sparsity.stage import Procedure
from sparsetune.training.seeding import seed_piece
from sparsetune.training.session import TrainingSession
from sparsetune.training.walk.cursor import Cursor

_DONE = object()


def pieces(procedure: Procedure, session: TrainingSession, cursor: Cursor, name: str) -> Iterator[float]:
    """Run a procedure from where the cursor says that it stands; yields the share done after each piece but the last.

    Args:
        name: tells it from others of the stage; with that and the piece's number its random numbers are seeded.

    Raises:
        RuntimeError: it has yielded None, or what is no pair.
    """
    running: Any = None
    while True:
        started = time.perf_counter()
        session.network.train()  # whatever came before, in this process or another
        seed_piece(session.seed, session.stage, name, cursor.pieces, session.device)
        if running is None:
            running = iter(procedure(session, cursor.state) or ())
        yielded = next(running, _DONE)
        session.wear()
        session.cost.seconds += time.perf_counter() - started
        if yielded is _DONE:
            break
        if not isinstance(yielded, tuple) or len(yielded) != 2 or yielded[0] is None:
            raise RuntimeError(f"{procedure!r} yielded {yielded!r}, allowed: a state, which is not None, and a share")
        cursor.state, share = yielded
        cursor.pieces += 1
        yield share
    cursor.procedures, cursor.pieces, cursor.state = cursor.procedures + 1, 0, None

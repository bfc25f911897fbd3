"""One stage: procedures, then from evaluation to evaluation, until no view of it is open. Knows no method by name."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence

from sparsetune.sparsity.stage import AGAIN, GO_ON, Procedure
from sparsetune.training.setup import Setup
from sparsetune.training.walk.cursor import Cursor
from sparsetune.training.walk.evaluating import Evaluating
from sparsetune.training.walk.pieces import pieces
from sparsetune.training.walk.stretch import train_to
from sparsetune.training.walk.union import Node


def walk(node: Node, cursor: Cursor, setup: Setup, evaluating: Evaluating) -> Iterator[None]:
    """Go on from where the cursor says; each yield is a stopping point.

    Raises:
        TrainingFailed: the stage has come to nothing.
    """
    stage = node.stage
    if not cursor.begun:
        yield from _run(stage.before, "before", cursor, setup)
        _begin(node, cursor, setup, evaluating)
    while not evaluating.over:
        if not cursor.between:
            _to_next_evaluation(node, cursor, setup, evaluating)
            yield
        if not evaluating.over:
            yield from _run([stage.between[place].do for place in cursor.due], "between", cursor, setup)
        cursor.between, cursor.procedures = False, 0


def _run(procedures: Sequence[Procedure], which: str, cursor: Cursor, setup: Setup) -> Iterator[None]:
    """Those that are not done yet."""
    for number in range(cursor.procedures, len(procedures)):
        for _ in pieces(procedures[number], setup.session, cursor, f"{which} {cursor.evaluations} {number}"):
            yield


def _begin(node: Node, cursor: Cursor, setup: Setup, evaluating: Evaluating) -> None:
    """What happens once, after the procedures and before the first step."""
    session, stage = setup.session, node.stage
    if stage.optimizer == "new":
        setup.renew_optimizer()
    if stage.order == AGAIN:
        session.counters.begin_again()
    elif stage.order != GO_ON:
        session.counters.begin_at(session.snapshots[stage.order]["counters"])
    for name, since in stage.snapshots:
        if not since.count:
            session.snapshot(name)
    cursor.begun, cursor.procedures = True, 0
    if node.is_root and setup.config.metrics.each_epoch:
        evaluating.start()


def _to_next_evaluation(node: Node, cursor: Cursor, setup: Setup, evaluating: Evaluating) -> None:
    if not evaluating.total:
        evaluating.arrive(cursor)
        return
    began, before, steps = time.perf_counter(), cursor.position, setup.order.steps
    target = min((cursor.evaluations + 1) * node.stage.every.iterations(steps), evaluating.total)
    trained = train_to(target, setup, node, cursor, time.monotonic() + _time_left(setup))
    setup.epochs += (cursor.position - before) / steps
    cursor.evaluations += 1
    evaluating.evaluate(cursor, trained, began)
    due = (place for place, each in enumerate(node.stage.between) if cursor.evaluations % each.every == 0)
    cursor.due = [place for place in due if evaluating.agrees(node.stage.between[place].when)]
    cursor.between = True


def _time_left(setup: Setup) -> float:
    minutes = setup.config.training.max_minutes
    return math.inf if minutes is None else minutes * 60 - setup.session.cost.seconds

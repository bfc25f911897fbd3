"""One stage: procedures, piece by piece, then steps from evaluation to evaluation, until no view of it is open.

Knows no method by name. After each piece and each evaluation the training can be saved, and go on from there.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import Any

from sparsetune.data.delivery import batches
from sparsetune.sparsity.stage import AGAIN, GO_ON, Procedure
from sparsetune.training.loop import Diverged, train_steps
from sparsetune.training.randomness import seed_piece
from sparsetune.training.session import TrainingSession
from sparsetune.training.setup import Setup
from sparsetune.training.task import Meter
from sparsetune.training.tensors import moved
from sparsetune.training.walk.cursor import Cursor
from sparsetune.training.walk.evaluating import Evaluating
from sparsetune.training.walk.union import Node

_DONE = object()


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
            yield from _run([stage.between[index].do for index in cursor.due], "between", cursor, setup)
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
    elif skipped := stage.skipped.iterations(setup.order.steps):
        epoch, step = divmod(skipped, setup.order.steps)
        session.counters.begin_at({"epoch": epoch, "step": step, "drawn": None})
    for name, since in stage.snapshots:
        if not since.iterations(setup.order.steps):
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
    trained = train_to(target, setup, node, cursor, time.monotonic() + evaluating.seconds_left(cursor))
    setup.epochs += (cursor.position - before) / steps
    cursor.evaluations += 1
    evaluating.evaluate(cursor, trained, began)
    due = (index for index, each in enumerate(node.stage.between) if cursor.evaluations % each.every == 0)
    cursor.due = [index for index in due if evaluating.agrees(node.stage.between[index].when)]
    cursor.between = True


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
            running = iter(procedure(session, moved(cursor.state, session.device)) or ())
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


def train_to(target: int, setup: Setup, node: Node, cursor: Cursor, deadline: float) -> tuple[float, ...]:
    """Train a stage until so many of its iterations are done, or until the clock reaches ``deadline``.

    Returns:
        The task's numbers for the drawn samples, the loss first.

    Raises:
        Diverged: the loss is no longer a finite number.
    """
    meter, counters, cost = Meter(setup.task), setup.session.counters, setup.session.cost
    snapshots = [(since.iterations(setup.order.steps), name) for name, since in node.stage.snapshots]
    started = time.perf_counter()
    while cursor.position < target:
        stop = min([target, *(at for at, _ in snapshots if at > cursor.position)])
        wanted = min(stop - cursor.position, setup.order.steps - counters.step)
        done = _segment(wanted, setup, node, cursor.position, meter, deadline)
        setup.order.went(counters, done)
        cursor.position += done
        for _, name in (each for each in snapshots if each[0] == cursor.position):
            setup.session.snapshot(name)
        if done < wanted:
            setup.order.cut_short(counters)
            break
    result = meter.result()  # waits for the device, so the clock below has all the work
    cost.step_seconds += time.perf_counter() - started
    if not math.isfinite(result[0]):
        raise Diverged(f"train_loss became {result[0]} in epoch {counters.epochs + (counters.step > 0)}")
    return result


def _segment(count: int, setup: Setup, node: Node, position: int, meter: Meter, deadline: float) -> int:
    """Train so many steps of one epoch; returns how many were done."""
    training, order = setup.config.training, setup.order
    return train_steps(
        setup.network,
        setup.method,
        setup.optimizer,
        setup.task,
        batches(setup.data.train, training.batch_size, order.next(setup.session.counters, count)),
        meter,
        cost=setup.session.cost,
        deadline=deadline,
        summed=training.reduction == "sum",
        grad_accum_steps=training.grad_accum_steps,
        clip_grad_norm=training.clip_grad_norm,
        pace=setup.pacer.begin(node.begins + position, count, order.steps, node.horizon),
    )

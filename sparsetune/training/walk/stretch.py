"""From one evaluation to the next: the steps between them, over as many epochs as they take."""

from __future__ import annotations

import math
import time

from sparsetune.data.delivery import batches
from sparsetune.training.loop import Diverged, train_steps
from sparsetune.training.setup import Setup
from sparsetune.training.task import Meter
from sparsetune.training.walk.cursor import Cursor
from sparsetune.training.walk.union import Node


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
        grad_accum_steps=training.grad_accum_steps,
        clip_grad_norm=training.clip_grad_norm,
        pace=setup.pacer.begin(node.begins + position, count, order.steps, node.horizon),
    )

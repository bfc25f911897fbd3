"""A training as an iterator of epoch results, whose state goes in and out as one checkpoint.

All randomness of an epoch is a function of the seed and the epoch's number, as is that of a phase's beginning and end,
so a training that is stopped between two epochs and taken up again gives the numbers of one that ran through.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, replace
from typing import Any

import torch

from sparsetune.config.base import Part
from sparsetune.config.messages import SPLIT, Metrics, Row
from sparsetune.config.metrics import metric_of
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig
from sparsetune.sparsity.method import Phase
from sparsetune.training.build import DTYPES, build, device_of
from sparsetune.training.data import load_dataset
from sparsetune.training.data.delivery import batches, delivered
from sparsetune.training.final import declared, memory_numbers
from sparsetune.training.loop import Diverged, train_epoch
from sparsetune.training.measuring import Measuring
from sparsetune.training.metrics.cost import Cost, cost_numbers, given_flops
from sparsetune.training.metrics.energy import GpuEnergy
from sparsetune.training.metrics.memory import restart_peaks
from sparsetune.training.optim import Pacer, make_optimizer
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.seeding import BEGINNING, END, EVALUATION, seed_all
from sparsetune.training.session import Going
from sparsetune.training.task import make_task
from sparsetune.training.view import View


class Trainer:
    """Trains one config; ``next`` gives the row of an epoch, :meth:`finish` the trial's metrics.

    Attributes:
        views: what is kept of each setting that only evaluation depends on; usually one.
        notes: words about this training, by name.
    """

    def __init__(
        self,
        config: TrialConfig,
        settings: Sequence[Part] = (),
        *,
        until: str = "",
        registries: Registries = REGISTRIES,
    ) -> None:
        """
        Args:
            settings: configs of the method that differ in what only evaluation depends on; empty: the config's own.
            until: the name of a phase before which training ends.
        """
        self.config = config
        self._registries = registries
        self.views = [View(setting) for setting in settings or (config.method,)]
        self.training = config.training
        self.device = device_of(config.training.device)
        restart_peaks(self.device)
        self._energy = GpuEnergy(self.device)
        self._energy.start()
        dtype = DTYPES[config.training.dtype]
        self.data, how = delivered(
            load_dataset(config.data, registries.data), self.device, dtype, config.training.data_share
        )
        self.notes = {SPLIT: self.data.digest, "data": how}
        if self.data.pixels is not None:
            self.notes["pixels"] = str(self.data.pixels)
        self.task = make_task(self.data, config.training.label_smoothing)
        data = self.data
        self._built = build(config, data.input_shape, data.outputs, data.task, self.device, registries)
        self.session, self.method, known = self._built.session, self._built.method, self._built.anatomy
        self.network = self.session.network
        self._measuring = Measuring(config, self._built, data, self.task, registries)
        self.optimizer = make_optimizer(self.method.parameters(), config.training)
        self.session.going = Going(data, self.task, self.optimizer, self._measuring.evaluated)
        per_sample = config.metrics.base_flop_per_sample
        self.flops = given_flops(per_sample) if per_sample else known.flops
        self.work = known.work
        plan = self.method.plan(config.method, config.training)
        self.phases = [phase for phase in plan for _ in range(phase.epochs)]  # by epoch
        self._names = [phase.name for phase in self.phases]
        self._last = self._names.index(until) if until in self._names else len(self._names)
        self._pacer = Pacer(self.optimizer, config.training, len(self.phases))
        self._out_of_time = False

    @property
    def record(self) -> list[Row]:
        """The rows of the first view."""
        return self.views[0].record

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self._longest)

    @property
    def _longest(self) -> list[Row]:
        """The rows of a view whose training has gone farthest."""
        return max((view.record for view in self.views), key=len)

    @property
    def cost(self) -> Cost:
        """So far."""
        return self.session.cost

    @property
    def evaluation_batch(self) -> int:
        """Samples that are evaluated at once."""
        return self._built.evaluation_batch

    def __iter__(self) -> Trainer:
        return self

    @property
    def _place(self) -> int:
        """Where in ``phases`` the next epoch stands: where patience is spent, at the beginning of the next phase."""
        if not self._longest:
            return 0
        name, since = self._longest[-1].phase, self._longest[-1].since
        spent = all(view.diverged or view.spent(self.training) for view in self.views)
        return self._names.index(name) + (self._names.count(name) if spent else since)

    @property
    def done(self) -> bool:
        """No epoch is left, every view is over or the time is up."""
        return self._place >= self._last or all(map(self._ended, self.views)) or self._out_of_time

    def over(self, view: View) -> bool:
        """Whether no more rows of a view will come; of one whose training goes on elsewhere they do."""
        return self._ended(view) or self._out_of_time or self._place >= len(self.phases)

    def _ended(self, view: View) -> bool:
        """Whether it has diverged, or its patience is spent in the last phase."""
        in_last = bool(view.record) and view.record[-1].phase == self._names[-1]
        return bool(view.diverged) or (in_last and view.spent(self.training))

    def __next__(self) -> Row:
        """Train and evaluate one epoch; raises :class:`Diverged` when a loss is not finite."""
        if self.done:
            raise StopIteration
        epoch, place = self.epoch, self._place
        phase = self.phases[place]
        since = place + 1 - self._names.index(phase.name)
        self.session.epochs, self.session.phase = epoch, phase.name
        started, before = time.perf_counter(), replace(self.cost)
        if epoch == 0 and self.config.metrics.each_epoch:
            for view in self.views:
                view.start = self._measuring.before_training(view.method)
        if since == 1:
            seed_all(self.config.seed, BEGINNING + epoch, self.device)
            self.method.begin_phase(phase)
        trained = self._train(epoch, place)
        self.session.epochs = epoch + 1
        of_method = declared(self.method, self.method.after_epoch(), self._registries.metrics)
        active = [view for view in self.views if not self._ended(view)]
        validated = [self._measuring.validated(view.method, epoch + 1) for view in active]
        self.cost.seconds = before.seconds + time.perf_counter() - started
        self._out_of_time = self._time_left() <= 0
        of_training = {f"train_{name}": value for name, value in zip(self.task.names, trained, strict=True)}
        others = {**cost_numbers(self.cost, before, self.flops, self.config.metrics.gpu_tdp_watts), **of_method}
        at = {"phase": phase.name, "since": since, "settled": since > phase.settle}
        for view, (numbers, further) in zip(active, validated, strict=True):
            if not math.isfinite(numbers["loss"]):
                view.diverged = f"val_loss became {numbers['loss']} in epoch {epoch + 1}"
            else:
                view.add(numbers, of_training, {**further, **others}, self.network, self.training, **at)
        if all(view.diverged for view in active):
            raise Diverged(active[0].diverged)
        if self.done or self.phases[self._place] is not phase:
            self._end(phase)
        return next(view.record[-1] for view in active if not view.diverged)

    def finish(self, view: View | None = None, leave: Callable[[Metrics], None] | None = None) -> Metrics:
        """Measure the state that a view keeps on test data, for the first and only time; training may go on after it.

        Args:
            view: the first one if not given.
            leave: called with them while the network is in that state.
        """
        view = view or self.views[0]
        table, last = self._registries.metrics, view.record[-1].metrics
        totals = {k: v for k, v in last.items() if (known := metric_of(k, table)) and known.scope == "run"}
        with self._as_kept(view):
            found = self._measuring.at_the_end()
            of_method = declared(self.method, self.method.summary(), table)
            joules = self._energy.joules()
            if joules is not None:
                found["energy_kj"] = joules / 1e3
            metrics = {**found, **memory_numbers(self.device), **view.kept_row.metrics, **totals, **of_method}
            if leave is not None:
                leave(metrics)
        view.told = True
        return metrics

    @contextmanager
    def _as_kept(self, view: View) -> Iterator[None]:
        """Within, network and method are as a view leaves them; after it as before, if training goes on."""
        going_on = any(not each.told for each in self.views if each is not view)
        changes = view.best_state is not None or not self.done
        before = deepcopy((self.network.state_dict(), self.method.state_dict())) if going_on and changes else None
        self.method.adopt(view.method)
        if not self.done:  # this view's training ends here
            self._end(self.phases[self._place - 1])
        if view.best_state is not None:
            self.network.load_state_dict(view.best_state)
        seed_all(self.config.seed, EVALUATION, self.device)
        try:
            yield
        finally:
            if before is not None:
                self.network.load_state_dict(before[0])
                self.method.load_state_dict(before[1])

    def _end(self, phase: Phase) -> None:
        seed_all(self.config.seed, END + self.epoch, self.device)
        self.method.end_phase(phase)

    def _train(self, epoch: int, place: int) -> tuple[float, ...]:
        seed_all(self.config.seed, epoch + 1, self.device)
        samples, training = len(self.data.train), self.training
        order = torch.randperm(samples, device=self.device)
        drawn = math.ceil(samples / training.batch_size)
        return train_epoch(
            self.network,
            self.method,
            self.optimizer,
            self.task,
            batches(self.data.train, training.batch_size, order),
            epoch=epoch,
            cost=self.cost,
            deadline=time.monotonic() + self._time_left(),
            grad_accum_steps=training.grad_accum_steps,
            clip_grad_norm=training.clip_grad_norm,
            pace=self._pacer.begin(place, math.ceil(drawn / training.grad_accum_steps)),
        )

    def _time_left(self) -> float:
        cap = self.training.max_minutes
        return math.inf if cap is None else cap * 60 - self.cost.seconds

    def state_dict(self) -> dict[str, Any]:
        """Everything that the coming epochs depend on."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "method": self.method.state_dict(),
            "cost": asdict(self.cost),
            "views": [view.state_dict() for view in self.views],
            "out_of_time": self._out_of_time,
            "planned": len(self.phases),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state of a training with the same config."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.method.load_state_dict(state["method"])
        self.session.cost = Cost(**state["cost"])
        for view, saved in zip(self.views, state["views"], strict=True):
            view.load_state_dict(saved)
        self.session.epochs, self.session.phase = self.epoch, self._longest[-1].phase if self._longest else ""
        self._out_of_time = state["out_of_time"]

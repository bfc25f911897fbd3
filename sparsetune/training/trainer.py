"""A training as an iterator of epoch results, whose state goes in and out as one checkpoint.

All randomness of an epoch is a function of the seed and the epoch's number, so a training that is stopped between
two epochs and taken up again gives the numbers of one that ran through.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor

from sparsetune.config.messages import Metrics, Row
from sparsetune.config.metrics import METRICS
from sparsetune.config.seeds import mix
from sparsetune.config.trial import TrialConfig
from sparsetune.sparsity.method import Method, Phase, Subject
from sparsetune.training.anatomy import anatomy
from sparsetune.training.data import load_dataset
from sparsetune.training.data.delivery import batches, delivered
from sparsetune.training.evaluation import evaluate, evaluation_batch
from sparsetune.training.final import memory_numbers, noise_numbers, size_numbers, split_numbers
from sparsetune.training.loop import Diverged, train_epoch
from sparsetune.training.metrics.cost import Cost, given_flops
from sparsetune.training.metrics.energy import GpuEnergy
from sparsetune.training.metrics.memory import restart_peaks
from sparsetune.training.optim import Pacer, make_optimizer
from sparsetune.training.precision import compute_as_asked
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.task import make_task

_DTYPES = {"float32": torch.float32, "float64": torch.float64}


class Trainer:
    """Trains one config; ``next`` gives the row of an epoch, :meth:`finish` the trial's metrics.

    Attributes:
        record: the rows so far.
        notes: words about this training, by name.
    """

    def __init__(self, config: TrialConfig) -> None:
        self.config = config
        self.training = config.training
        self.device = _device(config.training.device)
        restart_peaks(self.device)
        self._energy = GpuEnergy(self.device)
        self._energy.start()
        dtype = _DTYPES[config.training.dtype]
        self.data, how = delivered(load_dataset(config.data), self.device, dtype, config.training.data_share)
        self.notes = {"split": self.data.digest, "data": how}
        self.task = make_task(self.data, config.training.label_smoothing)
        self._seed(0)
        model = REGISTRIES.model.get(config.model.name)
        network = model.build(config.model, self.data.input_shape, self.data.outputs)
        self.network: torch.nn.Module = network.to(self.device, dtype)
        sites = model.dropout_sites(config.model)
        subject = Subject(model.prunable(self.network), sites, self.data.task, config.seed)
        method_class: type[Method] = REGISTRIES.method.get(config.method.name)
        self.method = method_class(config.method, self.network, config.training, subject)
        known = anatomy(self.network, config.model, self.data.input_shape)
        compute_as_asked(self.network, self.training, self.device)  # casts of weights would count as activations
        self.optimizer = make_optimizer(self.method.parameters(), config.training)
        per_sample = config.metrics.base_flop_per_sample
        self.flops = given_flops(per_sample) if per_sample else known.flops
        self.work = known.work
        self.evaluation_batch = max(1, evaluation_batch(known.widest, dtype, self.device) // self.method.samples)
        self.phases = [phase for phase in self.method.plan() for _ in range(phase.epochs)]  # by epoch
        self._pacer = Pacer(self.optimizer, config.training, len(self.phases))
        self.record: list[Row] = []
        self.cost = Cost()
        self._best_state: dict[str, Tensor] | None = None
        self._out_of_time = False

    def __iter__(self) -> Trainer:
        return self

    @property
    def done(self) -> bool:
        """No epoch is left, the patience is spent or the time is up."""
        epoch = len(self.record)
        patience = self.training.early_stop_patience
        spent = patience is not None and epoch > 0 and epoch - self._best_row.epoch >= patience
        return epoch >= len(self.phases) or spent or self._out_of_time

    def __next__(self) -> Row:
        """Train and evaluate one epoch; raises :class:`Diverged` when a loss is not finite."""
        if self.done:
            raise StopIteration
        epoch = len(self.record)
        phase = self.phases[epoch]
        started, before = time.perf_counter(), replace(self.cost)
        if epoch == 0 or self.phases[epoch - 1] is not phase:
            self.method.begin_phase(phase)
        trained = self._train(phase, epoch)
        of_method = self.method.after_epoch()
        validated = evaluate(self.network, self.method, self.task, self.data.val, self.evaluation_batch)
        if not math.isfinite(validated[0]):
            raise Diverged(f"val_loss became {validated[0]} in epoch {epoch + 1}")
        self.cost.seconds = before.seconds + time.perf_counter() - started
        self._out_of_time = self._time_left() <= 0
        measured = {
            **{f"train_{name}": value for name, value in zip(self.task.names, trained, strict=True)},
            **{f"val_{name}": value for name, value in zip(self.task.names, validated, strict=True)},
        }
        self._append(measured, of_method, before)
        if self.done or self.phases[epoch + 1] is not phase:
            self.method.end_phase(phase)
        return self.record[-1]

    def finish(self) -> Metrics:
        """Put the state to be kept into the network and measure it on test data, for the first and only time."""
        row = self.record[-1]
        if self._best_state is not None:
            self.network.load_state_dict(self._best_state)
            row = self._best_row
        totals = {k: v for k, v in self.record[-1].metrics.items() if METRICS[k].scope == "run"}
        given = self.network, self.method
        found = split_numbers(*given, self.task, self.data, self.evaluation_batch)
        found |= size_numbers(*given, self.work, self.data, found)
        noisy = self.config.metrics.noise_samples
        if noisy is not None and self.data.task == "classification":
            found |= noise_numbers(*given, self.data, noisy, self.evaluation_batch)
        joules = self._energy.joules()
        if joules is not None:
            found["energy_kj"] = joules / 1e3
        return {**found, **memory_numbers(self.device), **row.metrics, **totals, **self.method.summary()}

    def _train(self, phase: Phase, epoch: int) -> tuple[float, ...]:
        self._seed(epoch + 1)
        samples, training = len(self.data.train), self.training
        order = torch.randperm(samples, device=self.device)
        drawn = math.ceil(samples / training.batch_size)
        return train_epoch(
            self.network,
            self.method,
            self.optimizer,
            self.task,
            batches(self.data.train, training.batch_size, order),
            phase=phase,
            epoch=epoch,
            cost=self.cost,
            deadline=time.monotonic() + self._time_left(),
            grad_accum_steps=training.grad_accum_steps,
            clip_grad_norm=training.clip_grad_norm,
            pace=self._pacer.begin(epoch, math.ceil(drawn / training.grad_accum_steps)),
        )

    def _seed(self, number: int) -> None:
        """Seed what this training draws from; torch.manual_seed asks every kind of device there is, each time."""
        seed = mix(self.config.seed, number)
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def _append(self, measured: Metrics, of_method: Metrics, before: Cost) -> None:
        epoch = len(self.record) + 1
        improved = not self.record or measured["val_loss"] < self._best_row.metrics["val_loss"]
        best = measured if improved else self._best_row.metrics
        of_best = {f"best_val_{name}": best[f"val_{name}"] for name in self.task.names}
        metrics = {
            **measured,
            "best_epoch": float(epoch if improved else self._best_row.epoch),
            **of_best,
            "compute_saved": self.cost.saved(self.flops),
            "est_flops_g": self.cost.flops(self.flops) / 1e9,
            "samples_trained": float(self.cost.trained),
            "step_time_ms": 1e3 * (self.cost.step_seconds - before.step_seconds) / (self.cost.steps - before.steps),
            "time_min": self.cost.seconds / 60,
            **of_method,
        }
        if self.config.metrics.gpu_tdp_watts is not None:
            metrics["est_energy_kj"] = self.cost.step_seconds * self.config.metrics.gpu_tdp_watts / 1e3
        self.record.append(Row(epoch, time.time_ns() // 1_000_000, metrics))
        if improved and self.training.keep == "best":
            self._best_state = {name: value.detach().clone() for name, value in self.network.state_dict().items()}

    @property
    def _best_row(self) -> Row:
        return self.record[int(self.record[-1].metrics["best_epoch"]) - 1]

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
            "record": [{**vars(row)} for row in self.record],
            "best_state": self._best_state,
            "out_of_time": self._out_of_time,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state of a training with the same config."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.method.load_state_dict(state["method"])
        self.cost = Cost(**state["cost"])
        self.record = [Row(**row) for row in state["record"]]
        self._best_state = state["best_state"]
        self._out_of_time = state["out_of_time"]


def _device(wanted: str) -> torch.device:
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)

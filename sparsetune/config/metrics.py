"""The table of metrics: one number of each kind, one definition, one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Goal = Literal["maximize", "minimize"]
Scope = Literal["state", "epoch", "run", "end"]


@dataclass(frozen=True)
class Metric:
    """What a number is called, measures, and which way is better.

    ``scope`` says what it belongs to: the trained *state* (a trial that keeps its best state reports that state's),
    one *epoch*, the *run* so far (cumulative, so that the last row holds the total), or the *end* of a trial only.
    """

    name: str
    unit: str
    goal: Goal | None
    scope: Scope
    definition: str
    timing: bool = False  # depends on the machine: two equal runs differ
    needs: str = ""  # the key of the config without which there is no such number

    @property
    def each_epoch(self) -> bool:
        return self.scope != "end"


_ROWS = (
    Metric(
        "train_loss",
        "nats",
        "minimize",
        "epoch",
        "mean cross entropy of the samples drawn in the epoch, each as it was before the step that used it",
    ),
    Metric("train_accuracy", "fraction", "maximize", "epoch", "top-1 accuracy of the same predictions"),
    Metric("val_loss", "nats", "minimize", "state", "mean cross entropy on the validation split"),
    Metric("val_accuracy", "fraction", "maximize", "state", "top-1 accuracy on the validation split"),
    Metric("test_loss", "nats", "minimize", "end", "mean cross entropy on the test split; never selects anything"),
    Metric("test_accuracy", "fraction", "maximize", "end", "top-1 accuracy on the test split; never selects anything"),
    Metric("best_epoch", "epochs", None, "run", "the epoch with the lowest val_loss so far, counted from 1"),
    Metric("best_val_accuracy", "fraction", "maximize", "run", "val_accuracy of that epoch"),
    Metric(
        "compute_saved",
        "fraction",
        "maximize",
        "run",
        "1 - counted FLOPs of selection and training / FLOPs of dense training on the same batches, since the "
        "start; negative where selection costs more than it saves",
    ),
    Metric(
        "est_flops_g",
        "GFLOP",
        "minimize",
        "run",
        "estimate: FLOPs of selection and training since the start (convolutions and matrix products, counted by "
        "torch; or metrics.base_flop_per_sample)",
    ),
    Metric(
        "est_energy_kj",
        "kJ",
        "minimize",
        "run",
        "estimate: seconds in training steps since the start x metrics.gpu_tdp_watts",
        timing=True,
        needs="metrics.gpu_tdp_watts",
    ),
    Metric("step_time_ms", "ms", "minimize", "epoch", "mean wall time of a training step", timing=True),
    Metric("time_min", "min", "minimize", "run", "wall time of training and evaluation since the start", timing=True),
    Metric("activation_rate", "fraction", None, "epoch", "active samples / samples drawn"),
    Metric(
        "energy_savings",
        "fraction",
        "maximize",
        "epoch",
        "1 - activation_rate: the proxy that AST's originals report; it ignores what selection costs",
    ),
    Metric(
        "threshold",
        "nats",
        None,
        "epoch",
        "mean significance threshold of the epoch's steps, before each update (of the normalised significance "
        "with normalize: ema)",
    ),
    Metric("controller_error", "fraction", None, "epoch", "mean over steps of activation - target_activation"),
    Metric(
        "steady_state_error",
        "fraction",
        None,
        "end",
        "mean activation of the last half of the controlled steps - target_activation",
    ),
    Metric(
        "activation_std",
        "fraction",
        "minimize",
        "end",
        "standard deviation of the activation over the last half of the controlled steps",
    ),
    Metric(
        "clamp_share",
        "fraction",
        "minimize",
        "end",
        "share of the controlled steps in which the threshold or the integral stood at its limit",
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ROWS}

CORE = (
    "train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy", "best_epoch",
    "best_val_accuracy", "compute_saved", "est_flops_g", "est_energy_kj", "step_time_ms", "time_min",
)  # fmt: skip
"""What the training core gives for every method."""

"""How a trial trains, and what its estimates are based on: the ``training`` and ``metrics`` sections of its config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ValidationInfo, field_validator, model_validator

from sparsetune.base.durations import Duration
from sparsetune.base.errors import BadInput
from sparsetune.config.base import Model, param
from sparsetune.config.schedules import Constant, Schedule


class Training(Model):
    """How a trial trains."""

    epochs: int | None = param(20, "passes over the training split", unit="epochs", ge=1)
    iterations: int | None = param(None, "steps of the optimiser, instead of epochs", unit="iterations", ge=1)
    evaluate: str = param("1ep", "how often it is evaluated: every so many epochs (1ep) or iterations (100it)")
    keep_row: int = param(1, "every how many evaluations a row is kept, for tables, curves and pruners", ge=1)
    batch_size: int = param(64, "samples drawn in a step", unit="samples", ge=1)
    grad_accum_steps: int = param(
        1, "batches to an optimiser step, which follows the mean over their samples", unit="batches", ge=1
    )
    lr: float = param(0.01, "learning rate at the start; with onecycle the highest", gt=0, allow_inf_nan=False)
    optimizer: Literal["sgd", "adam", "adamw"] = param("sgd", "update rule")
    momentum: float = param(0.9, "momentum of sgd", ge=0, lt=1)
    nesterov: bool = param(False, "Nesterov's momentum; sgd only")
    weight_decay: float = param(0.0, "L2 penalty (sgd, adam) or decoupled decay (adamw)", ge=0, allow_inf_nan=False)
    clip_grad_norm: float | None = param(
        None, "gradients are scaled down to this norm, taken over all parameters but sigma", gt=0, allow_inf_nan=False
    )
    label_smoothing: float = param(
        0.0, "share of a label that is spread evenly over all classes, in the loss that is trained on", ge=0, lt=1
    )
    loss: Literal["gauss"] | None = param(
        None,
        "null: cross entropy, of regression the mean squared error; gauss, of regression: bits of a normal density "
        "around the prediction, whose deviation sigma is trained, too",
    )
    reduction: Literal["mean", "sum"] = param(
        "mean",
        "the loss of a batch over the samples trained on; sum acts as an lr that is as many times higher, with adam "
        "hardly at all",
    )
    initial_sigma: float = param(
        0.1, "what sigma of loss: gauss begins with, of targets as they are learned", ge=1e-15, le=1e15
    )
    schedule: Schedule = param(
        Constant(), "learning rate over epochs: constant, step, cosine; over steps: onecycle, and cosine with per: step"
    )
    warmup_epochs: float = param(
        0.0,
        "the schedule's learning rate is multiplied by a factor that rises to 1, equally with each step",
        unit="epochs",
        ge=0,
        allow_inf_nan=False,
    )
    early_stop_patience: int | None = param(
        None,
        "end a phase, of one phase the training, after so many epochs without a lower val_loss",
        unit="epochs",
        ge=1,
    )
    max_minutes: float | None = param(
        None, "wall-clock cap; the trial still evaluates and keeps its result", unit="min", gt=0
    )
    device: Literal["auto", "cpu", "cuda"] = param("auto", "auto: cuda where there is one")
    dtype: Literal["float32", "float64"] = param("float32", "type of weights and data")
    mixed_precision: bool = param(
        False, "on cuda the network computes in bfloat16 (autocast); weights, loss and metrics stay float32"
    )
    channels_last: bool = param(False, "images and convolution weights lie in memory with their channels last")
    keep: Literal["last", "best"] = param(
        "last", "which state the trial leaves; best: lowest val_loss of its last phase"
    )
    data_share: float = param(
        0.25, "data that take at most this share of a GPU's memory live there; others are streamed", gt=0, le=1
    )

    @model_validator(mode="before")
    @classmethod
    def _epochs_or_iterations(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping) or raw.get("iterations") is None:
            return raw
        if raw.get("epochs") is not None:
            both = f"epochs {raw['epochs']} and iterations {raw['iterations']}"
            raise BadInput(found=both, allowed="one of them", code="conflict")
        return {**raw, "epochs": None}

    @field_validator("evaluate")
    @classmethod
    def _is_a_cadence(cls, evaluate: str) -> str:
        if not Duration.parse(evaluate).count:
            raise BadInput(found=repr(evaluate), allowed="at least '1it'")
        return evaluate

    @model_validator(mode="after")
    def _has_a_length(self) -> Training:
        if self.epochs is None and self.iterations is None:
            raise BadInput(found="neither epochs nor iterations", allowed="one of them", code="missing")
        return self

    @property
    def length(self) -> Duration:
        """Of the training."""
        if self.iterations is not None:
            return Duration(self.iterations, "it")
        assert self.epochs is not None
        return Duration(self.epochs)

    @property
    def cadence(self) -> Duration:
        """Of evaluations."""
        return Duration.parse(self.evaluate)

    @field_validator("reduction")
    @classmethod
    def _is_of_one_batch(cls, reduction: str, info: ValidationInfo) -> str:
        accumulated = info.data.get("grad_accum_steps", 1)
        if reduction == "sum" and accumulated > 1:
            raise BadInput(found=f"sum with grad_accum_steps {accumulated}", allowed="mean, or grad_accum_steps 1")
        return reduction

    @field_validator("nesterov")
    @classmethod
    def _has_momentum(cls, nesterov: bool, info: ValidationInfo) -> bool:
        optimizer, momentum = info.data.get("optimizer"), info.data.get("momentum")
        if nesterov and optimizer not in ("sgd", None):
            raise BadInput(found=f"true with optimizer {optimizer}", allowed="sgd")
        if nesterov and momentum == 0:
            raise BadInput(found="true with momentum 0", allowed="a momentum above 0")
        return nesterov

    @field_validator("mixed_precision")
    @classmethod
    def _is_single(cls, mixed: bool, info: ValidationInfo) -> bool:
        if mixed and info.data.get("dtype") == "float64":
            raise BadInput(found="true with dtype float64", allowed="float32")
        return mixed


class Measurement(Model):
    """What estimates are based on (the ``metrics`` section)."""

    gpu_tdp_watts: float | None = param(None, "power of the device, for est_energy_kj", unit="W", gt=0)
    base_flop_per_sample: float | None = param(
        None, "forward + backward FLOPs of a sample, instead of the count", unit="FLOP", gt=0
    )
    noise_samples: int | None = param(
        None, "images of noise on which ape is measured; 10,000 in the literature", unit="samples", ge=1
    )
    each_epoch: bool = param(
        False, "measure after each epoch what is else measured at the end: quality on validation data, size, cost, ape"
    )
    deployed: bool = param(
        False,
        "measure at a trial's end how fast its network answers without neurons that have no path, beside a dense one, "
        "and how large its file is; a second or two",
    )

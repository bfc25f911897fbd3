"""Settings that all methods of compression have."""

from __future__ import annotations

from typing import Literal

from sparsetune.config.base import Part, param

TRAIN, PRUNE, FINETUNE = "train", "prune", "finetune"


class CompressionConfig(Part):
    """Settings of the pruning step, of fine-tuning, and of when a stage ends."""

    delta: float = param(
        0.01,
        "TAMADE: tolerated increase of the loss by pruning, as a fraction of it",
        phase=PRUNE,
        ge=0,
        allow_inf_nan=False,
    )
    accuracy_tolerance: float | None = param(
        None, "instead of delta: tolerated decrease of the accuracy", unit="fraction", phase=PRUNE, ge=0, le=1
    )
    tamade_on: Literal["val", "train"] = param("val", "the samples whose loss pruning may increase", phase=PRUNE)
    tamade_scope: Literal["global", "layer"] = param(
        "global", "one threshold for all weights, or one a layer", phase=PRUNE
    )
    prune_biases: bool = param(True, "penalise and prune the biases of prunable layers, too", phase=TRAIN)
    random_gradient_pruning: Literal["data", "noise", "none"] = param(
        "data",
        "before and after TAMADE remove what has no gradient: on training samples, on noise, or not",
        phase=PRUNE,
    )
    gradient_batches: int = param(10, "batches of 500 samples that this looks at", unit="batches", phase=PRUNE, ge=1)
    delete_neurons: bool = param(
        False, "cut units that pruning has left without a path out of the network, in every pruning", phase=PRUNE
    )
    finetune_epochs: int = param(10, "epochs after pruning; 0: none", unit="epochs", phase=FINETUNE, ge=0)
    finetune_schedule: Literal["go on", "again"] = param(
        "go on", "the schedule of the learning rate in fine-tuning: one that spans both, or its own", phase=TRAIN
    )
    smoothing_window: int | None = param(
        None,
        "a stage ends once the losses of so many evaluations no longer fall; null: at its length",
        phase=TRAIN,
        ge=4,
    )
    saturation_on: Literal["val", "train"] = param("val", "whose losses these are", phase=TRAIN)
    min_epochs: int = param(0, "training neither ends nor shrinks before", unit="epochs", phase=TRAIN, ge=0)
    finetune_min_epochs: int = param(0, "the same of fine-tuning", unit="epochs", phase=FINETUNE, ge=0)
    shrinking: bool = param(
        False,
        "prune also every prune_window evaluations while the loss is saturated up to shrinking_margin",
        phase=TRAIN,
    )
    finetune_shrinking: bool = param(False, "the same in fine-tuning", phase=FINETUNE)
    prune_window: int = param(10, "evaluations between two of these", phase=TRAIN, ge=1)
    shrinking_margin: float = param(0.01, "the loss may still fall by that, in its unit", phase=TRAIN, ge=0)
    layerwise_pruning: bool = param(
        False,
        "fit each layer's masks to its own outputs before TAMADE, in each pruning of training and after it",
        phase=PRUNE,
    )
    finetune_layerwise_pruning: bool = param(
        False, "the same in the prunings of fine-tuning", phase=FINETUNE, needs="finetune_shrinking"
    )
    layerwise_alpha: float = param(
        0.1,
        "what a kept weight costs there, in squared errors of its layer's outputs summed over 500 samples",
        phase=PRUNE,
        ge=0,
        allow_inf_nan=False,
    )
    layerwise_lr: float = param(1e-3, "Adam's learning rate there", phase=PRUNE, ge=1e-7, le=1)
    layerwise_mask_start: float = param(0.3, "keep probabilities before the first step", phase=PRUNE, ge=0, le=1)
    layerwise_epochs: int = param(
        20000,
        "steps for a layer at most, each on all training samples; fewer once its masks are decided",
        unit="epochs",
        phase=PRUNE,
        ge=1,
    )

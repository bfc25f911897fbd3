"""What a config says of any data set."""

from __future__ import annotations

from typing import Literal

from pydantic import StrictInt, field_validator

from sparsetune.config.base import Part, count_or_fraction, param


class DataConfig(Part):
    """Settings that all data sets share."""

    seed: int = param(0, "fixes the split, and which labels are noisy", ge=0, lt=2**32)
    val_size: StrictInt | float = param(
        0.1, "samples held out for validation: a count, or below 1 a fraction of the training samples", gt=0
    )
    num_train: int | None = param(None, "training samples to keep; else all", unit="samples", ge=1)
    stratified: bool = param(True, "each class has its share in every split")
    normalize: Literal["standard", "unit", "none"] = param(
        "standard", "standard: mean 0, deviation 1 by channel over the training split; unit: white is 1; none"
    )
    label_noise: float = param(0.0, "fraction of the training labels that are replaced by another class", ge=0, lt=1)
    augment: Literal["none", "flip", "crop_flip", "resized_crop_flip"] = param(
        "none", "random changes to training images, drawn anew each time"
    )

    _sizes = field_validator("val_size", "test_size", check_fields=False)(count_or_fraction)


class OnePoolConfig(DataConfig):
    """Settings of a data set that has no test samples of its own."""

    test_size: StrictInt | float = param(0.2, "samples held out for the test: a count, or below 1 a fraction", gt=0)

"""What is known of a data set before its samples are: enough to check models, methods and metrics against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["classification", "regression"]


@dataclass(frozen=True)
class Facts:
    """Of one data config.

    Attributes:
        input_shape: of one sample; images are (channels, height, width).
        outputs: classes, or numbers to predict.
        task: what is learned.
        train_samples: in the training split.
    """

    input_shape: tuple[int, ...]
    outputs: int
    task: Kind
    train_samples: int

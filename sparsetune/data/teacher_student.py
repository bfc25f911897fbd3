"""Teacher-student: regression on what a small random network says, with noise; any size, no files.

Source: L0-and-behold/efficient-compression. Inputs are uniform in [-1, 1); targets are normal around the
        teacher's outputs with standard deviation ``noise``, so no student's squared error is below noise^2 on average.
        The teacher: tanh on hidden layers, none on the output, biases everywhere. With g = 5/3 for tanh and 1 for the
        output, weights are uniform in +-sqrt(3) g / sqrt(fan_in), biases in +-1 / sqrt(fan_in); then the first weight
        matrix W becomes 2 W + 1, the second 2 W.
Splits: 300 / 1,000 / 5,000, each with random numbers of its own, all of them and the teacher's fixed by ``seed``.
"""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from pydantic import StrictInt, field_validator

from sparsetune.config.base import param
from sparsetune.config.metrics import Kind
from sparsetune.data.contract import DataConfig, DataSet, Outline
from sparsetune.data.pools import Array, Pools, Samples, Truth

SCALE = 2.0
LOW, HIGH = -1.0, 1.0  # of inputs
_TEACHER, _TRAIN, _VAL, _TEST = range(4)  # streams of random numbers

Layers = list[tuple[Array, Array]]  # weights (out, in) and biases (out,)


class TeacherStudentConfig(DataConfig):
    """Settings of teacher_student."""

    name: Literal["teacher_student"] = "teacher_student"
    seed: int = param(0, "fixes the teacher and all samples", ge=0, lt=2**32)
    teacher: tuple[int, ...] = param((2, 5, 8, 1), "widths of the teacher, from inputs to outputs")
    noise: float = param(0.08, "standard deviation of the noise in the targets", ge=0, allow_inf_nan=False)
    num_train: StrictInt = param(300, "training samples", unit="samples", ge=1)
    val_size: StrictInt = param(1_000, "validation samples: a count", unit="samples", ge=1)
    test_size: StrictInt = param(5_000, "test samples: a count", unit="samples", ge=1)
    normalize: Literal["standard", "none"] = param(
        "none", "standard: mean 0, deviation 1 by input over the training split; none"
    )
    stratified: Literal[False] = param(False, "there are no classes")
    augment: Literal["none"] = param("none", "for images")

    @field_validator("teacher")
    @classmethod
    def _widths(cls, widths: tuple[int, ...]) -> tuple[int, ...]:
        if len(widths) < 3 or min(widths) < 1:
            raise ValueError(f"found {list(widths)}, allowed: three widths or more, such as [2, 5, 8, 1]")
        return widths


class TeacherStudent(DataSet):
    """300 / 1,000 / 5,000 samples of a small random network's function, with noise; regression."""

    Config = TeacherStudentConfig

    @classmethod
    def task(cls, config: Any) -> Kind:
        return "regression"

    @classmethod
    def outline(cls, config: TeacherStudentConfig) -> Outline:
        return Outline((config.teacher[0],), config.teacher[-1], samples=config.num_train, has_val=True)

    @classmethod
    def read(cls, config: TeacherStudentConfig) -> Pools:
        """Inputs (N, in) and targets (N, out) of float32."""
        network = teacher(config.teacher, np.random.RandomState([config.seed, _TEACHER]))
        sizes = {_TRAIN: config.num_train, _VAL: config.val_size, _TEST: config.test_size}
        train, val, test = (
            samples(network, size, config.noise, np.random.RandomState([config.seed, stream]))
            for stream, size in sizes.items()
        )
        truth = Truth(partial(outputs, network), LOW, HIGH)
        return Pools(train, outputs=config.teacher[-1], val=val, test=test, truth=truth)


def teacher(widths: tuple[int, ...], random: np.random.RandomState) -> Layers:
    """The network that is to be learned; see the module's docstring."""
    layers: Layers = []
    for number, (inputs, outputs) in enumerate(pairwise(widths)):
        gain = 1.0 if number == len(widths) - 2 else 5 / 3
        bound = math.sqrt(3 / inputs) * gain
        weights = random.uniform(-bound, bound, (outputs, inputs))
        biases = random.uniform(-1 / math.sqrt(inputs), 1 / math.sqrt(inputs), outputs)
        layers.append((weights, biases))
    (first, _), (second, _) = layers[:2]
    first[:] = SCALE * first + SCALE / 2
    second[:] = SCALE * second
    return layers


def outputs(layers: Layers, inputs: Array) -> Array:
    """What the network says to inputs (N, in): (N, out) of float64."""
    values = inputs.astype(np.float64)
    for weights, biases in layers[:-1]:
        values = np.tanh(values @ weights.T + biases)
    weights, biases = layers[-1]
    return values @ weights.T + biases


def samples(layers: Layers, count: int, noise: float, random: np.random.RandomState) -> Samples:
    """As many inputs and noisy outputs, as float32."""
    inputs = random.uniform(LOW, HIGH, (count, layers[0][0].shape[1])).astype(np.float32)
    exact = outputs(layers, inputs)
    return Samples(inputs, (exact + noise * random.standard_normal(exact.shape)).astype(np.float32))

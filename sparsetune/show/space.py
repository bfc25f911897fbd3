"""A search space in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sparsetune.config.errors import shown
from sparsetune.config.parameters import Choice, Parameter
from sparsetune.config.space import Space


def space_lines(space: Space) -> list[str]:
    """A line for each parameter: its name, what it may be, and when it is drawn."""
    if not space.parameters:
        return ["  nothing varies: all trials have the same config"]
    width = max(map(len, space.parameters))
    return [f"  {name:<{width}}  {in_words(parameter)}" for name, parameter in space.parameters.items()]


def point_lines(points: Iterable[Mapping[str, Any]]) -> list[str]:
    """Each point as YAML would list it, numbers in six digits."""
    lines = []
    for point in points:
        for index, (name, value) in enumerate(point.items()):
            written = f"{value:.6g}" if isinstance(value, float) else _value(value)
            lines.append(f"{' ' if index else '-'} {name}: {written}")
    return lines


def in_words(parameter: Parameter) -> str:
    """Such as ``0.001 to 1, log scale, if training.optimizer is sgd``."""
    if isinstance(parameter, Choice):
        what = _either(parameter.values)
    else:
        step = f" in steps of {parameter.step:g}" if parameter.step is not None else ""
        what = f"{parameter.low:g} to {parameter.high:g}{step}{', log scale' if parameter.log else ''}"
    when = (
        f"{name} is {_either(wanted if isinstance(wanted, list) else [wanted])}"
        for name, wanted in parameter.when.items()
    )
    conditions = " and ".join(when)
    return f"{what}, if {conditions}" if conditions else what


def _either(values: Sequence[Any]) -> str:
    names = [_value(value) for value in values]
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else shown(value)

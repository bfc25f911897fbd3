"""What a parameter of a space may be: a range of numbers or a choice."""

from __future__ import annotations

import itertools
from decimal import Decimal
from math import isfinite
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from sparsetune.config.base import Model
from sparsetune.config.errors import shown


class Numeric(Model):
    """A range with both ends included."""

    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)
    log: bool = False
    step: float | None = None
    when: dict[str, Any] = {}

    @model_validator(mode="after")
    def _ordered(self) -> Numeric:
        if self.low >= self.high:
            raise ValueError(f"found [{self.low}, {self.high}], allowed: the lower end first")
        if self.log and self.low <= 0:
            raise ValueError(f"found [{self.low}, {self.high}], allowed with log: a lower end above 0")
        if self.step is not None and self.step <= 0:
            raise ValueError(f"found step {self.step}, allowed: above 0")
        if self.step is not None and self.log:
            raise ValueError("found log and step, allowed: one of them")
        rest = 0 if self.step is None else (_decimal(self.high) - _decimal(self.low)) % _decimal(self.step)
        if rest:
            reached = _decimal(self.high) - rest
            hint = f", such as {reached}" if reached > _decimal(self.low) else ""
            raise ValueError(
                f"found [{self.low}, {self.high}] with step {self.step}, allowed: an upper end that steps reach{hint}"
            )
        return self

    @property
    def ends(self) -> tuple[Any, ...]:
        return (self.low, self.high)

    def has(self, value: Any) -> bool:
        """Whether the value can be drawn."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        return self.step is None or not (_decimal(value) - _decimal(self.low)) % _decimal(self.step)


class Float(Numeric):
    """``{float: [0.1, 0.9]}``, with ``log: true`` or ``step: 0.1``."""

    kind: Literal["float"] = "float"


class Int(Numeric):
    """``{int: [1, 8]}``, with ``log: true`` or ``step: 2``."""

    kind: Literal["int"] = "int"
    low: int
    high: int
    step: int | None = None

    def has(self, value: Any) -> bool:
        return isinstance(value, int) and super().has(value)


class Choice(Model):
    """``{choice: [sgd, adam]}``."""

    kind: Literal["choice"] = "choice"
    values: tuple[Any, ...]
    when: dict[str, Any] = {}

    @field_validator("values")
    @classmethod
    def _distinct(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if not values:
            raise ValueError("at least one value is wanted")
        for value in values:
            if not isinstance(value, str | int | float | None) or (isinstance(value, float) and not isfinite(value)):
                raise ValueError(f"found {shown(value)}, allowed: text, finite numbers, true, false and null")
        for first, second in itertools.combinations(values, 2):
            if first == second:  # 1, 1.0 and true are equal, and one of them when read back
                raise ValueError(f"found {shown(first)} and {shown(second)}, allowed: each value once")
        return values

    @property
    def ends(self) -> tuple[Any, ...]:
        return self.values

    def has(self, value: Any) -> bool:
        """Whether the value can be drawn."""
        return value in self.values


Parameter = Float | Int | Choice


def _decimal(value: float) -> Decimal:
    return Decimal(str(value))

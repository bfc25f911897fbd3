"""What a rule of a space may be: drawn (a range of numbers, a choice), crossed (a factor), or determined."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from sparsetune.base.errors import BadInput, shown
from sparsetune.config.base import Model
from sparsetune.config.space.conditions import interval, listed, matches
from sparsetune.config.space.expressions import Expression, parse


class _Rule(Model):
    """What a space says of one field of the trial config.

    Attributes:
        target: the dotted name of that field; the rule has its own name only where a field has several.
        when: with which values of other fields the rule holds.
    """

    target: str = ""
    when: dict[str, Any] = {}


class Numeric(_Rule):
    """A range with both ends included."""

    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)
    log: bool = False
    step: float | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Numeric:
        if self.low >= self.high:
            raise BadInput(found=f"[{self.low}, {self.high}]", allowed="the lower end first")
        if self.log and self.low <= 0:
            raise BadInput(found=f"[{self.low}, {self.high}] with log", allowed="a lower end above 0")
        if self.step is not None and self.step <= 0:
            raise BadInput(found=f"step {self.step}", allowed="above 0")
        if self.step is not None and self.log:
            raise BadInput(found="log and step", allowed="one of them", code="conflict")
        rest = 0 if self.step is None else (_decimal(self.high) - _decimal(self.low)) % _decimal(self.step)
        if rest:
            reached = _decimal(self.high) - rest
            hint = f", such as {reached}" if reached > _decimal(self.low) else ""
            ends = f"[{self.low}, {self.high}]"
            raise BadInput(found=f"{ends} with step {self.step}", allowed=f"an upper end that steps reach{hint}")
        return self

    @property
    def ends(self) -> tuple[Any, ...]:
        return (self.low, self.high)

    def has(self, value: Any) -> bool:
        """Whether the value can be drawn."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        return self.step is None or not (_decimal(value) - _decimal(self.low)) % _decimal(self.step)

    def reach(self, wanted: Any) -> tuple[Any, ...]:
        """What a condition wants and what can be drawn: all it names, or the lowest and highest in its bounds."""
        if not isinstance(wanted, Mapping):
            return tuple(value for value in listed(wanted) if self.has(value))
        low, high = interval(wanted)
        low, high = max(low, self.low), min(high, self.high)
        if self.step is not None and low <= high:
            low, high = self._on_step(low, ROUND_CEILING), self._on_step(high, ROUND_FLOOR)
        return tuple(dict.fromkeys((low, high))) if low <= high else ()

    def as_written(self, value: Any) -> Any:
        """A drawn value in the digits of the file: 0.3, where three steps of 0.1 add up to 0.30000000000000004."""
        return value

    def _on_step(self, value: float, rounding: str) -> float:
        steps = ((_decimal(value) - _decimal(self.low)) / _decimal(self.step or 1)).to_integral_value(rounding)
        return float(_decimal(self.low) + steps * _decimal(self.step or 1))


class Float(Numeric):
    """``{float: [0.1, 0.9]}``, with ``log: true`` or ``step: 0.1``."""

    kind: Literal["float"] = "float"

    def as_written(self, value: Any) -> Any:
        if self.step is None:
            return value
        steps = round((value - self.low) / self.step)
        return float(_decimal(self.low) + steps * _decimal(self.step))


class Int(Numeric):
    """``{int: [1, 8]}``, with ``log: true`` or ``step: 2``."""

    kind: Literal["int"] = "int"
    low: int
    high: int
    step: int | None = None

    def has(self, value: Any) -> bool:
        return isinstance(value, int) and super().has(value)

    def reach(self, wanted: Any) -> tuple[Any, ...]:
        if self.step is None and isinstance(wanted, Mapping):
            return self.model_copy(update={"step": 1}).reach(wanted)
        return tuple(map(int, super().reach(wanted)))


class Listed(_Rule):
    """Some values."""

    values: tuple[Any, ...]

    @field_validator("values")
    @classmethod
    def _distinct(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if not values:
            raise BadInput("at least one value is wanted", code="missing")
        for value in values:
            if not isinstance(value, str | int | float | None) or (
                isinstance(value, float) and not math.isfinite(value)
            ):
                raise BadInput(found=shown(value), allowed="text, finite numbers, true, false and null")
        for first, second in itertools.combinations(values, 2):
            if first == second:  # 1, 1.0 and true are equal, and one of them when read back
                raise BadInput(found=f"{shown(first)} and {shown(second)}", allowed="each value once")
        return values

    @property
    def ends(self) -> tuple[Any, ...]:
        return self.values

    def has(self, value: Any) -> bool:
        """Whether it is one of them."""
        return value in self.values

    def reach(self, wanted: Any) -> tuple[Any, ...]:
        """The values that a condition wants."""
        return tuple(value for value in self.values if matches(value, wanted))

    def as_written(self, value: Any) -> Any:
        """The value."""
        return value


class Choice(Listed):
    """``{choice: [sgd, adam]}``: one is drawn."""

    kind: Literal["choice"] = "choice"


class Factor(Listed):
    """``{factor: [32, 64]}``: a study does each with all that is drawn; never drawn itself."""

    kind: Literal["factor"] = "factor"


class Constant(_Rule):
    """``{value: 0.5}``."""

    kind: Literal["value"] = "value"
    value: Any

    def has(self, value: Any) -> bool:
        """Whether it is the value."""
        return bool(value == self.value)

    def reach(self, wanted: Any) -> tuple[Any, ...]:
        """The value, if a condition wants it."""
        return (self.value,) if matches(self.value, wanted) else ()

    def compute(self, config: Mapping[str, Any]) -> Any:
        """The value; whatever the config."""
        return self.value

    @property
    def names(self) -> tuple[str, ...]:
        """What it is computed from."""
        return ()


class Derived(_Rule):
    """``{derived: "0.1 * training.epochs"}``, over the dotted names of the trial config."""

    kind: Literal["derived"] = "derived"
    derived: str

    @field_validator("derived")
    @classmethod
    def _understood(cls, text: str) -> str:
        parse(text)
        return text

    @property
    def expression(self) -> Expression:
        return parse(self.derived)

    @property
    def names(self) -> tuple[str, ...]:
        """What it is computed from."""
        return self.expression.names

    def compute(self, config: Mapping[str, Any]) -> Any:
        """Its value, a whole number where that is what the field holds.

        Args:
            config: by dotted name; under the rule's own target the value that it replaces.

        Raises:
            ValueError: one line with the text and the place.
        """
        value, before = self.expression.value(config), config.get(self.target)
        whole = before is None or (isinstance(before, int) and not isinstance(before, bool))
        return int(value) if whole and isinstance(value, float) and value.is_integer() else value


Parameter = Float | Int | Choice
Determined = Constant | Derived
Rule = Float | Int | Choice | Factor | Constant | Derived


def _decimal(value: float) -> Decimal:
    return Decimal(str(value))

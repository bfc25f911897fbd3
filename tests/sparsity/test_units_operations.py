"""The tables of operations: what is taken for granted of each holds for torch's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sparsetune.sparsity.units.operations.elementwise import ALONE, POOLS, TOGETHER
from sparsetune.sparsity.units.walk import OPERATIONS

ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "threshold": (0.1, 0.2),
    "clamp": (-0.5, 0.5),
    "clamp_min": (-0.5,),
    "clamp_max": (0.5,),
}


def operation(name: str) -> Callable[..., Tensor]:
    return lambda *args: getattr(torch.ops.aten, name)(*args, *ARGUMENTS.get(name, ()))


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", sorted({*OPERATIONS} - {"getitem"}))
def test_there_is_such_an_operation(name: str) -> None:
    assert getattr(torch.ops.aten, name).overloads()


@pytest.mark.parametrize("name", ALONE.split())
def test_a_function_of_each_value(name: str) -> None:
    values = drawn(30)
    wanted = torch.stack([operation(name)(value) for value in values])
    torch.testing.assert_close(operation(name)(values), wanted, equal_nan=True)


def tells(change: Callable[[Tensor], Tensor], values: Tensor) -> Tensor:
    """Where the outputs change with what stands at NaN, tried with two numbers."""
    one, other = (change(values.nan_to_num(nan=number)) for number in (1e6, -1e6))
    return one != other


@pytest.mark.parametrize("name", POOLS)
def test_what_varies_spreads_through_pooling(name: str) -> None:
    dims = int(name[-2])
    values = drawn(1, 2, *[6] * dims)
    values[(0, 0, *[2] * dims)] = torch.nan

    def pool(each: Tensor) -> Tensor:
        size = [3] * dims
        return operation(name)(each, size) if "adaptive" in name else operation(name)(each, size, [2] * dims)

    varies = tells(pool, values)
    assert varies.any()
    assert not varies.all()
    assert (pool(values).isnan() | ~varies).all()
    assert not pool(values)[:, 1].isnan().any()


@pytest.mark.parametrize("name", TOGETHER.split())
@pytest.mark.parametrize("constant", [0.0, -1.0, 2.0])
def test_what_varies_spreads_to_what_it_is_joined_with(name: str, constant: float) -> None:
    nan, number = torch.tensor(torch.nan), torch.tensor(constant)
    assert operation(name)(nan, number).isnan()
    assert operation(name)(number, nan).isnan()


@pytest.mark.parametrize("name", ["mean", "sum", "amax", "amin"])
def test_what_varies_spreads_to_what_is_made_of_it(name: str) -> None:
    values = drawn(2, 3, 4)
    values[0, 1, 2] = torch.nan
    assert operation(name)(values, [2]).isnan().nonzero().tolist() == [[0, 1]]


def test_batch_norm_keeps_channels_apart() -> None:
    values = drawn(2, 3, 4)
    values[0, 1, 2] = torch.nan
    outputs = nn.BatchNorm1d(3).double().eval()(values)
    assert outputs.isnan().nonzero().tolist() == [[0, 1, 2]]

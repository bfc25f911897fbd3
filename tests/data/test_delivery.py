"""Batches: the samples that were asked for, in their order, wherever they lie."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sparsetune.data.dataset import Dataset, Split
from sparsetune.data.delivery import ahead, batches, delivered, streamed
from sparsetune.data.scaling import Scaling

CPU = torch.device("cpu")
STORE = torch.arange(23 * 6, dtype=torch.uint8).view(23, 1, 2, 3)
ROWS = torch.tensor([20, 3, 7, 11, 0, 22, 4])
TARGETS = torch.tensor([0, 1, 2, 0, 1, 2, 0])
SPLIT = Split(STORE, ROWS, TARGETS, Scaling(100.0, 2.0))
Batches = list[tuple[Tensor, Tensor]]


def by_stream(split: Split, size: int, order: Tensor | None = None) -> Batches:
    """The way of :func:`batches` where the samples are not on the training device."""
    rows, targets = (part if order is None else part[order] for part in (split.rows, split.targets))
    values = streamed(split.store, rows.split(size), CPU)
    return [(split.prepared(each), labels) for each, labels in zip(values, targets.split(size), strict=True)]


@pytest.mark.parametrize("deliver", [lambda *how: list(batches(*how)), by_stream], ids=["resident", "streamed"])
@pytest.mark.parametrize("order", [None, torch.tensor([6, 0, 5, 1, 4, 2, 3]), torch.tensor([2, 2])])
@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_every_sample_once_in_order(deliver: Callable[..., Batches], order: Tensor | None, size: int) -> None:
    wanted = torch.arange(7) if order is None else order
    found = deliver(SPLIT, size, order)
    assert [len(targets) for _, targets in found] == [len(part) for part in wanted.split(size)]
    inputs, targets = (torch.cat(parts) for parts in zip(*found, strict=True))
    assert torch.equal(inputs, (STORE[ROWS[wanted]].float() - 100) / 2)
    assert torch.equal(targets, TARGETS[wanted])


def test_only_what_is_augmented_is_changed() -> None:
    mirrored = replace(SPLIT, augment=lambda values: values.flip(-1))
    ((inputs, _),) = batches(mirrored, 7)
    assert torch.equal(inputs, SPLIT.inputs.flip(-1))
    assert torch.equal(mirrored.inputs, SPLIT.inputs)


def test_little_is_fetched_ahead() -> None:
    """At most as many as asked for are begun and not yet taken, however long whoever takes them needs."""
    begun: list[int] = []
    results = ahead(lambda item: begun.append(item) or item, range(100), threads=4, depth=5)
    assert begun == []
    for taken, result in enumerate(results):
        assert result == taken
        assert len(begun) <= taken + 1 + 5
    assert sorted(begun) == list(range(100))


def test_items_are_made_only_when_there_is_room() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(50):
            made.append(number)
            yield number

    results = ahead(abs, items(), threads=2, depth=3)
    next(results)
    assert len(made) == 4
    results.close()  # type: ignore[attr-defined]
    assert len(made) == 4


def test_an_error_comes_where_its_result_would_have_come() -> None:
    def work(item: int) -> int:
        if item == 3:
            raise OSError("gone")
        return item

    numbers = ahead(work, range(10), threads=2, depth=4)
    assert [next(numbers) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(OSError, match="gone"):
        next(numbers)
    results = streamed(STORE, [torch.tensor([1]), torch.tensor([99])], CPU)
    assert torch.equal(next(results), STORE[1:2])
    with pytest.raises(IndexError):
        next(results)


def test_no_thread_is_left_where_taking_stops() -> None:
    before = threading.active_count()
    results = streamed(STORE, ROWS.split(1), CPU)
    next(results)
    assert threading.active_count() == before + 1
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_on_a_cpu_all_is_read_where_it_lies() -> None:
    data = Dataset(SPLIT, SPLIT, SPLIT, (1, 2, 3), 3, "classification", "abc")
    there, how = delivered(data, CPU, torch.float64, share=0.0)
    assert how == "in main memory, 0.0 MB"
    assert there.train.store.data_ptr() == STORE.data_ptr()
    ((inputs, targets),) = batches(there.train, 7)
    assert (inputs.dtype, targets.dtype) == (torch.float64, torch.int64)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize(("share", "how"), [(0.5, "resident on"), (0.0, "streamed to")])
def test_on_a_gpu(share: float, how: str) -> None:
    gpu = torch.device("cuda")
    data = Dataset(SPLIT, SPLIT, SPLIT, (1, 2, 3), 3, "classification", "abc")
    there, said = delivered(data, gpu, torch.float32, share)
    assert said.startswith(how)
    assert there.train.store.device.type == ("cuda" if share else "cpu")
    order = torch.tensor([6, 0, 5, 1, 4, 2, 3], device=gpu)
    for (inputs, targets), wanted in zip(batches(there.train, 3, order), order.cpu().split(3), strict=True):
        assert inputs.is_cuda
        assert torch.equal(inputs.cpu(), SPLIT.inputs[wanted])
        assert torch.equal(targets.cpu(), TARGETS[wanted])

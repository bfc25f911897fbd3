"""A GPU's energy: what two readings mean, and that a machine without a counter is no trouble."""

import sys

import pytest
import torch

from sparsetune.measures import energy
from sparsetune.measures.machine import GpuEnergy, joules_between, read_counter


def test_two_readings_by_hand() -> None:
    """Millijoules; a driver that was restarted between them counts from 0."""
    assert joules_between(1_500, 4_000) == 2.5
    assert joules_between(4_000, 4_000) == 0
    assert joules_between(4_000, 1_500) is None
    assert joules_between(None, 4_000) is None
    assert joules_between(4_000, None) is None


def test_a_cpu_has_no_counter() -> None:
    meter = GpuEnergy(torch.device("cpu"))
    assert meter.joules() is None
    meter.start()
    assert meter.joules() is None


def test_no_such_gpu() -> None:
    assert read_counter("GPU-00000000-0000-0000-0000-000000000000") is None


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)  # an import of it fails
    energy._nvml.cache_clear()
    try:
        assert read_counter("GPU-0") is None
    finally:
        energy._nvml.cache_clear()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="wants a CUDA device")
def test_work_takes_energy() -> None:
    device = torch.device("cuda:0")
    meter = GpuEnergy(device)
    meter.start()
    if meter.joules() is None:
        pytest.skip("this GPU has no energy counter")
    values = torch.randn(4096, 4096, device=device)
    for _ in range(2000):
        values = torch.tanh(values @ values)
    found = meter.joules()
    assert found is not None
    assert found > 0

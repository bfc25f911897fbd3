"""Peaks of memory, by holding some."""

import mmap
import sys

import pytest
import torch

from sparsetune.measures.machine import device_peak_bytes, host_peak_bytes, restart_peaks

CPU = torch.device("cpu")
SIZE = 256 << 20


def hold() -> None:
    with mmap.mmap(-1, SIZE) as pages:
        for start in range(0, SIZE, mmap.PAGESIZE):
            pages[start] = 1


def test_what_was_held_and_freed_is_seen() -> None:
    restart_peaks(CPU)
    before = host_peak_bytes()
    hold()
    after = host_peak_bytes()
    assert before is not None
    assert after is not None
    assert 1 << 20 < before < 1 << 40
    assert after >= SIZE


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forgets a peak")
def test_a_peak_is_forgotten() -> None:
    hold()
    held = host_peak_bytes()
    restart_peaks(CPU)
    fresh = host_peak_bytes()
    assert held is not None
    assert fresh is not None
    assert held - fresh > SIZE // 2


def test_a_cpu_has_no_device_peak() -> None:
    assert device_peak_bytes(CPU) is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="wants a CUDA device")
def test_tensors_on_a_device() -> None:
    device = torch.device("cuda:0")
    torch.zeros(SIZE, dtype=torch.uint8, device=device)
    held = device_peak_bytes(device)
    restart_peaks(device)
    fresh = device_peak_bytes(device)
    assert held is not None
    assert fresh is not None
    assert held >= SIZE > fresh

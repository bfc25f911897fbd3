"""What a trial takes of its machine: the most memory that it held, and the energy of a GPU, from its own counter.

Without such a counter the training core's estimate remains: power x time, ``est_energy_kj``.
"""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import torch

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def restart_peaks(device: torch.device) -> None:
    """From here on the peaks are those of what follows, where the system can forget the earlier ones."""
    with suppress(OSError):  # not Linux, or a container that forbids it
        _CLEAR.write_text("5")
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def host_peak_bytes() -> int | None:
    """Most resident memory of this process, libraries and pages of mapped files included.

    On Linux since :func:`restart_peaks` (VmHWM); where the system cannot forget, since the process began, so that a
    worker's later trials show the largest so far; None where there is no such number.
    """
    with suppress(OSError):
        peak = re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
        if peak is not None:
            return int(peak[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def device_peak_bytes(device: torch.device) -> int | None:
    """Most memory that torch's tensors held on a CUDA device since :func:`restart_peaks`; None on a CPU."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


class GpuEnergy:
    """Joules that an NVIDIA GPU used since :meth:`start`, whoever used it: trials that share it each see the sum.

    Source: NVML's ``nvmlDeviceGetTotalEnergyConsumption`` (millijoules, Volta and later). Cards renew the counter some
    10 to 50 times a second, so a stretch of less than a second is measured coarsely. Nothing here raises for want of
    a counter.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._started: int | None = None

    def start(self) -> None:
        """Begin, or begin anew."""
        self._started = self._millijoules()

    def joules(self) -> float | None:
        """Since :meth:`start`; None where the device has no counter, or NVML is not installed, or refuses."""
        return joules_between(self._started, self._millijoules())

    def _millijoules(self) -> int | None:
        if self._device.type != "cuda":
            return None
        torch.cuda.synchronize(self._device)  # work that waits in the queue belongs to what came before
        uuid = torch.cuda.get_device_properties(self._device).uuid
        return read_counter(f"GPU-{uuid}")


def joules_between(before: int | None, after: int | None) -> float | None:
    """From two readings in millijoules; None where one is missing, or a driver that was restarted counts from 0."""
    if before is None or after is None or after < before:
        return None
    return (after - before) / 1e3


def read_counter(uuid: str) -> int | None:
    """Millijoules since the driver was loaded; by UUID, for CUDA and NVML number GPUs differently."""
    nvml = _nvml()
    if nvml is None:
        return None
    try:
        return int(nvml.nvmlDeviceGetTotalEnergyConsumption(nvml.nvmlDeviceGetHandleByUUID(uuid)))
    except nvml.NVMLError:
        return None


@cache
def _nvml() -> Any:
    """nvidia-ml-py, initialised once a process; None where it or the driver's library is missing."""
    try:
        import pynvml  # type: ignore[import-untyped]
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml

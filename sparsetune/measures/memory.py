"""The most memory that a trial held, on the host and on its device."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from pathlib import Path

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
        found = re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
        if found is not None:
            return int(found[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def device_peak_bytes(device: torch.device) -> int | None:
    """Most memory that torch's tensors held on a CUDA device since :func:`restart_peaks`; None on a CPU."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None

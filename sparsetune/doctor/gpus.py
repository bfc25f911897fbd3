"""GPUs: what the driver has, what torch sees of it, and why the two may differ."""

from __future__ import annotations

import os
import shutil
import subprocess
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sparsetune.base.paths import Project
from sparsetune.doctor.finding import Finding

_ASK = ("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
_NO_DEVICES = 6  # its exit code
_UNHIDE = "unset it to use them all"


@dataclass(frozen=True)
class DriverGpus:
    """What nvidia-smi says."""

    cards: Sequence[str] = ()  # with memory
    version: str = ""
    complaint: str = ""  # why it lists none, if it should


@dataclass(frozen=True)
class TorchGpus:
    """What torch says of GPUs."""

    version: str
    cuda: str | None  # what it was built for; None: a build without
    names: Sequence[str]  # with memory, of those that it sees
    complaint: str = ""  # why it sees none, in its own words


def gpus(project: Project | None) -> Iterator[Finding]:
    """The GPUs that trials can have."""
    yield gpu_finding(gpus_of_driver(), gpus_of_torch(), os.environ.get("CUDA_VISIBLE_DEVICES"))


def gpu_finding(driver: DriverGpus, torch: TorchGpus, visible: str | None) -> Finding:
    """What to say of what driver and torch have; ``visible`` is CUDA_VISIBLE_DEVICES."""
    if torch.names:
        says = f"{', '.join(torch.names)}; driver {driver.version or 'unknown'}, torch for CUDA {torch.cuda}"
        hidden = len(driver.cards) - len(torch.names)
        if hidden <= 0:
            return Finding("ok", "GPUs", says)
        return Finding("note", "GPUs", f"{says}; {hidden} more hidden by CUDA_VISIBLE_DEVICES={visible}", _UNHIDE)
    if driver.complaint:
        mend = "if this machine has GPUs: restart it after an update of the driver; give a container --gpus all"
        return Finding("note", "GPUs", f"none: trials train on the CPU. nvidia-smi: {driver.complaint}", mend)
    if not driver.cards:
        return Finding("ok", "GPUs", "none: trials train on the CPU")
    says = f"the driver ({driver.version}) has {', '.join(driver.cards)}, but torch {torch.version} sees none"
    if visible is not None:
        return Finding("note", "GPUs", f"{says}: CUDA_VISIBLE_DEVICES={visible!r} hides them", _UNHIDE)
    if torch.cuda is None:
        mend = "install a torch with CUDA: https://pytorch.org/get-started/locally has the line for this machine"
        return Finding("problem", "GPUs", f"{says}: it is a build without CUDA", mend)
    mend = f"update the driver, or install a torch for an older CUDA (this one is for {torch.cuda})"
    return Finding("problem", "GPUs", f"{says}: {torch.complaint}" if torch.complaint else says, mend)


def gpus_of_driver() -> DriverGpus:
    """What the driver has; nothing where there is none."""
    if shutil.which(_ASK[0]) is None:
        return DriverGpus()
    done = subprocess.run(_ASK, capture_output=True, text=True, timeout=10, check=False)
    if done.returncode in (0, _NO_DEVICES):
        return parse_cards(done.stdout)
    return DriverGpus(complaint=" ".join((done.stdout + done.stderr).split())[:200])


def parse_cards(text: str) -> DriverGpus:
    """``name, 81559 MiB, 550.54`` a line, as nvidia-smi writes it."""
    rows = [[cell.strip() for cell in line.split(",")] for line in text.splitlines() if line.count(",") == 2]
    return DriverGpus([f"{name} ({memory})" for name, memory, _ in rows], rows[0][2] if rows else "")


def gpus_of_torch() -> TorchGpus:
    """Imports torch, which takes a second or two."""
    import torch

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        cards = [torch.cuda.get_device_properties(index) for index in range(count)]
    complaint = " ".join(str(said[0].message).split())[:200] if said else ""
    names = [f"{card.name} ({card.total_memory / 2**30:.0f} GiB)" for card in cards]
    return TorchGpus(torch.__version__, torch.version.cuda, names, complaint)

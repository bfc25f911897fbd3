"""What decides how a training goes, but for its stages: two trainings for which this is equal may share their ends.

Where only the stages differ, the walk's own keys tell them apart (``walk/union.py``): these hold lengths and cadences,
what a method sees, rules, views, and the way there. In the key here are

- the data: the digest of samples and division, and how a config has them scaled and augmented;
- the model with the content of its weights file, and the name of the method with the content of files that it reads;
- ``training``, but for what stages and views say or what only ends a walk, and what ``metrics`` asks to be measured;
- the seed; the kind of device, its threads, and what it computes with;
- versions of torch, torchvision and numpy; the source of every room that has a part in numbers; the user's own files,
  with the modules that they have loaded, and installed packages.
"""

from __future__ import annotations

import functools
import hashlib
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sparsetune.config.base import Part, places
from sparsetune.config.own import installed_versions
from sparsetune.training.keys import digest
from sparsetune.training.setup import Setup

OF_STAGES = ("epochs", "iterations", "evaluate", "keep_row", "early_stop_patience", "keep")
"""Keys of ``training`` that a stage or a view says in other words."""
OF_NO_NUMBER = ("max_minutes", "device")
"""Those that change none: what the clock has ended is not kept, and the device is looked at itself."""

_PACKAGE = Path(__file__).resolve().parents[2]
_ROOMS = ("base", "config", "sparsity", "data", "models", "measures", "training")


def what_trains(setup: Setup, own: Sequence[str] = ()) -> str:
    """Args: own: digests of the user's own files."""
    config, method = setup.config, setup.registries.method.get(setup.config.method.name)
    model = setup.registries.model.get(config.model.name)
    training = config.training.model_dump(mode="json", exclude={*OF_STAGES, *OF_NO_NUMBER})
    return digest(
        {
            "data": [setup.data.digest, _portable(config.data)],
            "model": [_portable(config.model), model.content(config.model)],
            "method": [config.method.name, method.content(config.method)],
            "training": training,
            "metrics": config.metrics.model_dump(mode="json"),
            "seed": config.seed,
            "machine": machine(setup.session.device),
            "code": [source(), *versions(), installed_versions(), *sorted(own)],
            "beside": loaded() if own or installed_versions() else "",
        }
    )


def machine(device: torch.device) -> list[Any]:
    """What numbers may depend on to the last bit."""
    kind = torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
    return [device.type, kind, torch.get_num_threads(), torch.get_float32_matmul_precision()]


@functools.cache
def versions() -> tuple[str, ...]:
    """Of the libraries that compute, with what they were built for."""
    return torch.__version__, np.__version__, metadata.version("torchvision")


@functools.cache
def source() -> str:
    """Of the rooms that have a part in numbers, worked out once a process."""
    return _digest_of(path for room in _ROOMS for path in (_PACKAGE / room).rglob("*.py"))


def loaded() -> str:
    """Of the modules in this process that no package manager has installed: what own files may have imported."""
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    paths = {Path(file).absolute() for file in files if file}
    elsewhere = [_PACKAGE, *map(Path, {sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})]
    return _digest_of(each for each in paths if each.is_file() and not any(map(each.is_relative_to, elsewhere)))


def _digest_of(paths: Iterable[Path]) -> str:
    sha = hashlib.sha256()
    for path in sorted(paths):
        sha.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()};".encode())
    return sha.hexdigest()


def _portable(part: Part) -> dict[str, Any]:
    """Without where things lie on this machine."""
    return part.model_dump(mode="json", exclude={*places(part)})

"""What do lottery tickets cost on a GPU? Conv-2 on CIFAR-10 as published, 3 levels and the dense one: seconds a level.

    python benchmarks/lottery_gpu.py cifar10_imagefolder.tar.gz [--levels 3] [--iterations 20000]

The archive holds train/<class>/*.jpg (50,000) and test/<class>/*.jpg (10,000); the variable CIFAR10_IMAGEFOLDER may
name it too, or the folder that it unpacks to (of fewer images, to try it on a CPU). Adam 2e-4, batches of 60, p = 0.1
of convolutions and 0.2 of linear layers (output 0.1), evaluated every 100 iterations on a tenth of the training images.

Training has its evaluations in it; measuring is what comes after a level: its best and last state on validation and
test data. What counts is a level's training over that of the dense one. A short training before it warms up.
"""

from __future__ import annotations

import argparse
import os
import tarfile
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import torch

from sparsetune.base.paths import CACHE
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.data.folder import Folder, FolderConfig
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

VARIABLE = "CIFAR10_IMAGEFOLDER"
WARM_UP = 50  # iterations


def published(images: Path, *, levels: int, iterations: int, device: str) -> TrialConfig:
    raw = {
        "method": {"name": "lottery", "levels": levels, "prune_fraction": 0.2, "conv_prune_fraction": 0.1},
        "data": {
            "name": "folder", "train_dir": str(images / "train"), "test_dir": str(images / "test"), "val_size": 0.1,
            "augment": "none",
        },
        "model": {"name": "conv2", "init": "glorot"},
        "training": {
            "iterations": iterations, "evaluate": "100it", "batch_size": 60, "optimizer": "adam", "lr": 2e-4,
            "device": device,
        },
    }  # fmt: skip
    return resolve_trial(raw, REGISTRIES)


def trained(config: TrialConfig) -> tuple[Trainer, dict[str, float], dict[str, float]]:
    """The trainer at its end, and by stage the seconds of training and of measuring."""
    trainer = Trainer(config)
    training: defaultdict[str, float] = defaultdict(float)
    measuring: defaultdict[str, float] = defaultdict(float)
    started = time.perf_counter()
    while trainer.go_on():  # it stops at numbers, so the device has done all before them
        training[trainer.node.path] += time.perf_counter() - started
        started = time.perf_counter()
        for due in trainer.due:
            trainer.measure(due)
        measuring[trainer.node.path] += time.perf_counter() - started
        started = time.perf_counter()
    return trainer, training, measuring


def report(config: TrialConfig) -> None:
    iterations = config.training.length.count
    trainer, training, measuring = trained(config)
    print("level     left   training, s  over dense  iterations/s  measuring, s   test accuracy  at iteration")
    of_levels = [each for each in trainer.results.of_run("") if each.which == "best"]
    for level, result in enumerate(of_levels):
        seconds, numbers = training[result.stage], result.metrics
        print(
            f"{level:5}  {numbers['density']:6.1%}  {seconds:12.1f}  {seconds / training['level 0']:10.3f}  "
            f"{iterations / seconds:12.0f}  {measuring[result.stage]:12.2f}  {numbers['test_accuracy']:14.1%}  "
            f"{numbers['best_iteration']:12.0f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="?", type=Path, default=os.environ.get(VARIABLE))
    parser.add_argument("--levels", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=20_000)
    parser.add_argument("--device", default="cuda", help="cpu: only to see that it runs")
    options = parser.parse_args()
    if options.images is None:
        parser.error(f"name the archive, here or with {VARIABLE}")
    if options.device == "cuda" and not torch.cuda.is_available():
        print("no GPU here: torch sees no CUDA device, so there is nothing to measure")
        return
    with tempfile.TemporaryDirectory() as place:
        images = options.images
        os.environ[CACHE] = f"{place}/cache"
        if images.is_file():
            with tarfile.open(images) as archive:
                archive.extractall(place, filter="data")
            images = Path(place)
        config = published(images, levels=options.levels, iterations=options.iterations, device=options.device)
        assert isinstance(config.data, FolderConfig)
        Folder.prepare(config.data, lambda done, of: None)
        name = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
        print(f"{name}, torch {torch.__version__}; Conv-2, batch 60, {options.iterations} iterations a level\n")
        trained(published(images, levels=1, iterations=WARM_UP, device=options.device))
        report(config)


if __name__ == "__main__":
    main()

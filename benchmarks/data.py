"""What do data cost? CIFAR-10 as 60,000 JPEG files in folders: decoded once, started again, delivered, shared.

    python benchmarks/data.py cifar10_imagefolder.tar.gz

The archive holds train/<class>/*.jpg (50,000) and test/<class>/*.jpg (10,000); the variable CIFAR10_IMAGEFOLDER may
name it too. Everything happens in a temporary folder.

- first start: both folders listed, decoded and stored; with and without the seconds of the processor, which tell more
  where the machine has other work;
- second start, in a new process: listed, found in the cache, mapped, divided and scaled (aim: below 1 s);
- delivery: an epoch of batches alone, as a share of an epoch of conv2 that trains on them (aim: at most 5 %);
- against torchvision: images a second from the second epoch on, ImageFolder + ToTensor + Normalize + DataLoader with 2
  workers beside ours, which takes turns with it (aim: at least 10 times);
- shared: four processes map the same data; the sum of their proportional set sizes by the size of the data (aim: at
  most 1.1).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from sparsetune.base.paths import CACHE
from sparsetune.config.trial import resolve_trial
from sparsetune.data import store
from sparsetune.data.dataset import Dataset
from sparsetune.data.delivery import batches
from sparsetune.data.folder import Folder, FolderConfig
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

VARIABLE = "CIFAR10_IMAGEFOLDER"
BATCH, WORKERS, EPOCHS = 128, 2, 4

SECOND_START = """
import sys, time
from pathlib import Path
from sparsetune.data.folder import Folder, FolderConfig
started = time.perf_counter(), time.process_time()
config = Folder.locate(FolderConfig(train_dir=sys.argv[1], test_dir=sys.argv[2]), Path("/"))
Folder.prepare(config, lambda done, of: None)
data = Folder.load(config)
print(time.perf_counter() - started[0], time.process_time() - started[1], data.digest)
"""

SHARED = """
import sys
from pathlib import Path
from sparsetune.data.folder import Folder, FolderConfig
data = Folder.load(FolderConfig(train_dir=sys.argv[1], test_dir=sys.argv[2]))
for said in ("loaded", "touched"):
    print(said, flush=True)
    sys.stdin.readline()
    for split in data.splits:
        split.store.sum()
total, ours = 0, False
for line in Path("/proc/self/smaps").read_text().splitlines():
    if "-" in line.split()[0]:
        ours = line.endswith(".npy")
    elif ours and line.startswith("Pss:"):
        total += int(line.split()[1]) * 1024
print(total, flush=True)
sys.stdin.readline()
"""
# each step waits for all: pages that no process touches for a while may be taken from them


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("archive", nargs="?", type=Path, default=os.environ.get(VARIABLE))
    archive = parser.parse_args().archive
    if archive is None:
        parser.error(f"name the archive, here or with {VARIABLE}")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        os.environ[CACHE] = str(root / "cache")
        with tarfile.open(archive) as opened:
            opened.extractall(root, filter="data")
        config = FolderConfig(train_dir=str(root / "train"), test_dir=str(root / "test"), augment="none")
        first_start(config)
        second_start(config)
        data = Folder.load(config)
        against_torchvision(config, data)
        share_of_an_epoch(config)
        shared(config)


def first_start(config: FolderConfig) -> None:
    with timed() as spent:
        Folder.prepare(config, lambda done, of: None)
    size = sum(entry.nbytes for entry in store.everything())
    count = sum(entry.meta["samples"] for entry in store.everything())
    print(f"first start: {count:,} images, {size / 1e6:.0f} MB, in {spent[0]:.2f} s ({spent[1]:.2f} s of processor)")


def second_start(config: FolderConfig) -> None:
    """The best of three: what is slower than that is the machine's other work."""
    words = [sys.executable, "-c", SECOND_START, config.train_dir, str(config.test_dir)]
    said = [subprocess.run(words, capture_output=True, text=True, check=True).stdout.split() for _ in range(3)]
    wall, processor, _ = min(said, key=lambda each: float(each[0]))
    print(f"second start: {float(wall):.2f} s ({float(processor):.2f} s of processor), aim: below 1 s")


def against_torchvision(config: FolderConfig, data: Dataset) -> None:
    mean, std = (
        part.flatten().div(255).tolist()  # type: ignore[union-attr]
        for part in (data.train.scaling.shift, data.train.scaling.scale)
    )
    steps = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])
    theirs: DataLoader[tuple[torch.Tensor, torch.Tensor]] = DataLoader(
        ImageFolder(config.train_dir, steps), BATCH, shuffle=True, num_workers=WORKERS, persistent_workers=True
    )
    rates: dict[str, list[float]] = {"theirs": [], "ours": []}
    for _ in range(EPOCHS):
        with timed() as spent:
            count = sum(len(targets) for _, targets in theirs)
        rates["theirs"].append(count / spent[0])
        rates["ours"].append(delivered(data))
    ours, others = (sum(rates[name][1:]) / (EPOCHS - 1) for name in ("ours", "theirs"))
    print(
        f"images a second, epochs 2 to {EPOCHS}: {ours:,.0f} of ours, {others:,.0f} of ImageFolder + DataLoader with "
        f"{WORKERS} workers: {ours / others:.0f} times as many, aim: 10"
    )


def delivered(data: Dataset) -> float:
    """Images a second of one epoch of batches, in this thread."""
    with timed() as spent:
        count = sum(len(targets) for _, targets in batches(data.train, BATCH, torch.randperm(len(data.train))))
    return count / spent[0]


def share_of_an_epoch(config: FolderConfig) -> None:
    """On a part of the images: conv2 needs minutes for all on a CPU, and the share is the same."""
    small = {**config.model_dump(mode="json"), "num_train": 5_000, "val_size": 1_000}
    training = {"epochs": 3, "batch_size": BATCH, "device": "cpu"}
    raw = {"method": "dense", "data": small, "model": "conv2", "training": training, "seed": 0}
    trainer = Trainer(resolve_trial(raw, REGISTRIES))
    next(trainer)
    alone, whole = [], []
    for _ in range(2):
        with timed() as spent:
            next(trainer)
        whole.append(spent[1])
        with timed() as spent:
            for split in (trainer.data.train, trainer.data.val):
                for _ in batches(split, BATCH, torch.randperm(len(split))):
                    pass
        alone.append(spent[1])
    share = sum(alone) / sum(whole)
    print(f"delivery: {sum(alone) / 2:.3f} s of the {sum(whole) / 2:.2f} s of an epoch of conv2: {share:.2%}, aim: 5 %")


def shared(config: FolderConfig) -> None:
    words = [sys.executable, "-c", SHARED, config.train_dir, str(config.test_dir)]
    workers = [
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) for _ in range(4)
    ]
    assert {answer(worker) for worker in workers} == {"loaded"}
    for _ in range(2):
        for worker in workers:
            tell(worker)
        answers = [answer(worker) for worker in workers]
    total = sum(map(int, answers))
    for worker in workers:
        worker.communicate("\n")
    size = sum(entry.nbytes for entry in store.everything())
    print(f"shared: 4 processes hold {total / 1e6:.0f} MB of {size / 1e6:.0f} MB: {total / size:.3f}, aim: at most 1.1")


def tell(worker: subprocess.Popen[str]) -> None:
    assert worker.stdin is not None
    worker.stdin.write("\n")


def answer(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    return worker.stdout.readline().strip()


@contextmanager
def timed() -> Iterator[list[float]]:
    """Afterwards: seconds by the clock, and of this process."""
    spent: list[float] = []
    started = time.perf_counter(), time.process_time()
    yield spent
    spent += [time.perf_counter() - started[0], time.process_time() - started[1]]


if __name__ == "__main__":
    main()

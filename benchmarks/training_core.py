"""What does the training core cost? An epoch of LeNet-300-100 on MNIST, batch 60, Adam, one thread, three ways.

    SPARSETUNE_DATA=/folder/with/MNIST python benchmarks/training_core.py [--epochs 7]

- sparsetune: the Trainer with method `dense`;
- hand-written: a loop over tensors in memory, as one would write it for this one task, with nothing that could go;
- per sample: torchvision's MNIST with ToTensor and Normalize on PIL images, in a DataLoader.

Same network, fused Adam, split into 55,000 and 5,000 images, and the same work in each epoch: every training image once
in a random order; mean loss and accuracy of training, as predicted before each step, and of the validation images. The
first two start from the same weights and draw the same orders, so they must end with the same weights, bit for bit;
this is checked. The ways take turns, whole epoch by whole epoch, and the first epoch of each only warms up.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Subset
from torchvision import transforms
from torchvision.datasets import MNIST

from sparsetune.config.seeds import mix
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.training.data import load_dataset
from sparsetune.training.data.dataset import Dataset
from sparsetune.training.data.mnist import FILES, VAL_SAMPLES, MnistConfig
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

BATCH, LR, SEED = 60, 1e-3, 0
TARGET_HAND, TARGET_SAMPLE = 1.05, 5.0

Batches = Iterable[tuple[Tensor, Tensor]]
Epoch = tuple[dict[str, float], nn.Module]  # what it measured, and the network as it then is


def config(epochs: int) -> TrialConfig:
    training = {"epochs": epochs, "batch_size": BATCH, "lr": LR, "optimizer": "adam", "device": "cpu"}
    model = {"name": "mlp", "hidden": [300, 100]}
    raw = {"method": "dense", "data": "mnist", "model": model, "training": training, "seed": SEED}
    found = resolve_trial(raw, REGISTRIES)
    located = REGISTRIES.data.get("mnist").locate(found.data, Path(tempfile.gettempdir()))
    return found.model_copy(update={"data": located})


def sparsetune(settings: TrialConfig) -> Iterator[Epoch]:
    trainer = Trainer(settings)
    for row in trainer:
        yield row.metrics, trainer.network


def network_and_optimizer() -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(mix(SEED, 0))
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10)
    )
    return network, torch.optim.Adam(network.parameters(), LR, fused=True)


def fit(network: nn.Module, optimizer: torch.optim.Optimizer, batches: Batches) -> tuple[float, float]:
    """One epoch: mean loss and accuracy, which are measured at once when all outputs are there."""
    network.train()
    outputs, targets = [], []
    for x, y in batches:
        predicted = network(x)
        loss = cross_entropy(predicted, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        outputs.append(predicted.detach())
        targets.append(y)
    return measure(outputs, targets)


@torch.inference_mode()
def test(network: nn.Module, batches: Batches) -> tuple[float, float]:
    network.eval()
    outputs, targets = [], []
    for x, y in batches:
        outputs.append(network(x))
        targets.append(y)
    return measure(outputs, targets)


def measure(outputs: list[Tensor], targets: list[Tensor]) -> tuple[float, float]:
    predicted, wanted = torch.cat(outputs), torch.cat(targets)
    return cross_entropy(predicted, wanted).item(), (predicted.argmax(1) == wanted).double().mean().item()


def named(trained: tuple[float, float], validated: tuple[float, float]) -> dict[str, float]:
    return dict(zip(("train_loss", "train_accuracy", "val_loss", "val_accuracy"), trained + validated, strict=True))


def hand_written(data: Dataset, epochs: int) -> Iterator[Epoch]:
    network, optimizer = network_and_optimizer()
    x, y = data.train.inputs, data.train.targets
    for epoch in range(epochs):
        torch.manual_seed(mix(SEED, epoch + 1))
        order = torch.randperm(len(y)).split(BATCH)
        trained = fit(network, optimizer, ((x.index_select(0, part), y.index_select(0, part)) for part in order))
        yield named(trained, test(network, [(data.val.inputs, data.val.targets)])), network


def per_sample(root: Path, mean: float, std: float, epochs: int) -> Iterator[Epoch]:
    network, optimizer = network_and_optimizer()
    pipeline = transforms.Compose([transforms.ToTensor(), transforms.Normalize((mean / 255,), (std / 255,))])
    images = MNIST(str(root), transform=pipeline)
    order = np.random.RandomState(MnistConfig().seed).permutation(len(images))
    training = DataLoader(Subset(images, order[VAL_SAMPLES:].tolist()), BATCH, shuffle=True)
    validation = DataLoader(Subset(images, order[:VAL_SAMPLES].tolist()), 1000)
    for _ in range(epochs):
        yield named(fit(network, optimizer, training), test(network, validation)), network


def unpacked(source: Path, target: Path) -> Path:
    """A root that torchvision reads: the four files without .gz."""
    raw = target / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in FILES:
        found = source / "MNIST" / "raw" / name
        packed = found.with_name(f"{name}.gz")
        (raw / name).write_bytes(found.read_bytes() if found.exists() else gzip.decompress(packed.read_bytes()))
    return target


def run(epochs: int, folder: Path) -> dict[str, list[float]]:
    """Seconds of each epoch but the first, by way."""
    settings = config(epochs)
    assert isinstance(settings.data, MnistConfig)
    data = load_dataset(settings.data, torch.device("cpu"), torch.float32)
    root = unpacked(Path(str(settings.data.root)), folder)
    scale = (MNIST(str(root)).data[np.random.RandomState(0).permutation(60_000)[VAL_SAMPLES:]]).double()
    ways = {
        "sparsetune": sparsetune(settings),
        "hand-written": hand_written(data, epochs),
        "per sample": per_sample(root, scale.mean().item(), scale.std().item(), epochs),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for epoch in range(epochs):
        found = {}
        for name, way in ways.items():
            started = time.perf_counter()
            found[name] = next(way)
            took = time.perf_counter() - started
            if epoch:
                seconds[name].append(took)
        compare(epoch, found)
    return seconds


def compare(epoch: int, found: dict[str, Epoch]) -> None:
    """The numbers of an epoch; ends this benchmark if the first two ways did not do the same."""
    for name, (metrics, _) in found.items():
        print(f"{epoch + 1}: {name:13}", *(f"{key} {metrics[key]:.4f}" for key in ("train_loss", "val_accuracy")))
    (ours, network), (theirs, other) = found["sparsetune"], found["hand-written"]
    same = all(map(torch.equal, network.state_dict().values(), other.state_dict().values()))
    if not same or any(abs(ours[name] - value) > 1e-6 for name, value in theirs.items()):
        raise SystemExit("sparsetune and the hand-written loop trained differently")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--epochs", type=int, default=7)
    given = options.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="training-core-") as folder:
        seconds = run(given.epochs, Path(folder))
    print("weights and losses of sparsetune and of the hand-written loop: the same after each epoch\n")
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    for name, each in seconds.items():
        print(f"{name:13} {medians[name]:6.3f} s an epoch  (of {', '.join(f'{took:.3f}' for took in each)})")
    hand, sample = (medians["sparsetune"] / medians[way] for way in ("hand-written", "per sample"))
    print(f"sparsetune / hand-written: {hand:.3f} (wanted: at most {TARGET_HAND})")
    print(f"per sample / sparsetune:   {1 / sample:.1f} (wanted: at least {TARGET_SAMPLE:g})")


if __name__ == "__main__":
    main()

"""What does the training core cost? An epoch of LeNet-300-100 on MNIST, batch 60, Adam, one thread, five ways.

    SPARSETUNE_DATA=/folder/with/MNIST python benchmarks/training_core.py [--epochs 6]

- sparsetune: the Trainer with method `dense`;
- hand-written: a loop over tensors in memory, as an expert would write it for this one task: nothing that could go, and
  numbers below 1.2e-38 as zero, for squares of small gradients fall that low and processors are slow with them;
- hand-written, plain: the same without that;
- per sample: torchvision's MNIST in a DataLoader, with ToTensor and Normalize on each PIL image;
- per sample, v2: the same with the transforms that torchvision recommends today, ToImage, ToDtype and Normalize.

Same network, fused Adam, split into 55,000 and 5,000 images, and the same work in each epoch: every training image once
in a random order; mean loss and accuracy of training, as predicted before each step, and of the validation images. The
first three start from the same weights and draw the same orders, so after each epoch they must have the same weights,
bit for bit; this is checked. The ways take turns, whole epoch by whole epoch, to and fro; the first one only warms up.
Beside the seconds stand those of the processor: one thread that waits for nothing needs as many, and where the machine
has other work they tell more.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Subset
from torchvision import transforms
from torchvision.datasets import MNIST
from torchvision.transforms import v2

from sparsetune.base.seeds import mix
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.data import load_dataset
from sparsetune.data.dataset import Dataset
from sparsetune.data.idx_images import FILES
from sparsetune.data.mnist import Mnist, MnistConfig
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

BATCH, LR, SEED = 60, 1e-3, 0

Batches = Iterable[tuple[Tensor, Tensor]]
Transform = Callable[[Any], Tensor]
Seconds = tuple[float, float]  # by the clock, and of the processor
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


def hand_written(data: Dataset, epochs: int, *, flush: bool) -> Iterator[Epoch]:
    network, optimizer = network_and_optimizer()
    x, y = data.train.inputs, data.train.targets
    for epoch in range(epochs):
        torch.set_flush_denormal(flush)
        torch.manual_seed(mix(SEED, epoch + 1))
        order = torch.randperm(len(y)).split(BATCH)
        trained = fit(network, optimizer, ((x.index_select(0, part), y.index_select(0, part)) for part in order))
        validated = test(network, [(data.val.inputs, data.val.targets)])
        torch.set_flush_denormal(False)
        yield named(trained, validated), network


def per_sample(root: Path, pipeline: Transform, epochs: int) -> Iterator[Epoch]:
    network, optimizer = network_and_optimizer()
    images = MNIST(str(root), transform=pipeline)
    val, train = positions()
    training = DataLoader(Subset(images, train), BATCH, shuffle=True)
    validation = DataLoader(Subset(images, val), 1000)
    for _ in range(epochs):
        yield named(fit(network, optimizer, training), test(network, validation)), network


def pipelines(root: Path) -> dict[str, Transform]:
    """Both give what SparseTune trains on: images with the training split's mean 0 and deviation 1."""
    pixels = MNIST(str(root)).data[positions()[1]] / 255
    mean, std = [pixels.mean().item()], [pixels.std().item()]
    return {
        "per sample": transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)]),
        "per sample, v2": v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std)]),
    }


def positions() -> tuple[list[int], list[int]]:
    """Of the validation and training images, as SparseTune draws them."""
    settings = MnistConfig()
    order = np.random.RandomState(settings.seed).permutation(Mnist.sizes["train"]).tolist()
    held_out = int(settings.val_size)
    return order[:held_out], order[held_out:]


def unpacked(source: Path, target: Path) -> Path:
    """A root that torchvision reads: the four files without .gz."""
    raw = target / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in FILES:
        found = source / "MNIST" / "raw" / name
        packed = found.with_name(f"{name}.gz")
        (raw / name).write_bytes(found.read_bytes() if found.exists() else gzip.decompress(packed.read_bytes()))
    return target


def run(epochs: int, folder: Path) -> dict[str, list[Seconds]]:
    """What each epoch but the first took, by way."""
    settings = config(epochs)
    assert isinstance(settings.data, MnistConfig)
    data = load_dataset(settings.data)
    root = unpacked(Path(str(settings.data.root)), folder)
    ways = {
        "sparsetune": sparsetune(settings),
        "hand-written": hand_written(data, epochs, flush=True),
        "hand-written, plain": hand_written(data, epochs, flush=False),
    }
    ways |= {name: per_sample(root, pipeline, epochs) for name, pipeline in pipelines(root).items()}
    took: dict[str, list[Seconds]] = {name: [] for name in ways}
    for epoch in range(epochs):
        found = {}
        for name, way in list(ways.items())[:: 1 if epoch % 2 else -1]:
            started, worked = time.perf_counter(), time.process_time()
            found[name] = next(way)
            took[name].append((time.perf_counter() - started, time.process_time() - worked))
        compare(epoch, found)
    return {name: each[1:] for name, each in took.items()}


def compare(epoch: int, found: dict[str, Epoch]) -> None:
    """The numbers of an epoch; ends this benchmark if those that should train alike did not."""
    for name, (metrics, _) in found.items():
        print(f"{epoch + 1}: {name:20}", *(f"{key} {metrics[key]:.4f}" for key in ("train_loss", "val_accuracy")))
    metrics, network = found["sparsetune"]
    for name in ("hand-written", "hand-written, plain"):
        others, other = found[name]
        same = all(map(torch.equal, network.state_dict().values(), other.state_dict().values()))
        if not same or any(abs(metrics[key] - value) > 1e-6 for key, value in others.items()):
            raise SystemExit(f"sparsetune and {name} trained differently")


def show(what: str, above: tuple[float, ...], below: tuple[float, ...], wanted: str = "") -> None:
    clock, processor = (first / second for first, second in zip(above, below, strict=True))
    print(f"{what:33}{clock:7.2f}{processor:11.2f}   {wanted and 'wanted: '}{wanted}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--epochs", type=int, default=6)
    given = options.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="training-core-") as folder:
        took = run(given.epochs, Path(folder))
    print("weights and losses of sparsetune and of the hand-written loops: the same after each epoch\n")
    medians = {name: tuple(map(statistics.median, zip(*each, strict=True))) for name, each in took.items()}
    print(f"{'seconds an epoch':20}{'median':>8}{'processor':>11}   of")
    for name, (clock, processor) in medians.items():
        print(f"{name:20}{clock:8.3f}{processor:11.3f}  ", ", ".join(f"{each:.3f}" for each, _ in took[name]))
    ours = medians["sparsetune"]
    print(f"\n{'ratio':33}{'clock':>7}{'processor':>11}")
    show("sparsetune / hand-written", ours, medians["hand-written"], "at most 1.05")
    show("hand-written, plain / sparsetune", medians["hand-written, plain"], ours)
    for name in list(medians)[3:]:
        show(f"{name} / sparsetune", medians[name], ours, "at least 5")


if __name__ == "__main__":
    main()

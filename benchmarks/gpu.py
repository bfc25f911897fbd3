"""What does training cost on a GPU? ResNet-18 on random images of CIFAR-10's shape: images a second.

    python benchmarks/gpu.py [--samples 25600] [--batch 512] [--epochs 6]

float32 (convolutions as torch sets them: TF32 where the GPU has it) and bfloat16 by autocast, images in torch's usual
memory format and with channels last, each two ways:

- sparsetune: the loop, the batches and the optimiser of a trial with method `dense`;
- hand-written: a loop over tensors on the device, as an expert would write it for this one task.

Both hold the images as bytes on the device and scale each batch, start from the same weights, draw the same orders,
step with fused SGD and momentum, and measure loss and accuracy of all that they trained on. They take turns, whole
epoch by whole epoch, to and fro; the first epoch only warms up. What counts is the ratio of the medians.
"""

from __future__ import annotations

import argparse
import copy
import math
import statistics
import time
from collections.abc import Callable
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparsetune.config.trial import Training
from sparsetune.data.dataset import Split
from sparsetune.data.delivery import batches
from sparsetune.data.scaling import Scaling
from sparsetune.measures.cost import Cost
from sparsetune.sparsity.methods.dense import Dense, DenseConfig
from sparsetune.training.computing import compute_as_asked
from sparsetune.training.loop import train_steps
from sparsetune.training.optim import make_optimizer
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.session import TrainingSession
from sparsetune.training.task import Classification, Meter

SHAPE, CLASSES = (3, 32, 32), 10
MEAN, STD = 127.5, 74.0
LR, MOMENTUM = 0.01, 0.9

Epoch = Callable[[Tensor], tuple[float, float]]  # order -> mean loss and accuracy


def made(samples: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Bytes and classes."""
    generator = torch.Generator(device).manual_seed(0)
    images = torch.randint(0, 256, (samples, *SHAPE), dtype=torch.uint8, device=device, generator=generator)
    return images, torch.randint(CLASSES, (samples,), device=device, generator=generator)


def resnet18(width: float, device: torch.device) -> nn.Module:
    torch.manual_seed(0)
    model = REGISTRIES.model.get("resnet18")
    network: nn.Module = model.build(model.Config(width_scale=width), SHAPE, CLASSES)
    return network.to(device)


def sparsetune(network: nn.Module, images: Tensor, targets: Tensor, training: Training) -> Epoch:
    device = images.device
    compute_as_asked(network, training, device)
    method = Dense(DenseConfig(), TrainingSession.of(network, device=device))
    optimizer = make_optimizer(method.parameters(), training)
    split = Split(images, torch.arange(len(targets), device=device), targets, Scaling(MEAN, STD))

    def epoch(order: Tensor) -> tuple[float, float]:
        task = Classification()
        meter = Meter(task)
        drawn = batches(split, training.batch_size, order)
        train_steps(network, method, optimizer, task, drawn, meter, cost=Cost())
        loss, accuracy = meter.result()
        return loss, accuracy

    return epoch


def hand_written(network: nn.Module, images: Tensor, targets: Tensor, training: Training) -> Epoch:
    optimizer = torch.optim.SGD(network.parameters(), LR, momentum=MOMENTUM, fused=True)
    memory = torch.channels_last if training.channels_last else torch.contiguous_format
    network.to(memory_format=memory)
    mixed = training.mixed_precision and images.is_cuda

    def epoch(order: Tensor) -> tuple[float, float]:
        network.train()
        losses, hits = [], []
        for part in order.split(training.batch_size):
            x = ((images[part] - MEAN) / STD).to(memory_format=memory)
            y = targets[part]
            with torch.autocast("cuda", torch.bfloat16, enabled=mixed):
                outputs = network(x)
                loss = cross_entropy(outputs, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.detach() * len(part))
            hits.append((outputs.detach().argmax(1) == y).sum())
        return torch.stack(losses).sum().item() / len(order), torch.stack(hits).sum().item() / len(order)

    return epoch


def measure(
    start: nn.Module, images: Tensor, targets: Tensor, training: Training, epochs: int
) -> dict[str, list[float]]:
    """Images a second of each epoch but the first, by way; ends this benchmark if they did not train alike."""
    ways = {
        "sparsetune": sparsetune(copy.deepcopy(start), images, targets, training),
        "hand-written": hand_written(copy.deepcopy(start), images, targets, training),
    }
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(epochs):
        order = torch.randperm(len(targets), device=images.device)
        losses = []
        for name, epoch in list(ways.items())[:: 1 if number % 2 else -1]:
            started = time.perf_counter()
            losses.append(epoch(order)[0])  # a number: the device has done all of it
            speeds[name].append(len(targets) / (time.perf_counter() - started))
        if number == 0 and not math.isclose(*losses, rel_tol=0.02):
            raise SystemExit(f"the two trained differently: mean losses {losses[0]:.4f} and {losses[1]:.4f}")
    return {name: found[1:] for name, found in speeds.items()}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--samples", type=int, default=25_600)
    options.add_argument("--batch", type=int, default=512)
    options.add_argument("--epochs", type=int, default=6)
    options.add_argument("--width", type=float, default=1.0, help="factor on the network's width")
    options.add_argument("--device", default="cuda", help="cpu: only to see that it runs; nothing is in bfloat16 there")
    given = options.parse_args()
    if given.device == "cuda" and not torch.cuda.is_available():
        print("no GPU here: torch sees no CUDA device, so there is nothing to measure")
        return
    device = torch.device(given.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    print(f"{name}, torch {torch.__version__}; ResNet-18, {given.samples} images of 3x32x32, batch {given.batch}\n")
    print("type      format         sparsetune  hand-written   ratio   images a second, medians")
    images, targets = made(given.samples, device)
    start = resnet18(given.width, device)
    for mixed, last in product((False, True), (False, True)):
        training = Training(lr=LR, momentum=MOMENTUM, batch_size=given.batch, mixed_precision=mixed, channels_last=last)
        found = measure(start, images, targets, training, given.epochs)
        ours, theirs = (statistics.median(found[way]) for way in ("sparsetune", "hand-written"))
        kind, layout = "bfloat16" if mixed else "float32", "channels_last" if last else "usual"
        spread = ", ".join(f"{speed:.0f}" for speed in found["sparsetune"])
        print(f"{kind:8}  {layout:13}  {ours:10.0f}  {theirs:12.0f}   {ours / theirs:5.3f}   of {spread}")


if __name__ == "__main__":
    main()

"""What do 50,000 tiny epochs cost? A student [2, 25, 25, 1] with 300 samples, Adam, one thread.

    python benchmarks/tiny_epochs.py [--epochs 50000] [--repeats 3]

The Trainer with method `dense`, which evaluates after each epoch and keeps every hundredth row, against a loop written
by hand with the same evaluations; both with fused Adam, and with numbers below 1.2e-38 as zero. They begin with the
same weights and draw the same orders, so they must end with the same weights, bit for bit; this is checked. They take
turns; processor seconds stand beside those of the clock. Memory and the checkpoint's size are told on the way.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import mse_loss

from sparsetune.config.seeds import mix
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.saved import Saved
from sparsetune.training.seeding import EVALUATION
from sparsetune.training.subnormal import subnormals_are_zero
from sparsetune.training.trainer import Trainer

SAMPLES, LR, SEED = 300, 5e-4, 0
EARLY = 1_000


def config(epochs: int) -> TrialConfig:
    raw = {
        "method": "dense",
        "data": {"name": "teacher_student", "num_train": SAMPLES},
        "model": {"name": "mlp", "hidden": [25, 25]},
        "training": {
            "epochs": epochs, "batch_size": SAMPLES, "lr": LR, "optimizer": "adam", "device": "cpu", "keep_row": 100,
        },
        "seed": SEED,
    }  # fmt: skip
    return resolve_trial(raw, REGISTRIES)


def resident() -> float:
    """Of this process, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1e3


@subnormals_are_zero()
def by_hand(trainer: Trainer, epochs: int) -> nn.Module:
    """The same training, as an expert would write it for this one task; data are the trainer's, as tensors."""
    torch.manual_seed(mix(SEED, 0))
    network: nn.Module = REGISTRIES.model.get("mlp").build(trainer.config.model, trainer.data.input_shape, 1)
    optimizer = torch.optim.Adam(network.parameters(), LR, fused=True)
    data = trainer.data
    inputs, targets = data.train.inputs, data.train.targets
    val_inputs, val_targets = data.val.inputs, data.val.targets
    best, losses = float("inf"), []
    for epoch in range(epochs):
        torch.default_generator.manual_seed(mix(SEED, epoch + 1))
        order = torch.randperm(len(inputs))
        network.train()
        outputs = network(inputs.index_select(0, order))
        wanted = targets.index_select(0, order)
        loss = mse_loss(outputs, wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        train_loss = loss.item()
        network.eval()
        with torch.inference_mode():
            torch.default_generator.manual_seed(mix(SEED, EVALUATION + epoch + 1))
            val_loss = mse_loss(network(val_inputs), val_targets).item()
        best = min(best, val_loss)
        if (epoch + 1) % 100 == 0:
            losses.append((train_loss, val_loss, best))
    return network


def ours(trainer: Trainer) -> tuple[float, float, int]:
    """Train; resident memory after the first thousand epochs and at the end, and the largest checkpoint's bytes."""
    early = largest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        saved = Saved(Path(folder))
        while trainer.go_on():
            if trainer.epochs in (EARLY, EARLY * 10, trainer.config.training.epochs):
                saved.save({}, trainer.state_dict())
                largest = max(largest, (Path(folder) / "checkpoint.pt").stat().st_size)
            if trainer.epochs == EARLY:
                early = resident()
            if trainer.done:
                break
    return early, resident(), int(largest)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--epochs", type=int, default=50_000)
    options.add_argument("--repeats", type=int, default=3)
    given = options.parse_args()
    torch.set_num_threads(1)
    settings = config(given.epochs)
    by_hand(Trainer(config(100)), 100)
    ratios: list[tuple[float, float]] = []
    for _ in range(given.repeats):
        trainer = Trainer(settings)
        clock, processor = time.perf_counter(), time.process_time()
        early, late, largest = ours(trainer)
        mine = time.perf_counter() - clock, time.process_time() - processor
        clock, processor = time.perf_counter(), time.process_time()
        network = by_hand(trainer, given.epochs)
        theirs = time.perf_counter() - clock, time.process_time() - processor
        same = all(map(torch.equal, network.state_dict().values(), trainer.network.state_dict().values()))
        ratios.append((mine[0] / theirs[0], mine[1] / theirs[1]))
        print(
            f"sparsetune {mine[0]:.1f} s ({mine[1]:.1f} processor), by hand {theirs[0]:.1f} s ({theirs[1]:.1f}): "
            f"{ratios[-1][0]:.3f} ({ratios[-1][1]:.3f}) times; weights {'are the same' if same else 'DIFFER'}; "
            f"{len(trainer.record)} rows; {early:.1f} MB after {EARLY} epochs, {late - early:+.1f} MB at the end; "
            f"checkpoint at most {largest / 1e3:.0f} kB",
            flush=True,
        )
    clock, processor = (statistics.median(each) for each in zip(*ratios, strict=True))
    print(f"median: {clock:.3f} times by the clock, {processor:.3f} of the processor")


if __name__ == "__main__":
    main()

"""What do 50,000 tiny epochs cost? A student [2, 25, 25, 1] with 300 samples, Adam, one thread.

    python benchmarks/tiny_epochs.py [--epochs 50000] [--repeats 3] [--losses mse gauss]

The Trainer with method `dense`, which evaluates after each epoch and keeps every hundredth row, against a loop written
by hand with the same evaluations, for the mean squared error and for the loss with a trained deviation; both with fused
Adam, and with numbers below 1.2e-38 as zero. They begin with the same weights and draw the same orders, so they must
end with the same weights, bit for bit; this is checked. They take turns of a thousand epochs; processor seconds stand
beside those of the clock. Memory (of both) and the checkpoint's size are told on the way.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import mse_loss

from sparsetune.base.seeds import mix
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.measures.size import gauss_loss
from sparsetune.training.computing import subnormals_are_zero
from sparsetune.training.left.saved import Saved
from sparsetune.training.randomness import EVALUATION
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trainer import Trainer

SAMPLES, LR, SEED = 300, 5e-4, 0
TURN = 1_000


def config(epochs: int, loss: str) -> TrialConfig:
    raw = {
        "method": "dense",
        "data": {"name": "teacher_student", "num_train": SAMPLES},
        "model": {"name": "mlp", "hidden": [25, 25], "activation": "tanh", "init": "lux"},
        "training": {
            "epochs": epochs, "batch_size": SAMPLES, "lr": LR, "optimizer": "adam", "device": "cpu", "keep_row": 100,
            "loss": None if loss == "mse" else loss,
        },
        "seed": SEED,
    }  # fmt: skip
    return resolve_trial(raw, REGISTRIES)


def resident() -> float:
    """Of this process, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1e3


def by_hand(trainer: Trainer, epochs: int) -> Iterator[nn.Module]:
    """The same training, as an expert would write it for this one task; each yield is after a turn of epochs."""
    torch.manual_seed(mix(SEED, 0))
    network: nn.Module = REGISTRIES.model.get("mlp").build(trainer.config.model, trainer.data.input_shape, 1)
    sigma = nn.Parameter(torch.tensor(trainer.config.training.initial_sigma))
    trains_sigma = trainer.config.training.loss == "gauss"
    parameters = [*network.parameters(), *([sigma] if trains_sigma else [])]
    optimizer = torch.optim.Adam(parameters, LR, fused=True)
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
        loss = error = mse_loss(outputs, wanted)
        if trains_sigma:
            variance = sigma.square()
            loss = (error / variance + variance.log()) * (0.5 / math.log(2))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        train_loss = error.item()
        network.eval()
        with torch.inference_mode():
            torch.default_generator.manual_seed(mix(SEED, EVALUATION + epoch + 1))
            val_loss = mse_loss(network(val_inputs), val_targets).item()
        if trains_sigma:
            trained: float = sigma.item() ** 2
            train_loss, val_loss = gauss_loss(train_loss, trained), gauss_loss(val_loss, trained)
        best = min(best, val_loss)
        if (epoch + 1) % 100 == 0:
            losses.append((train_loss, val_loss, best))
        if (epoch + 1) % TURN == 0:
            yield network


def ours(trainer: Trainer) -> Iterator[None]:
    """Each yield is after a turn of epochs."""
    while trainer.go_on():
        if trainer.epochs % TURN == 0:
            yield


class Watch:
    """Seconds of the clock and of the processor, turn by turn."""

    def __init__(self) -> None:
        self.turns: list[tuple[float, float]] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        clock, processor = time.perf_counter(), time.process_time()
        yield
        self.turns.append((time.perf_counter() - clock, time.process_time() - processor))

    @property
    def clock(self) -> float:
        return sum(turn[0] for turn in self.turns)

    @property
    def processor(self) -> float:
        return sum(turn[1] for turn in self.turns)


@subnormals_are_zero()
def compare(epochs: int, loss: str) -> tuple[float, float]:
    """Train in both ways, turn by turn; the ratios of all their times, by the clock and of the processor."""
    trainer = Trainer(config(epochs, loss))
    theirs_trains, ours_trains = by_hand(trainer, epochs), ours(trainer)
    mine, theirs = Watch(), Watch()
    early = largest = 0.0
    for turn in range(epochs // TURN):
        with mine.running():
            next(ours_trains)
        with theirs.running():
            network = next(theirs_trains)
        if turn % 10 == 0:
            largest = max(largest, bytes_of_checkpoint(trainer))
            early = early or resident()
    late = resident()
    same = all(map(torch.equal, network.state_dict().values(), trainer.network.state_dict().values()))
    ratios = mine.clock / theirs.clock, mine.processor / theirs.processor
    print(
        f"{loss}: sparsetune {mine.clock:.1f} s ({mine.processor:.1f} processor), by hand {theirs.clock:.1f} s "
        f"({theirs.processor:.1f}): {ratios[0]:.3f} ({ratios[1]:.3f}) times; weights "
        f"{'are the same' if same else 'DIFFER'}; {len(trainer.record)} rows; {early:.1f} MB after {TURN} epochs, "
        f"{late - early:+.1f} MB at the end; checkpoint at most {largest / 1e3:.0f} kB",
        flush=True,
    )
    return ratios


def bytes_of_checkpoint(trainer: Trainer) -> int:
    with tempfile.TemporaryDirectory() as folder:
        Saved(Path(folder)).save({}, trainer.state_dict())
        return (Path(folder) / "checkpoint.pt").stat().st_size


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--epochs", type=int, default=50_000, help=f"a multiple of {TURN}")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--losses", nargs="+", choices=("mse", "gauss"), default=("mse", "gauss"))
    given = options.parse_args()
    torch.set_num_threads(1)
    next(by_hand(Trainer(config(TURN, "mse")), TURN))  # torch imports its compiler when an optimiser first steps
    for loss in given.losses:
        ratios = [compare(given.epochs, loss) for _ in range(given.repeats)]
        clock, processor = (statistics.median(each) for each in zip(*ratios, strict=True))
        print(f"{loss}, median: {clock:.3f} times by the clock, {processor:.3f} of the processor")


if __name__ == "__main__":
    main()

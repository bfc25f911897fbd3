"""Does AST really save time? Step time of AST at 25 % activation against dense training, LeNet-5 on MNIST, batch 256.

    SPARSETUNE_DATA=/folder/with/MNIST python benchmarks/ast_step.py [--epochs 2] [--repeats 3]

Both train alternately in one process and one thread; the ratio of the medians is what counts, for the machine may be
busy. Beside the time stand the FLOPs: what `compute_saved` says, and what torch's counter says of the same steps.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.data.delivery import batches
from sparsetune.measures.cost import Cost
from sparsetune.training.loop import train_steps
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.task import Meter
from sparsetune.training.trainer import Trainer

DENSE = {"name": "dense"}
AST = {"name": "ast", "target_activation": 0.25}


def config(method: dict[str, Any], epochs: int) -> TrialConfig:
    """LeNet-5 on MNIST, SGD."""
    training = {"epochs": epochs, "batch_size": 256, "lr": 0.05}
    raw = {"method": method, "data": "mnist", "model": "lenet5", "training": training, "seed": 0}
    found = resolve_trial(raw, REGISTRIES)
    located = REGISTRIES.data.get("mnist").locate(found.data, Path(tempfile.gettempdir()))
    return found.model_copy(update={"data": located})


def last_row(method: dict[str, Any], epochs: int) -> dict[str, float]:
    """The metrics of the last epoch; the first one warms up."""
    return list(Trainer(config(method, epochs)))[-1].metrics


def counted_flops(method: dict[str, Any]) -> int:
    """FLOPs of one epoch of steps, counted by torch while they run."""
    setup = Trainer(config(method, 1)).setup
    order = setup.order.next(setup.session.counters, setup.order.steps)
    drawn = batches(setup.data.train, setup.config.training.batch_size, order)
    with FlopCounterMode(display=False) as counter:
        train_steps(setup.network, setup.method, setup.optimizer, setup.task, drawn, Meter(setup.task), cost=Cost())
    return int(counter.get_total_flops())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--epochs", type=int, default=2)
    options.add_argument("--repeats", type=int, default=3)
    given = options.parse_args()
    torch.set_num_threads(1)
    rows: dict[str, list[dict[str, float]]] = {"dense": [], "ast": []}
    for _ in range(given.repeats):
        rows["dense"].append(last_row(DENSE, given.epochs))
        rows["ast"].append(last_row(AST, given.epochs))
    times = {name: [row["step_time_ms"] for row in found] for name, found in rows.items()}
    for name, found in times.items():
        print(f"{name:5}  step {statistics.median(found):.2f} ms  (of {', '.join(f'{each:.2f}' for each in found)})")
    ratio = statistics.median(times["ast"]) / statistics.median(times["dense"])
    ast = rows["ast"][0]
    print(f"step time of AST / dense: {ratio:.3f} at activation {ast['activation_rate']:.3f}")
    counted = 1 - counted_flops(AST) / counted_flops(DENSE)
    said = last_row(AST, 1)["compute_saved"]
    print(f"compute_saved of one epoch: {said:.6f}, by torch's counter {counted:.6f}")


if __name__ == "__main__":
    main()

"""What strong lottery tickets cost: the exact threshold within a training step, and Monte Carlo predictions.

    python benchmarks/slt.py [--steps 30] [--only step|predictions]

Synthetic images, one thread, everything in turn within one run: ratios of medians, for the machine may be busy. The
threshold is timed on the scores of that moment; ``torch.kthvalue`` on the same numbers stands beside it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparsetune.config.trial import Training
from sparsetune.models import MODELS
from sparsetune.sparsity.masks import kth_smallest, removed_count
from sparsetune.sparsity.method import Method
from sparsetune.sparsity.methods import METHODS
from sparsetune.training.optim import make_optimizer
from sparsetune.training.session import TrainingSession

CASES: dict[str, tuple[dict[str, Any], tuple[int, ...], int]] = {
    "lenet5, width 4, batch 128": ({"name": "lenet5", "width_scale": 4.0}, (1, 28, 28), 128),
    "resnet18, batch 128": ({"name": "resnet18"}, (3, 32, 32), 128),
}
SAMPLES = (1, 5, 10, 20, 50)


def timed(work: Callable[[], Any]) -> float:
    """Seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def built(method: str, model: dict[str, Any], shape: tuple[int, ...], **settings: Any) -> tuple[nn.Module, Method]:
    """A network as a trial has it, and its method."""
    torch.manual_seed(0)
    known, made_by = MODELS.get(model["name"]), METHODS.get(method)
    config = known.Config(init="signed_constant", **model)
    network = known.build(config, shape, 10)
    session = TrainingSession.of(network, known.prunable(network), known.dropout_sites(config))
    return network, made_by(made_by.Config(**settings), session)


class Steps:
    """A training that can be asked for one step after another."""

    def __init__(self, method: str, model: dict[str, Any], shape: tuple[int, ...], batch: int) -> None:
        self.network, self.method = built(method, model, shape)
        self.optimizer = make_optimizer(self.method.parameters(), Training(lr=0.1))
        self.inputs, self.targets = torch.randn(batch, *shape), torch.randint(0, 10, (batch,))
        self.network.train()

    def __call__(self) -> None:
        self.optimizer.zero_grad()
        self.method.before_batch()
        cross_entropy(self.network(self.inputs), self.targets).backward()
        self.optimizer.step()
        self.method.after_step()


def step(steps: int) -> None:
    """The threshold's share of a step, and a step against one of dense training."""
    for name, (model, shape, batch) in CASES.items():
        count = steps if model["name"] == "lenet5" else max(3, steps // 10)
        slt, dense = Steps("slt", model, shape, batch), Steps("dense", model, shape, batch)
        scores = slt.optimizer.param_groups[0]["params"][0]
        removed = removed_count(0.5, scores.numel())
        times: dict[str, list[float]] = {"slt": [], "dense": [], "threshold": [], "kthvalue": [], "select": []}
        for _ in range(count + 1):
            times["slt"].append(timed(slt))
            times["dense"].append(timed(dense))
            magnitudes = scores.detach().abs()
            times["threshold"].append(timed(lambda: kth_smallest(magnitudes, removed)))  # noqa: B023
            times["kthvalue"].append(timed(lambda: magnitudes.kthvalue(removed)))  # noqa: B023
            times["select"].append(timed(slt.method.before_batch))
            slt.method.after_step()  # so that the next step, which is timed, selects too
        found = {key: statistics.median(each[1:]) for key, each in times.items()}
        shares = {key: found[key] / found["slt"] for key in ("threshold", "kthvalue", "select")}
        ratio = found["slt"] / found["dense"]
        print(f"{name}: {scores.numel():,} weights, a step {1e3 * found['slt']:.1f} ms, {ratio:.3f} of dense")
        print("  " + ", ".join(f"{key} {share:.1%} of a step" for key, share in shares.items()), flush=True)


def predictions(repeats: int) -> None:
    """Predictions averaged over T networks against those of one, by the number of dropout layers."""
    inputs = torch.randn(1000, 1, 28, 28)
    for layers in (1, 2, 3):
        found: dict[int, list[float]] = {count: [] for count in SAMPLES}
        made = {count: averaging(layers, count) for count in SAMPLES}
        for _ in range(repeats):
            for count, predict in made.items():
                found[count].append(timed(lambda: predict(inputs)))  # noqa: B023
        medians = {count: statistics.median(each[1:]) for count, each in found.items()}
        ratios = ", ".join(f"T = {count}: {medians[count] / medians[1]:.2f}" for count in SAMPLES)
        print(f"lenet5, {layers} dropout layers, batches of 100: {ratios} times T = 1", flush=True)


def averaging(layers: int, samples: int) -> Callable[[Tensor], None]:
    """Predicts as an evaluation does."""
    settings = {"n_dropout_layers": layers, "p_dropout": 0.2, "mc_samples": samples}
    network, method = built("slt", {"name": "lenet5"}, (1, 28, 28), **settings)

    @torch.inference_mode()
    def predict(inputs: Tensor) -> None:
        network.eval()
        method.begin_evaluation()
        for part in inputs.split(100):
            method.before_batch()
            method.predict(part)

    return predict


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--steps", type=int, default=30)
    options.add_argument("--only", choices=["step", "predictions"])
    given = options.parse_args()
    torch.set_num_threads(1)
    if given.only != "predictions":
        step(given.steps)
    if given.only != "step":
        predictions(given.steps)


if __name__ == "__main__":
    main()

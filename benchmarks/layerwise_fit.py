"""What does a pass over the training samples cost a layer's fit, as moments and batch by batch?

    python benchmarks/layerwise_fit.py [--seconds 5]

Layers of LeNet-300-100 and a convolution, 10,000 random samples, one thread. Batch by batch, as the source has it, each
500 samples are a step of Adam, with gradients by autograd through two layers: of what is missed, and of the variance.
With moments, which are gathered once, one step is for all. Both, and steps where few samples are kept themselves, are
taken by turns, and processor time is counted.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear

from sparsetune.sparsity.bernoulli import Moments
from sparsetune.sparsity.layer_inputs import LinearMap
from sparsetune.sparsity.mask_fit import MaskFit

SAMPLES, BATCH = 10_000, 500
LAYERS: dict[str, tuple[nn.Linear | nn.Conv2d, tuple[int, ...]]] = {
    "linear 784-300": (nn.Linear(784, 300), (784,)),
    "linear 300-100": (nn.Linear(300, 100), (300,)),
    "linear 100-10": (nn.Linear(100, 10), (100,)),
    "convolution 20-50, 5x5, 12x12": (nn.Conv2d(20, 50, 5), (20, 12, 12)),
}


def fit_of(layer: LinearMap, moments: Moments) -> MaskFit:
    target = layer.matrix
    return MaskFit(target, moments, torch.full_like(target, 0.3), 0.1, 1e-3)


def batch_by_batch(layer: LinearMap, samples: Tensor) -> Callable[[], object]:
    """A pass as the source has it."""
    target, apply = layer.matrix, conv2d if isinstance(layer.layer, nn.Conv2d) else linear
    values = nn.Parameter(torch.stack([target, torch.full_like(target, 0.3)]))
    adam = torch.optim.Adam([values], 1e-3, fused=True)

    def run() -> None:
        for batch in samples.split(BATCH):
            weights, keep = values
            missed = apply(batch, *layer.parted(target - weights * keep))
            variance = apply(batch.square(), *layer.parted(weights.square() * keep * (1 - keep)))
            adam.zero_grad()
            (missed.square().sum() + variance.sum() + 0.1 * keep.sum()).backward()
            adam.step()
            with torch.no_grad():
                values[1].clamp_(0, 1)

    return run


def seconds(turns: dict[str, Callable[[], object]], budget: float) -> dict[str, float]:
    """Processor time of each, the least of what fits the budget, by turns."""
    least = dict.fromkeys(turns, float("inf"))
    end = time.monotonic() + budget
    while time.monotonic() < end or float("inf") in least.values():
        for name, run in turns.items():
            began = time.process_time()
            run()
            least[name] = min(least[name], time.process_time() - began)
    return least


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5, help="for each layer")
    budget = parser.parse_args().seconds
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for name, (layer, shape) in LAYERS.items():
        mapped, samples = LinearMap("weight", layer), torch.relu(torch.randn(SAMPLES, *shape))
        with torch.no_grad():
            began = time.process_time()
            sums = torch.stack([(rows := mapped.inputs(each)).mT @ rows for each in samples.split(BATCH)]).sum(0)
            gathering = time.process_time() - began
        spent = seconds({"all": batch_by_batch(mapped, samples), "step": fit_of(mapped, Moments(sums)).step}, budget)
        ratio, steps = spent["all"] / spent["step"], SAMPLES // BATCH
        print(f"{name}: a pass batch by batch {spent['all'] * 1e3:.1f} ms, a step with moments ", end="")
        print(f"{spent['step'] * 1e3:.2f} ms: {ratio:.0f} times, {ratio / steps:.1f} times step for step; ", end="")
        print(f"gathering once {gathering * 1e3:.0f} ms, {gathering / spent['all']:.1f} such passes")
    layer, numbers = nn.Linear(784, 300), 785
    mapped = LinearMap("weight", layer)
    for few in (100, 200, 392, 785, 1570):
        rows = mapped.inputs(torch.randn(few, 784))
        kept, summed = fit_of(mapped, Moments(rows, summed=False)), fit_of(mapped, Moments(rows.mT @ rows))
        spent = seconds({"kept": kept.step, "summed": summed.step}, budget / 5)
        print(f"{few} samples of {numbers} numbers: kept {spent['kept'] / spent['summed']:.2f} times summed")


if __name__ == "__main__":
    main()

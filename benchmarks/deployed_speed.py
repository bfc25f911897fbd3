"""What does pruning bring whoever uses the network, once its neurons without a path are gone?

    SPARSETUNE_DATA=... python benchmarks/deployed_speed.py [--model lenet_300_100|lenet5_caffe] [--rounds 25]

Trains a network on MNIST with DRR (a minute of LeNet-300-100, five of LeNet-5-Caffe) and exports it whole, as a dense
network is, and without the neurons that have no path. Both answer batches of 1 and of 1,000 samples on one thread: in
torch as modules, in torch as files (.pt2), in onnxruntime (with ``sparsetune[onnx]``). All take turns, to and fro; of
each the median processor time of a call, and how many times faster the second is. Whether a batch whose pixels that
nobody reads are left out by an index_select answers sooner is said for LeNet-300-100.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sparsetune.base.messages import Job, Key
from sparsetune.base.paths import WEIGHTS
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.data import load_dataset
from sparsetune.measures.latency import median_seconds
from sparsetune.training.deploy.deployed import Deployed, deployed
from sparsetune.training.deploy.formats import FORMATS
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trial import run_trial

BATCHES = (1, 1000)
Call = Callable[[Tensor], Any]
SETTINGS: dict[str, dict[str, Any]] = {
    "lenet_300_100": {"alpha": 2e-5, "finetune_epochs": 10, "epochs": 40},
    "lenet5_caffe": {"alpha": 1e-4, "finetune_epochs": 2, "epochs": 8},
}


def trained(model: str, folder: Path) -> TrialConfig:
    settings = dict(SETTINGS[model])
    raw = {
        "training": {
            "epochs": settings.pop("epochs"),
            "batch_size": 500,
            "optimizer": "adam",
            "lr": 3e-3,
            "device": "cpu",
        },
        "method": {"name": "drr", "beta": 5.0, "delta": 0.1, **settings},
        "data": {"name": "mnist", "root": os.environ["SPARSETUNE_DATA"], "num_train": 45000, "val_size": 5000},
        "model": model,
    }
    config = resolve_trial(raw, REGISTRIES)
    *_, last = run_trial(Job(Key(0), config.plain(), str(folder)))
    assert last.outcome is not None
    metrics = last.outcome.metrics
    accuracy, ratio = metrics["test_accuracy"], metrics["compression_ratio"]
    print(f"{model}: {ratio:.0f} times smaller, test accuracy {accuracy:.4f}")
    return config


class Selecting(nn.Module):
    """A multilayer perceptron that is told of the pixels that it reads alone; ``whole`` is as it is exported."""

    def __init__(self, whole: nn.Module) -> None:
        super().__init__()
        self.network: nn.Module = whole.network  # type: ignore[assignment]
        first = next(each for each in self.network.modules() if isinstance(each, nn.Linear))
        self.register_buffer("read", first.weight.any(0).nonzero().squeeze(1))
        first.weight.data = first.weight.data[:, self.get_buffer("read")].contiguous()
        self._scaling: Any = whole._data.val.scaling  # type: ignore[union-attr]

    def forward(self, samples: Tensor) -> Tensor:
        outputs: Tensor = self.network(self._scaling(samples).flatten(1).index_select(1, self.get_buffer("read")))
        return outputs


def runtimes(made: Deployed) -> dict[str, Call]:
    file = FORMATS.get("torch")
    calls: dict[str, Call] = {
        "torch, module": made.network,
        "torch, file": file.running(file.content(made, made.words)),
    }
    if find_spec("onnxruntime"):
        calls["onnxruntime"] = on_one_thread(FORMATS.get("onnx").content(made, made.words))
    return calls


def on_one_thread(content: bytes) -> Call:
    from onnxruntime import InferenceSession, SessionOptions

    options: Any = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session: Any = InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda samples: session.run(None, {"samples": samples.numpy()})


def size(made: Deployed) -> int:
    return len(FORMATS.get("safetensors").content(made, made.words))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=sorted(SETTINGS), default="lenet_300_100")
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args()
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        config = trained(options.model, Path(folder))
        make = partial(deployed, config, Path(folder) / WEIGHTS, REGISTRIES)
        ways = {"dense": make(), "slim": make(whole=False)}
        if options.model == "lenet_300_100":
            other = make(whole=False)
            ways["selecting"] = Deployed(
                Selecting(other.network).eval(), other.example, other.output, other.words, other._samples
            )
    neurons = ways["slim"].words["neurons"]
    shapes = [tuple(each.shape) for each in ways["slim"].network.parameters() if each.ndim > 1]
    print(f"{neurons['removed']} of {neurons['hidden']} neurons or channels have no path; left: {shapes}")
    print(f"bytes of safetensors: {size(ways['dense']):,} dense, {size(ways['slim']):,} slim")
    val = load_dataset(config.data).val
    every = {name: runtimes(made) for name, made in ways.items()}
    with torch.inference_mode():
        for batch in BATCHES:
            samples = val.store[val.rows[:batch]]
            for kind in every["dense"]:
                calls = [partial(each[kind], samples) for each in every.values()]
                seconds = dict(zip(every, median_seconds(calls, rounds=options.rounds), strict=True))
                said = [f"{name} {1e3 * each:.4f} ms ({seconds['dense'] / each:.2f})" for name, each in seconds.items()]
                print(f"batch {batch:>4}, {kind:<13}: {', '.join(said)}")


if __name__ == "__main__":
    main()

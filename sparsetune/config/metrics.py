"""What a metric is, and the table of those that every training has. A method's own are declared beside its class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["classification", "regression"]
"""Of tasks: what is learned."""
Goal = Literal["maximize", "minimize"]
Scope = Literal["state", "epoch", "run", "end"]


@dataclass(frozen=True)
class Sound:
    """Up to which value a trial did what its config asks; in words what is so of one beyond it."""

    at_most: float
    beyond: str


@dataclass(frozen=True)
class Metric:
    """What a number is called, measures, and which way is better.

    ``scope`` says what it belongs to: the trained *state* (a trial that keeps its best state reports that state's),
    one *epoch*, the *run* so far (cumulative, so that the last row holds the total), or the *end* of a trial only.

    Of a ``family`` there are several numbers, each named ``name/member``; :func:`metric_of` finds their row.
    """

    name: str
    unit: str
    goal: Goal | None
    scope: Scope
    definition: str
    timing: bool = False  # depends on the machine: two equal runs differ
    needs: str = ""  # the key of the config without which there is no such number
    task: Kind | None = None  # the only one that has it
    any_state: bool = False  # said of network and validation data alone: with metrics.each_epoch every row has it
    family: bool = False
    curve: bool = True  # False: other curves show all that its own would, and its last value is enough
    short: str = ""  # what it is, on the short line of a legend; else the definition's beginning
    beside: bool = False  # tables of rows show it beside the objectives, where rows have it
    sound: Sound | None = None  # where no constraint is on it, tables mark the rows beyond

    @property
    def each_epoch(self) -> bool:
        """Whether every row has it, whatever the config says."""
        return self.scope != "end"

    def in_rows(self, asked: bool) -> bool:
        """Whether rows have a number of this very name; ``asked``: metrics.each_epoch is set."""
        return self.each_epoch or (asked and self.any_state and not self.family)

    def of(self, task: Kind) -> bool:
        """Whether that task has it."""
        return self.task in (None, task)


def metric_of(name: str, table: Mapping[str, Metric]) -> Metric | None:
    """The row of a number, of one of a family by what stands before the slash; None if the table has none."""
    before, _, member = name.partition("/")
    row = table.get(before)
    if row is not None and row.family:
        return row if member else None
    return table.get(name)


def named(declared: Iterable[Metric | str]) -> tuple[str, ...]:
    """The names of what a method declares: rows of its own, and names of those that stand in a table."""
    return tuple(each if isinstance(each, str) else each.name for each in declared)


def on_splits(metric: Metric, val_name: str = "") -> Iterator[Metric]:
    """The two rows of a number of predictions that exists at a trial's end for validation and test data."""
    defined = f"{metric.definition}, on the validation split"
    yield replace(metric, name=val_name or metric.name, definition=defined, any_state=True)
    tested = f"{metric.definition}, on the test split; never selects anything"
    yield replace(metric, name=f"test_{metric.name}", definition=tested, any_state=False, short="")


def _of_splits(
    name: str, val_name: str, unit: str, goal: Goal | None, definition: str, task: Kind, short: str = ""
) -> Iterator[Metric]:
    return on_splits(Metric(name, unit, goal, "end", definition, task=task, short=short), val_name)


_LOSS = ("mean cross entropy in nats (of regression: mean squared error of targets as they are learned, or with "
    "training.loss: gauss bits: that / (2 sigma^2 ln 2) + log2(sigma^2) / 2)")  # fmt: skip

_TRAINING = (
    Metric(
        "train_loss", "", "minimize", "epoch",
        f"{_LOSS} of the samples drawn in the epoch, each as it was before the step that used it, without label smoothing; "
        "sigma is that of the epoch's end",
    ),
    Metric("train_accuracy", "fraction", "maximize", "epoch", "top-1 accuracy of the same predictions", task="classification"),
    Metric("val_loss", "", "minimize", "state", f"{_LOSS} on the validation split",
        short="mean loss on the validation samples: cross entropy, of regression squared error or bits"),
    Metric("val_accuracy", "fraction", "maximize", "state", "top-1 accuracy on the validation split", task="classification",
        short="fraction of validation samples it gets right", beside=True),
    Metric("test_loss", "", "minimize", "end", f"{_LOSS} on the test split; never selects anything"),
    Metric(
        "test_accuracy", "fraction", "maximize", "end",
        "top-1 accuracy on the test split; never selects anything", task="classification",
        short="fraction of test samples it gets right; chooses nothing", beside=True),
    Metric("sigma", "", None, "state", "trained standard deviation of training.loss: gauss, of targets as they are learned",
        needs="training.loss", task="regression"),
    Metric("best_epoch", "epochs", None, "run", "the epoch with the lowest val_loss so far in its phase of the plan, counted from 1", curve=False),
    Metric("best_iteration", "iterations", "minimize", "run",
        "iterations from where the phase's learning rate schedule begins to its evaluation with the lowest val_loss so far",
        curve=False, short="iterations to the lowest validation loss"),
    Metric("best_val_loss", "", "minimize", "run", "val_loss of that epoch", curve=False),
    Metric("best_val_accuracy", "fraction", "maximize", "run", "val_accuracy of that epoch", task="classification", curve=False),
)  # fmt: skip

_QUALITY = (
    *_of_splits("top5_accuracy", "val_top5_accuracy", "fraction", "maximize",
        "share of samples whose class is among the five (or all) likeliest", "classification"),
    *_of_splits("brier", "brier", "", "minimize",
        "Brier score: mean over samples of the sum over classes of (p - [is the class])^2, from 0 to 2", "classification"),
    *_of_splits("ece", "ece", "fraction", "minimize",
        "expected calibration error: mean |accuracy - confidence| of 10 bins of equal width by confidence, weighted by samples",
        "classification", "calibration error: how far confidence is from accuracy, a fraction"),
    *_of_splits("ece_15", "ece_15", "fraction", "minimize", "the same with 15 bins", "classification"),
    *_of_splits("ece_odds", "ece_odds", "fraction", None,
        "ece of confidences odds / sum of odds, odds = p / (1 - p): what sbcube reports; sharper than p, so not a "
        "calibration error of the predictions", "classification"),
    *_of_splits("entropy", "entropy", "nats", None, "mean predictive entropy", "classification"),
    *_of_splits("balanced_accuracy", "balanced_accuracy", "fraction", "maximize",
        "share of a class's samples that are right, mean over the classes that the split has", "classification"),
    *_of_splits("macro_f1", "macro_f1", "fraction", "maximize",
        "2 TP / (2 TP + FP + FN) of a class, mean over the classes that the split has", "classification"),
    *_of_splits("auc", "auc", "fraction", "maximize",
        "area under the ROC curve, of more than two classes each against the rest, mean over those that the split has; "
        "a split of one class has none", "classification"),
    *_of_splits("mse", "val_mse", "target unit squared", "minimize", "mean squared error", "regression"),
    *_of_splits("mae", "val_mae", "target unit", "minimize", "mean absolute error", "regression"),
    *_of_splits("r2", "val_r2", "", "maximize",
        "1 - squared error / squared deviation from the mean, at most 1, mean over outputs; of a constant target 1 where exact, else 0", "regression"),
    Metric("test_truth_mse", "target unit squared", "minimize", "end",
        "mean squared difference from what the targets were made of before noise, on the test split; never selects anything",
        needs="data.noise", task="regression"),
    Metric("ape", "nats", "maximize", "end",
        "average predictive entropy on images of noise, N(0, 1) as the network sees them: the model should be unsure",
        needs="metrics.noise_samples", task="classification", any_state=True,
        short="nats: how unsure it is of images of noise"),
)  # fmt: skip

_SIZE = tuple(replace(metric, any_state=True) for metric in (
    Metric("density", "fraction", "minimize", "end", "non-zero prunable weights / prunable weights"),
    Metric("sparsity", "fraction", "maximize", "end", "1 - density: the removed fraction of the prunable weights"),
    Metric("nonzeros", "parameters", "minimize", "end", "non-zeros of all parameters"),
    Metric("parameters", "parameters", "minimize", "end", "all parameters"),
    Metric("compression_ratio", "", "maximize", "end",
        "all parameters / non-zeros of all parameters; a network of zeros counts as if one were left"),
    Metric("dense_macs", "MAC", "minimize", "end", "multiply-accumulates of a forward pass of one sample (convolutions, matrix products)"),
    Metric("macs", "MAC", "minimize", "end",
        "multiply-accumulates of a forward pass of one sample with a non-zero weight; products of two activations (attention) count whole",
        short="multiply-accumulates of the network for one sample, by its mask"),
    Metric("flops", "FLOP", "minimize", "end", "2 x macs"),
    Metric("dense_flops", "FLOP", "minimize", "end", "2 x dense_macs"),
    Metric("mc_macs", "MAC", "minimize", "end",
        "macs of a prediction by method.mc_samples networks: what lies before the first dropout counts once",
        short="multiply-accumulates of a prediction, all its Monte Carlo samples together"),
    Metric("bytes_dense", "bytes", "minimize", "end", "all parameters and running statistics, as they are in memory"),
    Metric("bytes_bitmask", "bytes", "minimize", "end", "estimate: one bit for each prunable weight, the non-zeros' values, and all that is never pruned"),
    Metric("bytes_csr", "bytes", "minimize", "end",
        "estimate: prunable weights as compressed sparse rows (32-bit columns and offsets; a convolution is out x rest), "
        "and all that is never pruned"),
    Metric("bytes_entropy", "bytes", "minimize", "end",
        "estimate: n H2(density) bits for the mask, the non-zeros' values, and all that is never pruned"),
    Metric("description_length_bits", "bits", "minimize", "end",
        "estimate: description_data_bits + description_model_bits"),
    Metric("description_data_bits", "bits", "minimize", "end",
        "estimate: training samples x val_loss / ln 2, what unseen labels would cost with this model (of regression: x "
        "outputs x bits of a normal density with variance val_mse, which may be negative)"),
    Metric("description_model_bits", "bits", "minimize", "end",
        "estimate: log2 of the ways to choose the non-zeros among all parameters, and 32 bits for each"),
    Metric("model_bits", "bits", "minimize", "end",
        "estimate: description_model_bits; of a network whose values are as a seed drew them log2 of the ways to choose "
        "the non-zeros, and 64 bits for the seed",
        short="bits for which weights are kept, and for their values or the seed that they follow from"),
))  # fmt: skip

_COST = (
    Metric("compute_saved", "fraction", "maximize", "run",
        "1 - counted FLOPs of selection and training / FLOPs of dense training on the same batches, since the "
        "start; negative where selection costs more than it saves",
        short="fraction of dense training's FLOPs saved; below 0 it took more"),
    Metric("est_flops_g", "GFLOP", "minimize", "run",
        "estimate: FLOPs of selection, training, pruning and fits of layers since the start (convolutions and matrix "
        "products, counted by torch; or metrics.base_flop_per_sample)"),
    Metric("samples_trained", "samples", "minimize", "run", "samples that went forward and backward since the start"),
    Metric("est_energy_kj", "kJ", "minimize", "run",
        "estimate: seconds in training steps since the start x metrics.gpu_tdp_watts",
        timing=True, needs="metrics.gpu_tdp_watts"),
    Metric("step_time_ms", "ms", "minimize", "epoch", "mean wall time of a training step", timing=True),
    Metric("time_min", "min", "minimize", "run", "wall time of training and evaluation since the start", timing=True),
    Metric("own_time_min", "min", "minimize", "end",
        "wall time of the run's stages that no branch before it has: the sum over a trial's runs is what they took",
        timing=True),
    Metric("peak_memory_mb", "MB", "minimize", "end", "most main memory that the trial's process held", timing=True),
)  # fmt: skip

_OF_BATCH = "of a batch of {}, as it is exported: neurons without a path gone, inputs scaled; on one thread, whose processor time it is (on a GPU wall time), the median of 21 turns"
_SPEEDUP = (
    "latency of the dense network of the same architecture, which takes turns with it, / its own, with a batch of {}"
)

_DEPLOYED = (
    Metric("latency_ms", "ms", "minimize", "end", _OF_BATCH.format(1), timing=True, needs="metrics.deployed",
        short="ms that the network takes for one sample, as it is exported"),
    Metric("latency_ms_1000", "ms", "minimize", "end", _OF_BATCH.format("1,000"), timing=True, needs="metrics.deployed",
        short="ms that the network takes for 1,000 samples, as it is exported"),
    Metric("speedup", "", "maximize", "end", _SPEEDUP.format(1), timing=True, needs="metrics.deployed"),
    Metric("speedup_1000", "", "maximize", "end", _SPEEDUP.format("1,000"), timing=True, needs="metrics.deployed"),
    Metric("file_bytes", "bytes", "minimize", "end",
        "weights and buffers as a file of safetensors, neurons without a path gone, zeros included", needs="metrics.deployed"),
    Metric("compressed_bytes", "bytes", "minimize", "end", "file_bytes after zlib with level 6", needs="metrics.deployed"),
)  # fmt: skip

_BY_LAYER = (
    Metric("layer_density", "fraction", None, "end",
        "kept fraction of one prunable tensor, each under its own name, such as layer_density/conv1.weight",
        needs="metrics.each_epoch", any_state=True, family=True),
)  # fmt: skip

_CUDA = (
    Metric("peak_gpu_memory_mb", "MB", "minimize", "end", "most memory of the GPU that tensors held", timing=True),
    Metric("energy_kj", "kJ", "minimize", "end",
        "what the GPU's own counter (NVML) says it used since this process took the trial up; of the whole GPU, also "
        "where trials share it", timing=True),
)  # fmt: skip

LAYER_DENSITY = _BY_LAYER[0].name
OWN_TIME = "own_time_min"

ON_GPU = tuple(metric.name for metric in _CUDA)
"""What exists on a GPU only: no objective, for a study must run on any machine."""

SHARED: dict[str, Metric] = {
    metric.name: metric for metric in (*_TRAINING, *_QUALITY, *_SIZE, *_BY_LAYER, *_COST, *_DEPLOYED, *_CUDA)
}
"""By name."""


def core(task: Kind) -> tuple[str, ...]:
    """What the training core gives for every method, on a CPU too; some want a key to be set."""
    shared = (*_TRAINING, *_QUALITY, *_SIZE, *_COST, *_DEPLOYED)
    return tuple(metric.name for metric in shared if metric.of(task))

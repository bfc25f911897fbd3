"""The numbers of PMMP. Torch-free, for listings read them without its code."""

from sparsetune.config.metrics import Metric

METRICS = (
    Metric("undecided", "fraction", "minimize", "epoch",
        "share of the penalised weights that masks keep whose keep probability lies between 0.1 and 0.9; in "
        "fine-tuning as training left it", short="fraction of weights that are neither kept nor removed for certain"),
    Metric("constraint_violation", "fraction", "minimize", "epoch",
        "sum of E[(theta - w z)^2] / sum of theta^2 over the penalised weights, z = 1 with the keep probability: how "
        "far the weights are from what is kept of their copies; in fine-tuning as training left it",
        short="distance of the weights from what is kept of their copies"),
)  # fmt: skip

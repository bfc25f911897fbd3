"""Files of published programs as data: our number under each of their names. ``training/left`` writes them."""

from sparsetune.sparsity.metrics import SEED_MASK

AST_LAB = {
    "train_acc": "train_accuracy",
    "val_acc": "val_accuracy",
    "energy_savings": "energy_savings",
    "activation_rate": "activation_rate",
    "time_min": "time_min",
    "threshold": "threshold",
    "step_time_ms": "step_time_ms",
    "est_energy_kj": "est_energy_kj",
    "est_flops_g": "est_flops_g",
}
"""``training_history`` of AST-LAB's ``final_results.json``, which every run leaves: what others lack is null there."""

SBCUBE = {
    "epoch": ("epoch",),
    "val_acc": ("val_accuracy",),
    "test_acc": ("test_accuracy",),
    "model_size": (SEED_MASK.name, "bytes_bitmask"),
    "aPE": ("ape",),
    "ECE": ("ece",),
    "FLOPs": ("flops",),
    "MACs": ("macs",),
}
"""Columns of custom-computing-ic/sbcube's ``results.csv``; of several numbers it is the first that a run has.

But accuracies are fractions (there per cent), and sizes are bytes (there text such as 1.0MB).
"""

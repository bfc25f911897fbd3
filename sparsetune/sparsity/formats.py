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

EFFICIENT_COMPRESSION = {
    "run_id": "number",
    "experiment_name": "study",
    "timestamp": "started",
    "run_time": "seconds",
    "architecture": "model.name",
    "architecture_teacher": "data.teacher",
    "architecture_student": "model.hidden",
    "noise": "data.noise",
    "optimization_procedure": "method.name",
    "dataset": "data.name",
    "dtype": "training.dtype",
    "dev": "training.device",
    "optimizer": "training.optimizer",
    "lr": "training.lr",
    "min_epochs": "method.min_epochs",
    "max_epochs": "training.epochs",
    "α": "method.alpha",
    "β": "method.beta",
    "ρ": "method.rho",
    "L1_alpha": "method.l1_alpha",
    "gauss_loss": "training.loss",
    "initial_p_value": "method.initial_p",
    "initial_u_value": "method.initial_u",
    "u_value_multiply_factor": "method.multiplier_factor",
    "tolerated_relative_loss_increase": "method.delta",
    "NORM": "method.norm",
    "train_set_size": "data.num_train",
    "train_batch_size": "training.batch_size",
    "val_set_size": "data.val_size",
    "random_gradient_pruning": "method.random_gradient_pruning",
    "shrinking": "method.shrinking",
    "prune_window": "method.prune_window",
    "shrinking_from_deviation_of": "method.shrinking_margin",
    "smoothing_window": "method.smoothing_window",
    "finetuning_shrinking": "method.finetune_shrinking",
    "layerwise_pruning": "method.layerwise_pruning",
    "finetuning_layerwise_pruning": "method.finetune_layerwise_pruning",
    "layerwise_pruning_alpha": "method.layerwise_alpha",
    "layerwise_pruning_lr": "method.layerwise_lr",
    "layerwise_pruning_mask_start_value": "method.layerwise_mask_start",
    "finetuning_min_epochs": "method.finetune_min_epochs",
    "finetuning_max_epochs": "method.finetune_epochs",
    "converge_val_loss": "method.saturation_on",
    "seed": "seed",
    "final_accuracy_trainset": "train_accuracy",
    "final_accuracy_valset": "val_accuracy",
    "final_accuracy_testset": "test_accuracy",
    "final_loss_trainset": "train_loss",
    "final_loss_valset": "val_loss",
    "final_loss_testset": "test_loss",
    "final_sigma": "sigma",
    "l0_norm": "nonzeros",
}
"""Columns of ``runs.csv`` of L0-and-behold/efficient-compression, whose figures of training samples are of the last
epoch as they were predicted before each step; losses are in nats, of regression in squared units
or, where ``gauss_loss`` says gauss, in bits; ``converge_val_loss`` says whose loss.
"""

"""Numbers that several methods have, by the same name and definition. Torch-free, for listings read them."""

from __future__ import annotations

from sparsetune.config.metrics import Metric

ACTIVATION_RATE = Metric(
    "activation_rate",
    "fraction",
    None,
    "epoch",
    "active samples / samples drawn",
    short="fraction of samples that the last epoch trained on",
    beside=True,
)
"""Of methods that select samples; :class:`~sparsetune.sparsity.selecting.SelectingMethod` counts it."""

SEED_MASK = Metric(
    "bytes_seed_mask",
    "bytes",
    "minimize",
    "end",
    "estimate, of weights that are as a seed drew them: 64 bits for it, one bit for each prunable weight, 32 bits for "
    "every other number that is trained, or a running statistic",
    any_state=True,
    short="bytes of a ticket: the seed, a bit a weight, running statistics",
)
"""Of methods whose runs leave tickets; the training core measures it."""

DELETED = Metric(
    "deleted_neurons",
    "units",
    None,
    "state",
    "hidden units, or channels, that were cut out of the network because pruning had left them without a path",
    needs="method.delete_neurons",
)
STUCK = Metric(
    "stuck_neurons",
    "units",
    None,
    "state",
    "hidden units, or channels, without a path that stay, because the constant that they give cannot be folded exactly",
    needs="method.delete_neurons",
)
"""Of methods that prune; :class:`~sparsetune.sparsity.deletion.DeleteNeurons` counts them."""

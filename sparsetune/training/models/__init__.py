"""Models: one file each, found by name."""

from sparsetune.config.registry import Registry

MODELS = Registry(
    "model",
    {
        "lenet5": "sparsetune.training.models.lenet5:Lenet5",
        "mlp": "sparsetune.training.models.mlp:Mlp",
    },
)

"""One file per method, found by name."""

from sparsetune.config.registry import Registry

METHODS = Registry(
    "method",
    {
        "ast": "sparsetune.sparsity.methods.ast:AdaptiveSparseTraining",
        "dense": "sparsetune.sparsity.methods.dense:Dense",
        "slt": "sparsetune.sparsity.methods.slt:StrongLotteryTicket",
    },
)

"""One file per method, found by name."""

from sparsetune.config.registry import Registry

METHODS = Registry(
    "method",
    {
        "ast": "sparsetune.sparsity.methods.ast:AdaptiveSparseTraining",
        "dense": "sparsetune.sparsity.methods.dense:Dense",
        "random_subset": "sparsetune.sparsity.methods.random_subset:RandomSubset",
        "slt": "sparsetune.sparsity.methods.slt:StrongLotteryTicket",
    },
)

"""One file per method, found by name; and all numbers, in a table that no method's code is imported for."""

from sparsetune.config.metrics import SHARED, Metric
from sparsetune.config.registry import Registry
from sparsetune.sparsity.methods import ast_metrics, lottery_metrics, pmmp_metrics
from sparsetune.sparsity.metrics import ACTIVATION_RATE, DELETED, SEED_MASK, STUCK

METHODS = Registry(
    "method",
    {
        "ast": "sparsetune.sparsity.methods.ast:AdaptiveSparseTraining",
        "dense": "sparsetune.sparsity.methods.dense:Dense",
        "drr": "sparsetune.sparsity.methods.drr:DifferentiableRelaxation",
        "layerwise": "sparsetune.sparsity.methods.layerwise:LayerwisePruned",
        "lottery": "sparsetune.sparsity.methods.lottery:LotteryTicket",
        "magnitude": "sparsetune.sparsity.methods.magnitude:MagnitudePruning",
        "pmmp": "sparsetune.sparsity.methods.pmmp:MinimaxPruning",
        "random_subset": "sparsetune.sparsity.methods.random_subset:RandomSubset",
        "rl1": "sparsetune.sparsity.methods.rl1:RelaxedLasso",
        "slt": "sparsetune.sparsity.methods.slt:StrongLotteryTicket",
        "ticket_retrain": "sparsetune.sparsity.methods.ticket_retrain:TicketRetraining",
    },
)

_SEVERAL = (SEED_MASK, ACTIVATION_RATE, DELETED, STUCK)
_OWN = (*_SEVERAL, *ast_metrics.METRICS, *lottery_metrics.METRICS, *pmmp_metrics.METRICS)
METRICS: dict[str, Metric] = {**SHARED, **{metric.name: metric for metric in _OWN}}
"""What every training has, what several methods have, and each method's own, by name."""

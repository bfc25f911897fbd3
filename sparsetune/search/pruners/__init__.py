"""Pruners by name: which running trials are not worth going on with.

All but ``none`` and ``hypervolume`` are Optuna's. Epochs are counted from 1, as rows have them. With several objectives
Optuna refuses to judge a running trial; so one metric, the gate, is judged in a study beside it, and what is on the
front goes on all the same.
"""

from __future__ import annotations

from sparsetune.config.registry import Registry

PRUNERS = Registry(
    "pruner",
    {
        "none": "sparsetune.search.pruners.contract:Nothing",
        "median": "sparsetune.search.pruners.bounds:Median",
        "percentile": "sparsetune.search.pruners.bounds:Percentile",
        "asha": "sparsetune.search.pruners.halving:Asha",
        "hyperband": "sparsetune.search.pruners.halving:Hyperband",
        "wilcoxon": "sparsetune.search.pruners.wilcoxon:Wilcoxon",
        "patient": "sparsetune.search.pruners.patient:Patient",
        "threshold": "sparsetune.search.pruners.bounds:Threshold",
        "hypervolume": "sparsetune.search.pruners.hypervolume:Hypervolume",
    },
)

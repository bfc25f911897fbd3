"""Samplers by name, each one of Optuna's with its options.

One is made anew for each trial, seeded by study and trial number, so a resumed study goes on exactly as one that was
never interrupted. What Optuna itself says that a sampler does not support, in an error or in a warning, is refused
before anything starts.
"""

from __future__ import annotations

from sparsetune.config.registry import Registry

SAMPLERS = Registry(
    "sampler",
    {
        "tpe": "sparsetune.search.samplers.tpe:Tpe",
        "gp": "sparsetune.search.samplers.gp:GaussianProcess",
        "cmaes": "sparsetune.search.samplers.cmaes:CmaEs",
        "nsga2": "sparsetune.search.samplers.genetic:Nsga2",
        "nsga3": "sparsetune.search.samplers.genetic:Nsga3",
        "qmc": "sparsetune.search.samplers.uniform:QuasiMonteCarlo",
        "random": "sparsetune.search.samplers.uniform:Random",
        "grid": "sparsetune.search.samplers.grid:Grid",
    },
)

"""Every method keeps every promise: a method joins by one row."""

import tempfile
from pathlib import Path

import pytest

from sparsetune.sparsity.methods import METHODS
from sparsetune.testing.methods import CHECKS, Check, MethodCase
from sparsetune.testing.tickets import ticket

LEFT = tempfile.TemporaryDirectory(prefix="sparsetune-")  # as long as this process
SPACES = Path(__file__).parents[2] / "search_spaces"
CASES = {
    "dense": MethodCase({"name": "dense"}, SPACES),
    "ast": MethodCase({"name": "ast", "target_activation": 0.5}, SPACES),
    "ast with a running mean": MethodCase({"name": "ast", "target_activation": 0.5, "normalize": "ema"}, SPACES),
    "drr": MethodCase({"name": "drr", "alpha": 1e-4, "finetune_epochs": 2}, SPACES),
    "drr, shrinking": MethodCase(
        {
            "name": "drr",
            "norm": "stage",
            "delta": 0.0,
            "penalty": "decoupled",
            "finetune_epochs": 1,
            "shrinking": True,
            "prune_window": 1,
            "smoothing_window": 4,
            "tamade_scope": "layer",
        },
        SPACES,
    ),
    "rl1": MethodCase({"name": "rl1", "penalty": "proximal", "finetune_epochs": 1, "alpha_convention": "sum"}, SPACES),
    "magnitude": MethodCase({"name": "magnitude", "finetune_epochs": 1, "accuracy_tolerance": 0.0}, SPACES),
    "layerwise": MethodCase(
        {"name": "layerwise", "delta": 0.0, "finetune_epochs": 1, "layerwise_lr": 0.01, "layerwise_epochs": 1000},
        SPACES,
    ),
    "magnitude, layerwise on the way": MethodCase(
        {
            "name": "magnitude",
            "finetune_epochs": 1,
            "layerwise_pruning": True,
            "layerwise_alpha": 0.01,
            "delta": 0.0,
            "layerwise_lr": 0.01,
            "layerwise_epochs": 100,
            "prune_biases": False,
            "shrinking": True,
            "prune_window": 1,
            "smoothing_window": 4,
        },
        SPACES,
    ),
    "lottery": MethodCase({"name": "lottery", "target_density": 0.6}, SPACES),
    "lottery, rewound": MethodCase(
        {"name": "lottery", "target_density": 0.8, "rewind": "1ep", "scope": "global"}, SPACES
    ),
    "pmmp": MethodCase({"name": "pmmp", "alpha": 1e-4, "finetune_epochs": 2}, SPACES),
    "pmmp, shrinking": MethodCase(
        {
            "name": "pmmp",
            "alpha": 0.1,
            "initial_u": 0.1,
            "alpha_convention": "sum",
            "l1_alpha": 0.01,
            "delta": 0.0,
            "ascent_lr": 0.1,
            "finetune_epochs": 1,
            "shrinking": True,
            "prune_window": 1,
            "smoothing_window": 4,
        },
        SPACES,
    ),
    "random_subset": MethodCase({"name": "random_subset", "fraction": 0.5}, SPACES),
    "slt": MethodCase({"name": "slt", "n_dropout_layers": 1}, SPACES),
    "ticket_retrain": MethodCase(
        {"name": "ticket_retrain", "source": str(ticket(Path(LEFT.name))), "arm": "shuffled"}, SPACES
    ),
    "slt by layer": MethodCase({"name": "slt", "scope": "layer", "rank_by_fan_in": True}, SPACES),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance(check: Check, case: MethodCase) -> None:
    check(case)


def test_every_registered_method_has_a_row() -> None:
    assert {case.settings["name"] for case in CASES.values()} == set(METHODS.names())

"""Every sampler with every kind of study: it runs, or is refused at the start with the reason."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sparsetune.base.errors import BadInput
from sparsetune.search.storage import read_study

from .toys import ONE, SETTINGS, TWO, finish, make, write

SAMPLERS = {**SETTINGS, "tpe": {"n_startup_trials": 2}}
NUMBERS = {"method.x": {"float": [-2.0, 2.0], "step": 0.25}, "method.k": {"int": [1, 9], "step": 2}}
SPACES: dict[str, dict[str, Any]] = {
    "flat": NUMBERS,
    "conditional": {**NUMBERS, "method.y": {"float": [0.1, 0.9], "step": 0.1, "when": {"method.k": [1, 3]}}},
    "factor": {"method.kind": {"factor": ["a", "b", "c"]}, **NUMBERS},
}
OBJECTIVES: dict[str, list[dict[str, str]]] = {"single": ONE, "multi": TWO}
CONSTRAINTS: dict[str, list[dict[str, Any]]] = {
    "free": [],
    "constrained": [{"metric": "val_loss", "at_least": 2.5}, {"metric": "val_accuracy", "at_most": 0.3}],
}  # the best by either objective are not allowed
TRIALS = 12


def conditional(name: str, why: str) -> str:
    return f"{name!r} wants a space without `when`, found it at method.y: {why}; allowed: tpe, random, nsga2"


APART = "Optuna draws such parameters at random, apart from the"
CMAES_MANY = "'cmaes' wants one objective, found 2; allowed: tpe, gp, nsga2 and more"
CMAES_BOUND = "'cmaes' ignores constraints; allowed: tpe, gp, nsga2, nsga3"
CMAES_WHEN = conditional("cmaes", f"{APART} strategy")
GP_WHEN = conditional("gp", f"{APART} model")
GRID_WHEN = conditional("grid", "combinations would differ by values that no trial has")
QMC_WHEN = conditional("qmc", f"{APART} sequence")
REFUSED = {
    ("cmaes", "flat", "single", "constrained"): CMAES_BOUND,
    ("cmaes", "flat", "multi", "free"): CMAES_MANY,
    ("cmaes", "flat", "multi", "constrained"): CMAES_MANY,
    ("cmaes", "conditional", "single", "free"): CMAES_WHEN,
    ("cmaes", "conditional", "single", "constrained"): CMAES_WHEN,
    ("cmaes", "conditional", "multi", "free"): CMAES_MANY,
    ("cmaes", "conditional", "multi", "constrained"): CMAES_MANY,
    ("cmaes", "factor", "single", "constrained"): CMAES_BOUND,
    ("cmaes", "factor", "multi", "free"): CMAES_MANY,
    ("cmaes", "factor", "multi", "constrained"): CMAES_MANY,
    ("gp", "conditional", "single", "free"): GP_WHEN,
    ("gp", "conditional", "single", "constrained"): GP_WHEN,
    ("gp", "conditional", "multi", "free"): GP_WHEN,
    ("gp", "conditional", "multi", "constrained"): GP_WHEN,
    ("grid", "conditional", "single", "free"): GRID_WHEN,
    ("grid", "conditional", "single", "constrained"): GRID_WHEN,
    ("grid", "conditional", "multi", "free"): GRID_WHEN,
    ("grid", "conditional", "multi", "constrained"): GRID_WHEN,
    ("qmc", "conditional", "single", "free"): QMC_WHEN,
    ("qmc", "conditional", "single", "constrained"): QMC_WHEN,
    ("qmc", "conditional", "multi", "free"): QMC_WHEN,
    ("qmc", "conditional", "multi", "constrained"): QMC_WHEN,
}
ROWS = list(itertools.product(SAMPLERS, SPACES, OBJECTIVES, CONSTRAINTS))


def changes(name: str, space: str, goals: str, bounds: str) -> dict[str, Any]:
    return {
        "sampler": {"name": name, **SAMPLERS[name]},
        "space": SPACES[space],
        "objectives": OBJECTIVES[goals],
        "constraints": CONSTRAINTS[bounds],
        "budget": {"trials": TRIALS},
        "duplicates": "allow",
    }


@pytest.mark.parametrize("row", REFUSED, ids="-".join)
def test_refused_at_the_start_with_the_reason(row: tuple[str, str, str, str], tmp_path: Path) -> None:
    file = write(tmp_path, **changes(*row))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BadInput) as caught:
        make(tmp_path, **changes(*row))
    assert str(caught.value) == f"{file}: sampler.name: {REFUSED[row]}"
    assert sorted(tmp_path.rglob("*")) == before


def runs() -> Iterator[Any]:
    """All the others; of the default suite each sampler's with most to it, and some of the rest."""
    for place, row in enumerate(each for each in ROWS if each not in REFUSED):
        chosen = row[2:] == ("multi", "constrained") or place % 4 == 0
        quick = row[0] != "gp" or row[1] == "factor"  # it takes a second for each proposal
        yield pytest.param(*row, id="-".join(row), marks=() if chosen and quick else pytest.mark.slow)


@pytest.mark.parametrize(("name", "space", "goals", "bounds"), list(runs()))
def test_runs(name: str, space: str, goals: str, bounds: str, tmp_path: Path) -> None:
    study = make(tmp_path, **changes(name, space, goals, bounds))
    trials = finish(study).trials()
    assert [trial.number for trial in trials] == list(range(TRIALS))
    for trial in trials:
        drawn = {"method.x", "method.k", *(SPACES[space].keys() & {"method.kind"})}
        if space == "conditional" and trial.params["method.k"] in (1, 3):
            drawn.add("method.y")
        assert trial.params.keys() == drawn
    if space == "factor":  # each cell in turn
        assert [trial.params["method.kind"] for trial in trials] == ["a", "b", "c"] * 4
    assert len({repr(trial.params) for trial in trials}) > 6
    stored = read_study(study.storage, study.name)
    broken = {
        trial.number
        for trial in trials
        if trial.state == "COMPLETE" and (trial.metrics["val_loss"] < 2.5 or trial.metrics["val_accuracy"] > 0.3)
    }
    assert {trial.number for trial in stored.trials if not trial.feasible} == (broken if study.constraints else set())
    front = {row.number for row in stored.front}
    assert front
    if study.constraints:
        best = min((trial for trial in trials if trial.values), key=lambda trial: trial.metrics["val_loss"])
        assert best.number in broken
        assert not front & broken
        if len(study.objectives) > 1:  # nor by the other objective
            best = max((trial for trial in trials if trial.values), key=lambda trial: trial.metrics["val_accuracy"])
            assert best.number in broken

"""A cell of a study in memory, its toys, and what a restart would make of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from sparsetune.config.base import Part, check_model
from sparsetune.config.space.parameters import Choice, Float, Int, Parameter
from sparsetune.config.study.file import Objective
from sparsetune.config.study.problem import Problem
from sparsetune.search.pruners import PRUNERS
from sparsetune.search.samplers import SAMPLERS
from sparsetune.search.space import quiet, suggester

NUMBERS: dict[str, Parameter] = {
    "z": Float(low=-2.0, high=2.0),
    "y": Float(low=1e-3, high=1.0, log=True),
    "k": Int(low=1, high=9, step=2),
}
FLAT: dict[str, Parameter] = {**NUMBERS, "kind": Choice(values=("a", "b", "c")), "one": Choice(values=(None,))}
CONDITIONAL: dict[str, Parameter] = {
    "z": NUMBERS["z"],
    "kind": Choice(values=("a", "b", "c")),
    "y": Float(low=1e-3, high=1.0, log=True, when={"kind": ["a", "b"]}),
    "m": Float(low=0.0, high=1.0, when={"kind": "c"}),
    "k": NUMBERS["k"],
}
ONE = (Objective(metric="val_loss", goal="minimize"),)
UP = (Objective(metric="val_accuracy", goal="maximize"),)
TWO = (Objective(metric="val_accuracy", goal="maximize"), Objective(metric="val_loss", goal="minimize"))


def problem(parameters: Mapping[str, Parameter] = FLAT, **changes: Any) -> Problem:
    return Problem(**{"name": "toys", "seed": 7, "parameters": parameters, "objectives": ONE, "epochs": 9, **changes})


def sampler_config(name: str, **options: Any) -> Part:
    part: Part = check_model(SAMPLERS.get(name).Config, {"name": name, **options}, key="sampler")
    return part


def pruner_config(name: str, **options: Any) -> Part:
    part: Part = check_model(PRUNERS.get(name).Config, {"name": name, **options}, key="pruner")
    return part


def new_study(of: Problem) -> optuna.Study:
    memory = InMemoryStorage()
    memory.create_new_study([optuna.study.StudyDirection[each.goal.upper()] for each in of.objectives], of.name)
    return optuna.Study(of.name, memory)


def rebuilt(study: optuna.Study) -> optuna.Study:
    """The same study from what a storage would keep of it: trials, and system attributes as JSON."""
    memory = InMemoryStorage()
    study_id = memory.create_new_study(study.directions, study.study_name)
    for key, value in study._storage.get_study_system_attrs(study._study_id).items():
        memory.set_study_system_attr(study_id, key, json.loads(json.dumps(value)))
    for trial in study.get_trials():
        trial.system_attrs = json.loads(json.dumps(trial.system_attrs))
        memory.create_new_trial(study_id, trial)
    return optuna.Study(study.study_name, memory)


def drawn(trial: Trial, parameters: Mapping[str, Parameter]) -> None:
    choose = suggester(trial)
    for name, parameter in parameters.items():
        if all(trial.params[key] in wanted for key, wanted in parameter.when.items()):
            choose(name, parameter)


def tell(study: optuna.Study, trial: Trial, of: Problem, *, prunes: bool = True) -> None:
    """Every seventh trial fails and every sixth is pruned."""
    params = trial.params
    loss = (params.get("z", 0.0) - 0.7) ** 2 + abs(params.get("y", 0.5) - 0.1) + 0.1 * params.get("k", 1)
    loss += {"b": 0.4, "c": 0.2}.get(params.get("kind"), 0.0) * (1 + params.get("m", 0.0))
    values = {"val_loss": loss, "val_accuracy": 1 / (1 + params.get("z", 0.0) ** 2 + params.get("y", 0.5))}
    if trial.number % 7 == 5:
        study.tell(trial, state=TrialState.FAIL)
        return
    for index in range(of.constraints):
        trial.set_constraint(str(index), params["z"] - 0.5 + index)
    if prunes and trial.number % 6 == 4:
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, [values[each.metric] for each in of.objectives])


def run(
    of: Problem,
    sampler: Callable[[int], BaseSampler],
    trials: int,
    *,
    between: Callable[[optuna.Study], optuna.Study] = lambda study: study,
    prunes: bool = True,
) -> list[FrozenTrial]:
    """All trials of a study whose sampler is made anew for each of them."""
    study = new_study(of)
    for number in range(trials):
        study = between(study)
        with quiet():
            study.sampler = sampler(number)
        trial = study.ask()
        drawn(trial, of.parameters)
        tell(study, trial, of, prunes=prunes)
    return study.get_trials()

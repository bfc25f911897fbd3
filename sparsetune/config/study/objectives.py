"""The numbers that a study may be judged by: its objectives, their formulas, its constraints."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from sparsetune.base.errors import BadInput, shown, unknown
from sparsetune.base.messages import Metrics
from sparsetune.config.metrics import ON_GPU, named
from sparsetune.config.overrides import flatten
from sparsetune.config.registry import Registries
from sparsetune.config.space.expression_values import WrongKind
from sparsetune.config.space.expressions import Expression, parse
from sparsetune.config.study.constraints import Constraint
from sparsetune.config.study.file import Objective
from sparsetune.config.trial import TrialConfig

_TRIED = (0.0, 1e6, 0.3, -1.0, 1.0, 1e-3, 1e9, 0.7, 5.0)
_STRIDES = (0, 1, 2, 4, 5, 7, 8)  # 0: all alike; the others have no divisor in common with how many are tried
_LIST = " (`sparsetune metrics` lists them)"
Check = Callable[[str, str], None]  # of a metric's name, and the key where it stands


def check_objectives(
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint],
    bases: Iterable[TrialConfig],
    known: Registries,
    path: Path,
) -> None:
    """Raise :class:`BadInput` unless a trial of every base has all numbers that the study is judged by.

    A constraint may be on a number that some of the bases have: in the others it counts as met.
    """
    if not objectives:
        raise BadInput("missing: at least one {metric: ..., goal: ...}", source=path, key="objectives")
    scores = {each.metric for each in objectives if each.score is not None}
    bases = list(bases)
    for base in bases:
        check = partial(_check_metric, base, known, path)
        for number, objective in enumerate(objectives):
            key = f"objectives.{number}"
            if objective.score is None:
                check(objective.metric, f"{key}.metric")
            else:
                _check_score(objective, check, known, path, key)
    somewhere = set[str]().union(*(given(base, known) for base in bases))
    for number, constraint in enumerate(constraints):
        if constraint.metric not in scores:
            having = [base for base in bases if constraint.metric in given(base, known)]
            for base in having or bases:
                _check_metric(base, known, path, constraint.metric, f"constraints.{number}.metric", somewhere)
    names = [objective.metric for objective in objectives]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise BadInput(f"{name!r} stands twice", source=path, key=f"objectives.{number}.metric")


def given(base: TrialConfig, known: Registries) -> set[str]:
    """Names of the numbers that a trial of that base has."""
    task = known.data.get(base.data.name).task(base.data)
    return {*known.core(task), *named(known.method.get(base.method.name).metrics)}


def scorer(objectives: Sequence[Objective]) -> Callable[[Metrics], Metrics]:
    """A function that adds to a run's metrics what the formulas make of them.

    A formula that lacks a number (it is known only at the end), or has no finite value, adds nothing.
    """
    return scored(formulas_of(objectives))


def formulas_of(objectives: Sequence[Objective]) -> dict[str, str]:
    """The formulas of those that the study computes, by name."""
    return {each.metric: each.score for each in objectives if each.score is not None}


def scored(texts: Mapping[str, str]) -> Callable[[Metrics], Metrics]:
    """What :func:`scorer` gives, for formulas by name."""
    formulas = {name: parse(text) for name, text in texts.items()}
    return lambda metrics: {**metrics, **_scores(formulas, metrics)} if formulas else metrics


def _scores(formulas: Mapping[str, Expression], metrics: Metrics) -> Metrics:
    found = {}
    for name, formula in formulas.items():
        if all(each in metrics for each in formula.names):
            try:
                found[name] = float(formula.value(metrics))
            except (ValueError, TypeError):  # float(None)
                continue
    return found


def check_number(formula: Expression) -> None:
    """Raise ValueError, one line, for a formula that is found to be no number for some numbers under its names.

    Each name has each of a few numbers in turn, with others and in other orders under the names beside it. Where the
    formula has no value for them (a division by zero), it may have one for others.
    """
    count = len(_TRIED)
    for start, stride in itertools.product(range(count), _STRIDES):
        numbers = {name: _TRIED[(start + stride * index) % count] for index, name in enumerate(formula.names)}
        try:
            value = formula.value(numbers)
        except WrongKind:
            raise
        except ValueError:
            continue
        if not isinstance(value, int | float):
            raise WrongKind(f"found {value!r} where a number is wanted in {formula.text!r}")


def _check_score(objective: Objective, check: Check, known: Registries, path: Path, key: str) -> None:
    assert objective.score is not None
    try:
        formula = parse(objective.score)
        check_number(formula)
    except ValueError as error:
        raise BadInput(str(error), source=path, key=f"{key}.score") from None
    if objective.metric in known.metrics:
        problem = f"{objective.metric!r} is a metric; a score wants a name of its own{_LIST}"
        raise BadInput(problem, source=path, key=f"{key}.metric")
    if not re.fullmatch(r"[A-Za-z]\w*", objective.metric) or objective.metric.startswith("test_"):  # as own metrics
        problem = f"found {shown(objective.metric)}, allowed: letters, digits and _, without test_ before it"
        raise BadInput(problem, source=path, key=f"{key}.metric")
    if not formula.names:
        raise BadInput(f"found {objective.score!r}, allowed: a formula of metrics", source=path, key=f"{key}.score")
    for name in formula.names:
        check(name, f"{key}.score")


def _check_metric(
    base: TrialConfig, known: Registries, path: Path, name: str, key: str, like: Iterable[str] = ()
) -> None:
    """Of a base's trials; ``like``: names of others among which an unknown one may be meant."""
    metrics = known.metrics
    task = known.data.get(base.data.name).task(base.data)
    has = given(base, known)
    problem = ""
    if name.startswith("test_") and name in metrics:
        problem = f"{name!r} is of test data, which never selects anything"
    elif name in metrics and not metrics[name].of(task):
        problem = f"{name!r} is of {metrics[name].task}; {base.data.name!r} is for {task}"
    elif name in ON_GPU:
        problem = f"{name!r} exists on a GPU only, so nothing is judged by it"
    elif name in metrics and name not in has:
        problem = f"{name!r} is no number of {base.method.name!r}"
    elif name not in has:
        allowed = [each for each in (*has, *like) if not each.startswith("test_")]
        problem = unknown("metric", name, allowed).partition(" (allowed")[0]  # too many to list
    if problem:
        raise BadInput(f"{problem}{_LIST}", source=path, key=key)
    needed = metrics[name].needs
    if needed and flatten(base.plain())[needed] is None:
        raise BadInput(f"{name!r} wants {needed} to be set", source=path, key=key)

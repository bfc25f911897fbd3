"""The numbers that a study may be judged by: its objectives, their formulas, its constraints."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial

from sparsetune.base.errors import BadInput, shown
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
    bases: Collection[TrialConfig],
    registries: Registries,
) -> None:
    """Raise :class:`BadInput` unless a trial of every base has all numbers that the study is judged by.

    A constraint may be on a number that some of the bases have: in the others it counts as met.
    """
    if not objectives:
        raise BadInput("missing: at least one {metric: ..., goal: ...}", key="objectives", code="missing")
    for base in bases:
        check = partial(_check_metric, base, registries)
        for number, objective in enumerate(objectives):
            key = f"objectives.{number}"
            if objective.score is None:
                check(objective.metric, f"{key}.metric")
            else:
                _check_score(objective, check, registries, key)
    scores = formulas_of(objectives)
    somewhere = set[str]().union(*(numbers_of(base, registries) for base in bases))
    for number, constraint in enumerate(constraints):
        if constraint.metric not in scores:
            having = [base for base in bases if constraint.metric in numbers_of(base, registries)]
            for base in having or bases:
                _check_metric(base, registries, constraint.metric, f"constraints.{number}.metric", somewhere)
    names = [objective.metric for objective in objectives]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise BadInput(f"{name!r} stands twice", key=f"objectives.{number}.metric", code="conflict")


def numbers_of(base: TrialConfig, registries: Registries) -> set[str]:
    """Names of the numbers that a trial of that base has."""
    task = registries.data.get(base.data.name).task(base.data)
    return {*registries.core(task), *named(registries.method.get(base.method.name).metrics)}


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
    scores = {}
    for name, formula in formulas.items():
        if all(each in metrics for each in formula.names):
            try:
                scores[name] = float(formula.value(metrics))
            except (ValueError, TypeError):  # float(None)
                continue
    return scores


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


def _check_score(objective: Objective, check: Check, registries: Registries, key: str) -> None:
    assert objective.score is not None
    try:
        formula = parse(objective.score)
        check_number(formula)
    except ValueError as error:
        raise BadInput(str(error), key=f"{key}.score") from None
    if objective.metric in registries.metrics:
        problem = f"{objective.metric!r} is a metric; a score wants a name of its own{_LIST}"
        raise BadInput(problem, key=f"{key}.metric", code="exists")
    if not re.fullmatch(r"[A-Za-z]\w*", objective.metric) or objective.metric.startswith("test_"):  # as own metrics
        allowed = "letters, digits and _, without test_ before it"
        raise BadInput(found=shown(objective.metric), allowed=allowed, key=f"{key}.metric")
    if not formula.names:
        raise BadInput(found=repr(objective.score), allowed="a formula of metrics", key=f"{key}.score")
    for name in formula.names:
        check(name, f"{key}.score")


def _check_metric(base: TrialConfig, registries: Registries, name: str, key: str, like: Iterable[str] = ()) -> None:
    """Of a base's trials; ``like``: names of others among which an unknown one may be meant."""
    numbers = numbers_of(base, registries)
    if name not in registries.metrics and name not in numbers:  # those that exist are too many to list
        allowed = [each for each in (*numbers, *like) if not each.startswith("test_")]
        raise BadInput.unknown("metric", name, allowed, more=_LIST, key=key)
    metric = registries.metrics[name]
    task = registries.data.get(base.data.name).task(base.data)
    problem = ""
    if name.startswith("test_"):
        problem = "is of test data, which never selects anything"
    elif not metric.of(task):
        problem = f"is of {metric.task}; {base.data.name!r} is for {task}"
    elif name in ON_GPU:
        problem = "exists on a GPU only, so nothing is judged by it"
    elif name not in numbers:
        problem = f"is no number of {base.method.name!r}"
    if problem:
        raise BadInput(f"{name!r} {problem}{_LIST}", key=key)
    if metric.needs and flatten(base.plain()).get(metric.needs) in (None, False):
        raise BadInput(f"{name!r} wants {metric.needs} to be set", key=key, code="missing")

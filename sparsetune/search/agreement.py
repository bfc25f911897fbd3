"""A point as a study's space has it: one that the study file gives, or a trial of another study.

Names are those under which Optuna knows a parameter (``drr.alpha``), also where the file has others (``meaning.py``); a
factor's name holds the point to its cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sparsetune.base.errors import BadInput, shown
from sparsetune.base.messages import Trial
from sparsetune.config.overrides import flatten
from sparsetune.config.space.parameters import Choice, Factor, Float, Parameter
from sparsetune.config.space.points import branch_of, draw
from sparsetune.config.study.study import Study
from sparsetune.config.trial import NAMED
from sparsetune.search.meaning import meaning, readings

Point = dict[str, Any]


def written_point(study: Study, values: Mapping[str, Any], key: str) -> Point:
    """A point of the study file; what it does not name is drawn, but for a branch that what it names is drawn in.

    Args:
        key: where it stands.

    Raises:
        BadInput: a name that is not drawn, a value that cannot be, a parameter that its own point leaves out.
    """
    drawn: dict[str, Parameter | Factor] = {**study.space.parameters, **study.space.factors}
    try:
        for name, value in values.items():
            if name in study.fork:
                raise BadInput("is forked: each trial has a row for each of its values", key=name)
            if not readings(name, drawn):
                names = {each for name, rule in drawn.items() for each in (name, rule.target)}
                raise BadInput.unknown("parameter", name, names)
            if name in drawn:
                _check_value(name, value, drawn[name])
        meant, branches = meaning(study.space, drawn, values)
        for name, value in values.items():
            _check_value(name, value, drawn[meant[name]])
    except BadInput as error:
        raise error.at(source=study.source, key=f"{key}.{error.key}" if error.key else key) from None
    return {**branches, **{meant[name]: _as_drawn(drawn[meant[name]], value) for name, value in values.items()}}


def _check_value(name: str, value: Any, wanted: Parameter | Factor) -> None:
    if not wanted.has(value):
        raise BadInput(found=shown(value), allowed=_range(wanted), key=name)


def carried_over(study: Study, row: Trial) -> Point:
    """A row of another study as a point of this one: of its config all that varies here.

    What was not varied there and cannot be drawn here is left open.

    Raises:
        BadInput: something that was varied there is something else here.
    """
    config = {**_varied(study, row), **flatten(row.config)}
    asked = {*_varied(study, row), *(f"{section}.name" for section in study.space.chosen)}
    point: Point = {}

    def choose(name: str, wanted: Parameter | Factor) -> Any:
        if wanted.target in config and wanted.has(config[wanted.target]):
            point[name] = _as_drawn(wanted, config[wanted.target])
            return point[name]
        if wanted.target in asked:
            problem = f"{wanted.target} is {shown(config.get(wanted.target))} there"
            raise BadInput(f"{problem}, allowed here: {_range(wanted)}", code="not_allowed")
        return wanted.ends[0]

    params, settings = draw(study.space, study.flat_base, choose)
    here = {**flatten(study.plain_bases[branch_of(study.space, params)]), **settings}
    varying = {*study.fork, *(parameter.target for parameter in study.space.parameters.values())}
    for name in sorted(asked - varying):
        if name not in here:
            raise BadInput.unknown("parameter", name, study.space.parameters)
        if here[name] != config[name]:
            raise BadInput(f"{name} is {shown(config[name])} there and {shown(here[name])} here")
    return point


def _varied(study: Study, row: Trial) -> dict[str, Any]:
    """What its study drew, crossed or forked, by target."""
    config = flatten(row.config)
    return {_target(study, name, config): value for name, value in row.params.items()}


def _target(study: Study, name: str, config: Mapping[str, Any]) -> str:
    """The field of a trial config that a parameter of a study sets; names of a branch carry its name."""
    if name in study.space.parameters:
        return study.space.parameters[name].target
    return next((each for each in _readings(name, config) if each in config), name)


def _readings(name: str, config: Mapping[str, Any]) -> Iterator[str]:
    yield name
    branch, _, rest = name.partition(".")
    for section in NAMED:
        if config.get(f"{section}.name") == branch:
            yield f"{section}.{rest}"
            yield rest


def _as_drawn(wanted: Parameter | Factor, value: Any) -> Any:
    """An equal value, of the kind that a draw gives: 1.0 for 1."""
    if isinstance(wanted, Choice | Factor):
        return wanted.values[wanted.values.index(value)]
    return float(value) if isinstance(wanted, Float) else value


def _range(wanted: Parameter | Factor) -> str:
    if isinstance(wanted, Choice | Factor):
        return ", ".join(map(shown, wanted.values))
    return f"{wanted.kind} [{wanted.low}, {wanted.high}]{'' if wanted.step is None else f' with step {wanted.step}'}"

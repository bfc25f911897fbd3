"""What probed configs say of all trials: each would fail, or some may."""

from __future__ import annotations

from collections.abc import Iterator

from sparsetune.app.forecast.estimate import Probed
from sparsetune.app.forecast.study import Forecast
from sparsetune.base.errors import BadInput
from sparsetune.config.study.study import Study


def refuse_hopeless(study: Study, forecast: Forecast) -> None:
    """Raise :class:`BadInput` where every trial would fail: neither a longer training nor another draw helps."""
    if not forecast.probed:
        return
    if all(_whole(each) and _failing(study, each) for each in forecast.probed):
        name = _failing(study, forecast.probed[0])[0]
        problem = (
            f"{name!r} was no number in {_configs(len(forecast.probed))}, trained to the end: every trial would fail"
        )
        raise BadInput(problem, source=study.source, key=_key(study, name), allowed="a metric that has one")
    reasons = {each.reason for each in forecast.probed if each.fault}
    varied = study.space.parameters or study.space.factors
    if len(reasons) == 1 and all(each.fault for each in forecast.probed) and (len(forecast.probed) > 1 or not varied):
        problem = f"every trial would fail, as {_configs(len(forecast.probed))} did: {reasons.pop()}"
        raise BadInput(problem, source=study.source)


def doubts(study: Study, forecast: Forecast) -> Iterator[str]:
    """A line for each metric that the study is judged by and that probed configs had no number of."""
    count = len(forecast.probed)
    for name in study.judged_by:
        lacking = [each for each in forecast.probed if name in each.lacks and not each.reason]
        if not lacking:
            continue
        line = f"{len(lacking)} of {_configs(count)} had no number of {name!r}"
        if not all(_whole(each) for each in lacking):
            yield f"{line}, cut short as they were; a whole trial without it fails"
        elif any(each.metric == name for each in study.objectives):
            yield f"{line}; trials like that fail"
        else:
            yield f"{line}; trials like that meet no constraint on it"


def _whole(each: Probed) -> bool:
    """Whether it was trained to its end."""
    return each.ended or bool(each.reason and each.lacks)


def _failing(study: Study, each: Probed) -> list[str]:
    """What fails a trial like that: an objective that is no number, or whatever is missing altogether."""
    optimised = [objective.metric for objective in study.objectives]
    return [name for name in each.lacks if each.reason or name in optimised]


def _key(study: Study, name: str) -> str:
    for number, objective in enumerate(study.objectives):
        if objective.metric == name:
            return f"objectives.{number}.{'metric' if objective.score is None else 'score'}"
    return f"constraints.{[each.metric for each in study.constraints].index(name)}.metric"


def _configs(count: int) -> str:
    return f"{count} probed config{'s' * (count != 1)}"

"""Losses are compared only among trials that have the same one: squared errors are not held against bits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sparsetune.base.errors import BadInput
from sparsetune.config.overrides import flatten
from sparsetune.config.space.checks import check_corners
from sparsetune.config.study.study import Study

_KEY = "training.loss"
_LOSSES = ("train_loss", "val_loss", "best_val_loss")


def refuse_several_losses(study: Study) -> None:
    """Raise :class:`BadInput` for a study that is judged by a loss of which it has several kinds."""
    judged = [(name, key) for name, key in _judged_by(study) if name in _LOSSES]
    if judged and len(_kinds(study)) > 1:
        name, key = judged[0]
        problem = f"{name!r} is another number with another {_KEY}, which the space varies"
        raise BadInput(problem, allowed="val_mse and the like, or one loss", key=key, code="conflict")


def _judged_by(study: Study) -> Iterator[tuple[str, str]]:
    """Names of metrics, with the keys where they stand."""
    for number, objective in enumerate(study.objectives):
        key = f"objectives.{number}.{'metric' if objective.score is None else 'score'}"
        yield from ((name, key) for name in objective.reads)
    for number, constraint in enumerate(study.constraints):
        yield constraint.metric, f"constraints.{number}.metric"
    yield getattr(study.pruner, "metric", None) or "", "pruner.metric"


def _kinds(study: Study) -> set[Any]:
    if _KEY not in study.space.targets:
        return {base.training.loss for base in study.bases.values()}
    kinds = set[Any]()
    check_corners(study.bases, study.space, lambda config: kinds.add(flatten(config)[_KEY]))
    return kinds

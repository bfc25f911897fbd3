"""What has been tried already: a trial like a complete one needs no training, and a point that came to nothing is drawn
anew where there are endlessly many others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sparsetune.base.messages import GIVEN, SAME_AS, Key, Run, Trial
from sparsetune.config.overrides import flatten
from sparsetune.config.space.parameters import Parameter
from sparsetune.config.study.study import Study
from sparsetune.search.space import endless

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

Results = Mapping[str, tuple[str, tuple[Run, ...]]]  # by key: a trial in words, and its runs


@dataclass(frozen=True)
class Like:
    """What has been tried of a config.

    Attributes:
        key: of all that decides its numbers.
        seeds: to train it with.
        named: a complete trial like it, in words; empty if it has to be trained.
    """

    key: str
    seeds: tuple[int, ...]
    named: str = ""


class Tried:
    """Trials by what decides their numbers: config, seeds, fork, files, code and versions.

    A trial that failed or was pruned is none that another could be like.
    """

    def __init__(self, study: Study, environment: Mapping[str, str], earlier: Results) -> None:
        """
        Args:
            environment: what decides numbers beside configs, with digests of the files that trials read.
            earlier: results of other studies.
        """
        self._study = study
        self._environment = dict(environment)
        digested = {name.partition(".")[0] for name in environment}
        paths = {f"{part}.{name}" for part in {"data", "model", "method"} & digested for name in study.places(part)}
        self._paths = paths - study.space.targets  # of files whose content counts: lying elsewhere makes no other trial
        self._complete: dict[str, tuple[str, tuple[Run, ...]]] = dict(earlier)
        self._running: dict[int, str] = {}  # keys by number
        self.taken_over: set[int] = set()  # numbers of those with which the study began, and that cost no training

    def add(self, trial: Trial, attributes: Mapping[str, Any]) -> None:
        """Take a trial of the study, at its start and at its end."""
        key = attributes.get("key", "")
        self._running.pop(trial.number, None)
        if GIVEN in attributes:
            self.taken_over.add(trial.number)
        if trial.state == "RUNNING":
            self._running[trial.number] = key
        if trial.state == "COMPLETE":
            self._complete.setdefault(key, (f"trial {trial.number}", trial.runs))

    def like(self, config: Mapping[str, Any]) -> Like:
        """What has been tried of a config that was drawn, by the study's policy for duplicates."""
        seeds = self._study.seeds
        key = self._key(config, seeds)
        if self._study.duplicates == "reuse" and key in self._complete:
            return Like(key, seeds, self._complete[key][0])
        while self._study.duplicates == "replicate" and (key in self._complete or key in self._running.values()):
            seeds = tuple(seed + len(seeds) for seed in seeds)
            key = self._key(config, seeds)
        return Like(key, seeds)

    def runs(self, key: str, number: int, *, at_start: bool) -> list[Run]:
        """The results of the complete trial with this key, as those of the trial with this number.

        Args:
            at_start: the study begins with it, so it costs nothing of the budget.
        """
        named, runs = self._complete[key]
        said = {SAME_AS: named, **({GIVEN: "at the start"} if at_start else {})}
        return [
            replace(run, key=Key(number, run.key.seed, run.key.branch), notes={**_own(run.notes), **said})
            for run in runs
        ]

    def _key(self, config: Mapping[str, Any], seeds: tuple[int, ...]) -> str:
        fork = [branch.values for branch in self._study.branches]
        method = self._study.registries.method.get(config["method"]["name"])
        settings = method.canonical(method.Config.model_validate(dict(config["method"]))).model_dump(mode="json")
        written = flatten({**config, "method": settings})
        here = {name: value for name, value in written.items() if name not in self._paths}
        deciding = [here, seeds, fork, self._environment]
        return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:16]


def _own(notes: Mapping[str, str]) -> dict[str, str]:
    return {name: words for name, words in notes.items() if name not in (GIVEN, SAME_AS)}


class LostPoints:
    """The points of the trials of a search that failed or were pruned."""

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        self._endless = {name for name, parameter in parameters.items() if endless(parameter)}
        self._points: set[frozenset[tuple[str, float]]] = set()

    def add(self, trial: FrozenTrial) -> None:
        self._points.add(_point(trial))

    def repeated_by(self, trial: FrozenTrial) -> bool:
        """Whether its point is one of them, and there are others: a float without steps is drawn."""
        if not self._points or self._endless.isdisjoint(trial.params):
            return False
        return _point(trial) in self._points


def _point(trial: FrozenTrial) -> frozenset[tuple[str, float]]:
    """Parameters as Optuna's numbers, of choices their positions."""
    kinds = trial.distributions
    return frozenset((name, kinds[name].to_internal_repr(value)) for name, value in trial.params.items())

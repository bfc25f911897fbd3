"""Trials that need no training, because one like them is complete."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sparsetune.base.messages import GIVEN, SAME_AS, Key, Run, Trial
from sparsetune.config.overrides import flatten
from sparsetune.config.study.study import Study

Results = Mapping[str, tuple[str, tuple[Run, ...]]]  # by key: a trial in words, and its runs


@dataclass(frozen=True)
class Like:
    """What is known of a config.

    Attributes:
        key: of all that decides its numbers.
        seeds: to train it with.
        named: a complete trial like it, in words; empty if it has to be trained.
    """

    key: str
    seeds: tuple[int, ...]
    named: str = ""


class Known:
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
        self._elsewhere = _places(study, environment)
        self._complete: dict[str, tuple[str, tuple[Run, ...]]] = dict(earlier)
        self._running: dict[int, str] = {}  # keys by number
        self._given: set[int] = set()

    @property
    def given(self) -> int:
        """How many trials were given at the start and cost no training."""
        return len(self._given)

    def add(self, trial: Trial, attributes: Mapping[str, Any]) -> None:
        """Take a trial of the study, at its start and at its end."""
        key = attributes.get("key", "")
        self._running.pop(trial.number, None)
        if GIVEN in attributes:
            self._given.add(trial.number)
        if trial.state == "RUNNING":
            self._running[trial.number] = key
        if trial.state == "COMPLETE":
            self._complete.setdefault(key, (f"trial {trial.number}", trial.runs))

    def like(self, config: Mapping[str, Any]) -> Like:
        """What is known of a config that has been drawn, by the study's policy for duplicates."""
        seeds = self._study.seeds
        key = self._key(config, seeds)
        if self._study.duplicates == "reuse" and key in self._complete:
            return Like(key, seeds, self._complete[key][0])
        while self._study.duplicates == "replicate" and self._taken(key):
            seeds = tuple(seed + len(seeds) for seed in seeds)
            key = self._key(config, seeds)
        return Like(key, seeds)

    def runs(self, key: str, number: int, *, given: bool) -> list[Run]:
        """The results of the complete trial with this key, as those of the trial with this number.

        Args:
            given: it was given at the start, so it costs nothing of the budget.
        """
        named, runs = self._complete[key]
        said = {SAME_AS: named, **({GIVEN: "at the start"} if given else {})}
        return [
            replace(run, key=Key(number, run.key.seed, run.key.branch), notes={**_own(run.notes), **said})
            for run in runs
        ]

    def _taken(self, key: str) -> bool:
        return key in self._complete or key in self._running.values()

    def _key(self, config: Mapping[str, Any], seeds: tuple[int, ...]) -> str:
        fork = [branch.values for branch in self._study.branches]
        here = {name: value for name, value in flatten(config).items() if name not in self._elsewhere}
        deciding = [here, seeds, fork, self._environment]
        return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:16]


def _own(notes: Mapping[str, str]) -> dict[str, str]:
    return {name: words for name, words in notes.items() if name not in (GIVEN, SAME_AS)}


def _places(study: Study, environment: Mapping[str, str]) -> set[str]:
    """Where files lie whose content is known: another place makes no other trial."""
    digested = {name.partition(".")[0] for name in environment}
    found = {f"{section}.{name}" for section in ("data", "model") for name in study.places(section)}
    return {name for name in found if name.partition(".")[0] in digested} - study.space.targets

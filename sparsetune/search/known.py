"""Trials that need no training, because one like them is complete."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sparsetune.config.messages import Key, Run, Trial
from sparsetune.config.study import Study


@dataclass(frozen=True)
class Like:
    """What is known of a config.

    Attributes:
        key: of all that decides its numbers.
        seeds: to train it with.
        runs: what a trial like it ended with; empty if it has to be trained.
        named: that trial, in words.
    """

    key: str
    seeds: tuple[int, ...]
    runs: tuple[Run, ...] = ()
    named: str = ""

    def runs_of(self, number: int) -> list[Run]:
        """The results under another trial's number."""
        return [replace(run, key=Key(number, run.key.seed, run.key.branch)) for run in self.runs]


Results = Mapping[str, tuple[str, tuple[Run, ...]]]  # by key: a trial in words, and its runs


class Known:
    """Complete trials by what decides their numbers: config, seeds, fork, files, code and versions."""

    def __init__(self, study: Study, environment: Mapping[str, str], earlier: Results) -> None:
        """
        Args:
            environment: what decides numbers beside configs.
            earlier: results of other studies.
        """
        self._study = study
        self._environment = dict(environment)
        self._complete: dict[str, tuple[str, tuple[Run, ...]]] = dict(earlier)
        self.given = 0  # trials that were given at the start and cost no training

    def add(self, trial: Trial, attributes: Mapping[str, Any]) -> None:
        """Take a trial of the study, at its start and at its end."""
        key = attributes.get("key", "")
        self.given += "given" in attributes
        if trial.state == "COMPLETE":
            self._complete.setdefault(key, (f"trial {trial.number}", trial.runs))

    def like(self, config: Mapping[str, Any]) -> Like:
        """What is known of a config that has been drawn, by the study's policy for duplicates."""
        key = self._key(config, self._study.seeds)
        if self._study.duplicates == "allow" or key not in self._complete:
            return Like(key, self._study.seeds)
        if self._study.duplicates == "reuse":
            named, runs = self._complete[key]
            return Like(key, self._study.seeds, runs, named)
        seeds = self._study.seeds
        while key in self._complete:  # the next seeds that it was not trained with
            seeds = tuple(seed + len(seeds) for seed in seeds)
            key = self._key(config, seeds)
        return Like(key, seeds)

    def _key(self, config: Mapping[str, Any], seeds: tuple[int, ...]) -> str:
        fork = [branch.values for branch in self._study.branches]
        deciding = [config, seeds, fork, self._environment]
        return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:16]

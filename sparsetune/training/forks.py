"""How the trainings of a trial share what its branches have in common.

A fork gives a list of values to parameters that matter from a late phase on. What precedes the phase is trained once:
branches that differ only in how predictions are made are views of one training; others go on, each by itself, from
the state in which the trunk stood where their phase begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sparsetune.config.base import EVALUATION, Part, phase_of
from sparsetune.config.messages import Branch
from sparsetune.config.overrides import assign
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.sparsity.method import Method


@dataclass(frozen=True)
class Line:
    """One training.

    Attributes:
        config: of it.
        settings: the method's config of each view.
        serves: for each view the branches that it stands for; of a trunk those of all lines that leave it.
    """

    config: TrialConfig
    settings: tuple[Part, ...]
    serves: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Fork:
    """A trunk, which ends where ``phase`` begins, and the lines that go on from it; usually just one line."""

    lines: tuple[Line, ...]
    trunk: Line | None = None
    phase: str = ""

    @property
    def trainings(self) -> list[tuple[Line, str]]:
        """All of them in order, each with the phase before which it ends; empty for one that goes to its end."""
        return [*([(self.trunk, self.phase)] if self.trunk else []), *((line, "") for line in self.lines)]


def fork_of(config: TrialConfig, branches: Sequence[Branch], registries: Registries) -> Fork:
    """The trainings of one seed; the branches are all combinations of their values, in order."""
    method: type[Method] = registries.method.get(config.method.name)
    phases = {name: phase_of(method.Config, name.rpartition(".")[2]) for each in branches for name in each.values}
    trained = [name for name in phases if phases[name] != EVALUATION]
    groups: dict[str, list[tuple[Branch, TrialConfig]]] = {}
    for branch in branches:
        of_branch = resolve_trial(assign(config.plain(), branch.values), registries)
        groups.setdefault(repr([branch.values[name] for name in trained]), []).append((branch, of_branch))
    lines = tuple(_line(group) for group in groups.values())
    if len(lines) == 1:
        return Fork(lines)
    serves = tuple(zip(*([name for served in line.serves for name in served] for line in lines), strict=True))
    trunk = Line(lines[0].config, lines[0].settings, serves)
    return Fork(lines, trunk, min((phases[name] for name in trained), key=method.phases.index))


def _line(group: Sequence[tuple[Branch, TrialConfig]]) -> Line:
    settings = tuple(config.method for _, config in group)
    return Line(group[0][1], settings, tuple((branch.name,) for branch, _ in group))

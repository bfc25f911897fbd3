"""A checked study: what to run, what may vary, what to optimise (``load.py`` reads it from its file)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sparsetune.base.messages import Branch, OwnFile
from sparsetune.base.paths import Project
from sparsetune.base.secrets import without_password
from sparsetune.config.base import Part, places
from sparsetune.config.facts import evaluations, rewinds
from sparsetune.config.overrides import assign, flatten
from sparsetune.config.registry import StudyRegistries
from sparsetune.config.space.cells import Cell, cells, within
from sparsetune.config.space.points import Chooser, branch_of, corners, draw, flat_base
from sparsetune.config.space.space import Space
from sparsetune.config.study.constraints import Constraint
from sparsetune.config.study.file import Budget, Objective, Resources, Tracking
from sparsetune.config.study.forks import branches_of
from sparsetune.config.study.objectives import formulas_of, numbers_of
from sparsetune.config.study.problem import Extent, Problem
from sparsetune.config.trial import TrialConfig


@dataclass(frozen=True)
class Study:
    """A checked study: all that the other rooms need to run it."""

    name: str
    source: Path
    project: Project
    bases: Mapping[str, TrialConfig]  # that the space varies, by the branch of a choice; "" without one
    space: Space
    objectives: tuple[Objective, ...]
    sampler: Part
    pruner: Part
    budget: Budget
    resources: Resources
    tracking: Tracking
    storage: str
    registries: StudyRegistries  # with the study's own files
    constraints: tuple[Constraint, ...] = ()
    replicates: int = 1
    fork: Mapping[str, Any] = field(default_factory=dict)
    start_with: tuple[Any, ...] = ()
    duplicates: str = "reuse"
    imports: tuple[OwnFile, ...] = ()

    @property
    def trial(self) -> TrialConfig:
        """The base, of several branches the first."""
        return next(iter(self.bases.values()))

    @property
    def judged_by(self) -> list[str]:
        """Names of the metrics that a complete run must have."""
        names = [*(each.metric for each in self.objectives), *(each.metric for each in self.constraints)]
        lacked = set().union(*self.lacking.values())
        return [name for name in dict.fromkeys(names) if name not in lacked]

    @cached_property
    def lacking(self) -> dict[str, list[str]]:
        """By method, the metrics of constraints that its trials do not have; in these such a constraint is met."""
        computed = formulas_of(self.objectives)
        named = [each.metric for each in self.constraints if each.metric not in computed]
        has = {base.method.name: numbers_of(base, self.registries) for base in self.bases.values()}
        return {method: [name for name in named if name not in numbers] for method, numbers in has.items()}

    @property
    def judged_in(self) -> dict[str, list[str]]:
        """By method, further metrics that a complete run of it must have."""
        further = set().union(*self.lacking.values())
        return {method: sorted(further.difference(lacked)) for method, lacked in self.lacking.items()}

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of a trial's replicates: the same for all trials, so that they differ by their configs alone."""
        return tuple(range(self.trial.seed, self.trial.seed + self.replicates))

    @cached_property
    def branches(self) -> tuple[Branch, ...]:
        """Of the fork; a nameless one without it."""
        return branches_of(self.fork)

    @cached_property
    def plain_bases(self) -> dict[str, dict[str, Any]]:
        return {branch: base.plain() for branch, base in self.bases.items()}

    @cached_property
    def cells(self) -> list[dict[str, Any]]:
        """What factors divide it into; each is searched by itself."""
        return cells(self.space)

    @cached_property
    def flat_base(self) -> dict[str, Any]:
        """What does not vary, by dotted name."""
        return flat_base(self.space, self.plain_bases)

    def config(self, choose: Chooser, cell: Cell) -> dict[str, Any]:
        """The plain trial config of the point that is drawn with ``choose``: the base of its branch, with all that the
        space sets; raises :class:`BadInput` where an expression has no value."""
        params, settings = draw(within(self.space, cell), self.flat_base, choose)
        return assign(self.plain_bases[branch_of(self.space, params)], settings)

    @cached_property
    def problem(self) -> Problem:
        """What a sampler and a pruner are told, but for what a cell's is (:meth:`problem_in`)."""
        return Problem(
            name=self.name,
            seed=self.trial.seed,
            parameters=self.space.parameters,
            objectives=self.objectives,
            constraints=len(self.constraints),
            replicates=self.replicates,
            epochs=self._epochs,
            rewinds=any(rewinds(base, self.registries) for base in self.bases.values()),
            metrics=self.registries.metrics,
            each_epoch=self._each_epoch,
        )

    def problem_in(self, cell: Cell) -> Problem:
        """What they are told of a cell."""
        return replace(self.problem, parameters=within(self.space, cell).parameters)

    @property
    def remarks(self) -> list[str]:
        """What its sampler has to say of it."""
        sampler = self.registries.sampler.get(self.sampler.name)
        said = (sampler.remarks(self.sampler, self.problem_in(cell)) for cell in self.cells)
        return list(dict.fromkeys(remark for remarks in said for remark in remarks))

    @cached_property
    def sizes(self) -> list[int | None]:
        """How many different points can be drawn in each cell, where the sampler counts them out (grid)."""
        sampler = self.registries.sampler.get(self.sampler.name)
        return [sampler.size(self.sampler, self.problem_in(cell)) for cell in self.cells]

    @property
    def points(self) -> int | None:
        """How many these are in all."""
        counted = [size for size in self.sizes if size is not None]
        return sum(counted) if len(counted) == len(self.sizes) else None

    def extent(self, begin_with: int = 0) -> Extent:
        """How many trials there are to be; so many points that the study begins with come before all others."""
        return Extent(self.budget.trials, None if self.points is None else self.points + begin_with)

    @property
    def _each_epoch(self) -> bool:
        """Whether all trials measure after each epoch what is else known at the end."""
        asked = all(base.metrics.each_epoch for base in self.bases.values())
        return asked and "metrics.each_epoch" not in self.space.targets

    @property
    def _epochs(self) -> int:
        """That the longest trial trains, or its evaluations where they are not one an epoch."""
        longest = max(evaluations(base, self.registries) for base in self.bases.values())
        if "training.epochs" not in self.space.targets:
            return longest
        ends = corners(self.space, self.flat_base)
        return max([longest, *(int(point.get("training.epochs", 0)) for point in ends)])

    @property
    def prunes(self) -> bool:
        """Whether a pruner looks at the rows of running trials."""
        return self.pruner.name != "none"

    @property
    def report_every(self) -> str:
        """How often a trial reports. A round trip an epoch costs small trainings more than their steps."""
        auto = "1ep" if self.prunes else "1s"
        return auto if self.tracking.report_every == "auto" else self.tracking.report_every

    def places(self, section: str) -> set[str]:
        """The fields of a section that say where its files lie."""
        return {name for base in self.bases.values() for name in places(getattr(base, section))}

    @property
    def definition(self) -> dict[str, Any]:
        """What makes it this study: a change of any of these is another study. Where files lie is none of it."""
        plain = self.trial.plain()
        if len(self.bases) > 1:
            bases = self.bases.items()
            for name in self.space.chosen:
                plain[name] = {branch: getattr(base, name).model_dump(mode="json") for branch, base in bases}
        plain["data"].pop("root", None)
        return {
            **plain,
            "space": self.space.plain(),
            "objectives": [objective.model_dump(exclude_none=True) for objective in self.objectives],
            **self._further,
        }

    @property
    def _further(self) -> dict[str, Any]:
        """What few studies have, so that others mean what they meant before it could be said."""
        said = {
            "constraints": [each.model_dump(exclude_none=True) for each in self.constraints],
            "replicates": self.replicates if self.replicates > 1 else None,
            "fork": dict(self.fork),
            "start_with": list(self.start_with),
            "duplicates": self.duplicates if self.duplicates != "reuse" else None,
        }
        return {key: value for key, value in said.items() if value}

    def resolved(self) -> dict[str, Any]:
        """The whole study with its defaults filled in, as a study file would say it; without passwords."""
        chosen = {f"{section}.name" for section in self.space.chosen}
        varied = {*self.space.targets, *self.fork, *chosen}
        bases = [flatten(base.plain()) for base in self.bases.values()]
        fixed = {
            name: value
            for name, value in bases[0].items()
            if name not in varied and all(name in base and base[name] == value for base in bases)
        }
        sections, space = assign({}, fixed), self.space.in_study()
        of_all = {name: {**sections.get(name, {}), **space[name]} for name in self.space.chosen}
        tracking = self.tracking.model_dump(exclude_none=True)
        if self.tracking.uri:
            tracking["uri"] = without_password(self.tracking.uri)
        return {
            "study": self.name,
            **sections,
            **space,
            **of_all,
            "objectives": self.definition["objectives"],
            **self._further,
            **({"import": [file.name for file in self.imports]} if self.imports else {}),
            "sampler": self.sampler.model_dump(mode="json"),
            "pruner": self.pruner.model_dump(mode="json"),
            "budget": self.budget.model_dump(),
            "resources": self.resources.model_dump(),
            "tracking": tracking,
            "storage": without_password(self.storage),
        }

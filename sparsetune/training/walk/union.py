"""The trees of a trial's branches as one: what several of them say alike is one node, and is trained once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from sparsetune.sparsity.history import window_of
from sparsetune.sparsity.stage import AGAIN, GO_ON, Stage, View
from sparsetune.training.keys import digest

LAST = "last"  # the end of a stage that stops at its full length, whoever looks at it


@dataclass
class Looked:
    """A view, and the branches that it is of."""

    view: View
    branches: list[str] = field(default_factory=list)

    @cached_property
    def key(self) -> str:
        """Tells it from other views of a node."""
        return digest(self.view)

    @cached_property
    def end(self) -> str:
        """Tells its end from those of other views of a node."""
        view = self.view
        if view.until is None and view.keep == "last":
            return LAST
        return digest(view.keep, view.until, view.least, view.setting)


@dataclass
class Node:
    """A stage of one or several branches.

    Attributes:
        path: names from the root.
        stage: as each of the branches has it, but for ``view``, ``reused`` and ``then``.
        start: which end of the parent it starts from.
        begins: iterations of the learning rate's schedule before it.
        horizon: that the schedule spans.
        local: digest of all this.
        is_root: nothing comes before it.
        reused: one of them says that other trainings may have it, too.
        number: of the node, parents first.
    """

    path: str
    stage: Stage
    start: str
    begins: int
    horizon: int
    local: str
    is_root: bool
    reused: bool = False
    views: list[Looked] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)
    number: int = 0

    @property
    def depth(self) -> int:
        """Stages on the longest way from here, this one with them."""
        return 1 + max((child.depth for child in self.children), default=0)

    @property
    def branches(self) -> list[str]:
        """All that it is a part of."""
        return [branch for looked in self.views for branch in looked.branches]

    @property
    def window(self) -> int:
        """How many of the last evaluations its rules look at."""
        rules = [*(looked.view.until for looked in self.views), *(each.when for each in self.stage.between)]
        return window_of(rules)

    def walked(self) -> list[Node]:
        """The children in the order in which they are trained: the deepest last, so that few ends are kept."""
        return sorted(self.children, key=lambda child: child.depth)


@dataclass(frozen=True)
class Step:
    """One stage of a branch: where it stands in the union, and the step that it follows."""

    node: Node
    looked: Looked
    parent: Step | None


@dataclass(frozen=True)
class Union:
    """Attributes:
    roots: in the order of the branches.
    nodes: all of them, parents first.
    steps: the stages of each branch in the order of its own tree.
    """

    roots: list[Node]
    nodes: list[Node]
    steps: Mapping[str, list[Step]]

    @cached_property
    def by_iterations(self) -> bool:
        """Whether a stage is told in them."""
        stages = [node.stage for node in self.nodes]
        return any(time.unit == "it" for each in stages for time in (each.duration, each.every))


def union_of(trees: Mapping[str, Stage], epoch: int, *, spans: bool) -> Union:
    """Merge the trees of branches, by name.

    Args:
        epoch: iterations of one.
        spans: whether the learning rate's schedule depends on the whole length: trainings of other length differ then.
    """
    roots: list[Node] = []
    steps: dict[str, list[Step]] = {}
    for branch, tree in trees.items():
        merging = _Merging(branch, epoch, spans)
        merging.add(roots, tree, LAST, "", 0, {}, _length(tree, epoch), None)
        steps[branch] = merging.steps
    nodes = list(_parents_first(roots))
    for number, node in enumerate(nodes):
        node.number = number
    return Union(roots, nodes, steps)


def planned(tree: Stage, epoch: int) -> int:
    """Iterations on the longest way through a tree, where no rule ends a stage early."""
    return tree.duration.iterations(epoch) + max((planned(child, epoch) for child in tree.then), default=0)


class _Merging:
    def __init__(self, branch: str, epoch: int, spans: bool) -> None:
        self._branch, self._epoch, self._spans = branch, epoch, spans
        self.steps: list[Step] = []

    def add(
        self,
        among: list[Node],
        stage: Stage,
        start: str,
        path: str,
        planned_to: int,
        snapshots: Mapping[str, int],
        horizon: int,
        parent: Step | None,
    ) -> None:
        """Find or make the node of a stage among its siblings, and those of what follows."""
        path = f"{path}/{stage.name}" if path else stage.name
        skipped = stage.skipped.iterations(self._epoch)
        begins, horizon = planned_to + skipped, horizon + skipped
        self._check(stage, path, (GO_ON, AGAIN, *snapshots))
        if not stage.goes_on:
            begins = 0 if stage.schedule == AGAIN else snapshots[stage.schedule]
            horizon = begins + _length(stage, self._epoch)
        if stage.horizon is not None:
            horizon = stage.horizon.iterations(self._epoch)
        node = self._node(among, stage, start, path, begins, horizon)
        node.reused = node.reused or stage.reused
        looked = next((each for each in node.views if each.key == digest(stage.view)), None)
        if looked is None:
            looked = Looked(stage.view)
            node.views.append(looked)
        looked.branches.append(self._branch)
        step = Step(node, looked, parent)
        self.steps.append(step)
        taken = {name: begins + time.iterations(self._epoch) for name, time in stage.snapshots}
        for child in stage.then:
            end = begins + stage.duration.iterations(self._epoch)
            self.add(node.children, child, looked.end, path, end, {**snapshots, **taken}, horizon, step)

    def _check(self, stage: Stage, path: str, starts: Sequence[str]) -> None:
        """Raise ``ValueError`` for a start that is none, and for a snapshot that would never be taken."""
        for what in ("schedule", "order"):
            if getattr(stage, what) not in starts:
                allowed = ", ".join(map(repr, starts))
                raise ValueError(f"stage {path}: found {what} {getattr(stage, what)!r}, allowed: {allowed}")
        for name, since in stage.snapshots:
            if since.iterations(self._epoch) > stage.duration.iterations(self._epoch):
                raise ValueError(f"stage {path}: snapshot {name!r} after {since}, allowed: up to {stage.duration}")

    def _node(self, among: list[Node], stage: Stage, start: str, path: str, begins: int, horizon: int) -> Node:
        """The node of a stage: that of an earlier branch, if it has an equal one."""
        plain = replace(stage, view=View(), reused=False, then=())
        local = digest(
            path, plain, begins, horizon if self._spans else 0, stage.view.setting if stage.between else None
        )
        for node in among:
            if (node.start, node.local) == (start, local):
                return node
        among.append(Node(path, plain, start, begins, horizon, local, is_root=path == stage.name))
        return among[-1]


def _length(stage: Stage, epoch: int) -> int:
    """Iterations to the end of what its schedule spans by itself: on the longest way of stages that go on with it."""
    further = [_length(child, epoch) for child in stage.then if child.goes_on]
    return stage.duration.iterations(epoch) + max(further, default=0)


def _parents_first(nodes: list[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _parents_first(node.children)

"""What branches say alike is one node, and where each stands in a schedule; an epoch has ten iterations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsetune.base.durations import Duration
from sparsetune.sparsity.history import Patience
from sparsetune.sparsity.stage import AGAIN, Between, Stage, View
from sparsetune.training.walk.union import Node, Union, planned, union_of

EPOCH = 10


@dataclass(frozen=True)
class Prune:
    kept: float

    def __call__(self, session: Any, state: Any = None) -> None:
        raise NotImplementedError


def stage(name: str, epochs: int = 1, *then: Stage, **others: Any) -> Stage:
    return Stage(name, Duration(epochs), then=then, **others)


def united(*trees: Stage, spans: bool = False) -> Union:
    """Branches are called a, b, c."""
    return union_of(dict(zip("abc", trees, strict=False)), EPOCH, spans=spans)


def said(union: Union) -> list[tuple[str, list[str]]]:
    """Of each node its path, and the branches of each of its views."""
    return [(node.path, ["".join(looked.branches) for looked in node.views]) for node in union.nodes]


def schedule(union: Union) -> dict[str, tuple[int, int]]:
    return {node.path: (node.begins, node.horizon) for node in union.nodes}


def test_one_tree_is_itself() -> None:
    union = united(stage("train", 3, stage("left", 1, stage("deep")), stage("right")))
    assert said(union) == [("train", ["a"]), ("train/left", ["a"]), ("train/left/deep", ["a"]), ("train/right", ["a"])]
    assert [node.number for node in union.nodes] == [0, 1, 2, 3]
    train, left, deep, right = union.nodes
    assert union.roots == [train]
    assert (train.children, left.children, deep.children, right.children) == ([left, right], [deep], [], [])
    assert [node.depth for node in union.nodes] == [3, 2, 1, 1]
    steps = union.steps["a"]
    assert [step.node for step in steps] == union.nodes
    assert [None if step.parent is None else step.parent.node for step in steps] == [None, train, left, train]
    assert all(node.stage.then == () for node in union.nodes)


def test_equal_trees_are_one() -> None:
    tree = stage("train", 3, stage("after", before=(Prune(0.5),)))
    union = united(tree, tree, stage("train", 3, stage("after", before=(Prune(0.5),))))
    assert said(union) == [("train", ["abc"]), ("train/after", ["abc"])]
    assert [node.branches for node in union.nodes] == [["a", "b", "c"]] * 2


def test_trees_share_what_lies_before_they_differ() -> None:
    trees = [stage("train", 3, stage("after", 1, before=(Prune(kept),))) for kept in (0.5, 0.2, 0.5)]
    union = united(*trees)
    assert said(union) == [("train", ["abc"]), ("train/after", ["ac"]), ("train/after", ["b"])]
    assert [step.node.number for step in union.steps["b"]] == [0, 2]
    assert [step.node.number for step in union.steps["c"]] == [0, 1]


def test_what_differs_at_the_beginning_shares_nothing() -> None:
    trees = [stage("train", 3, stage("after"), sees=sees) for sees in ({"lr": 1}, {"lr": 2}, {"lr": 1.0})]
    union = united(*trees)
    assert said(union) == [("train", ["ac"]), ("train/after", ["ac"]), ("train", ["b"]), ("train/after", ["b"])]
    assert [node.number for node in union.roots] == [0, 2]


OTHERS: dict[str, dict[str, Any]] = {
    "duration": {"duration": Duration(2)},
    "unit": {"duration": Duration(10, "it")},
    "sees": {"sees": {"density": 0.5}},
    "every": {"every": Duration(5, "it")},
    "before": {"before": (Prune(0.5),)},
    "between": {"between": (Between(1, Prune(0.5)),)},
    "optimizer": {"optimizer": "new"},
    "schedule": {"schedule": AGAIN},
    "order": {"order": AGAIN},
    "snapshots": {"snapshots": (("k", Duration(5, "it")),)},
    "settle": {"settle": 1},
    "name": {"name": "later"},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_any_value_of_a_stage_tells_it_from_others(other: dict[str, Any]) -> None:
    plain = stage("after")
    union = united(stage("train", 3, plain), stage("train", 3, replace(plain, **other)))
    assert [branches for _, branches in said(union)] == [["ab"], ["a"], ["b"]]


def test_an_end_by_content_tells_stages_apart() -> None:
    plain = Stage("prune", Duration(0))
    union = united(stage("train", 3, plain), stage("train", 3, replace(plain, content=True)))
    assert [branches for _, branches in said(union)] == [["ab"], ["a"], ["b"]]


def views_of(*views: View) -> list[Stage]:
    return [stage("train", 3, stage("after"), view=view) for view in views]


def test_a_fork_over_a_setting_of_evaluation_is_one_node_with_a_view_for_each() -> None:
    union = united(*views_of(View(1, results=("last",)), View(5, results=("last",)), View(1, results=("last",))))
    assert said(union) == [("train", ["ac", "b"]), ("train/after", ["abc"])]
    train, _ = union.nodes
    assert [looked.view.setting for looked in train.views] == [1, 5]
    assert [step.looked for step in (union.steps["a"][0], union.steps["b"][0])] == train.views
    assert union.steps["c"][0].looked is train.views[0]


@pytest.mark.parametrize("view", [View(1, keep="best"), View(1, until=Patience(2))])
def test_what_ends_by_how_it_is_looked_at_has_an_end_for_each_way(view: View) -> None:
    """And what follows is trained for each."""
    union = united(*views_of(view, replace(view, setting=2), view))
    assert said(union) == [("train", ["ac", "b"]), ("train/after", ["ac"]), ("train/after", ["b"])]
    train, *after = union.nodes
    assert [node.start for node in after] == [looked.end for looked in train.views]
    assert len({looked.end for looked in train.views}) == 2


def test_what_is_kept_as_rows_and_measured_changes_no_end() -> None:
    patient = View(1, until=Patience(2), keep="best")
    ways = [replace(patient, keep_row=0), replace(patient, results=("best",))]
    union = united(*views_of(patient, *ways))
    assert said(union) == [("train", ["a", "b", "c"]), ("train/after", ["abc"])]


ENDS = [
    View(),
    View(1, until=Patience(2)),
    View(1, until=Patience(3)),
    View(1, until=Patience(2), least=Duration(1)),
    View(1, until=Patience(2), keep="best"),
    View(2, until=Patience(2)),
    View(1, keep="best"),
    View(2, keep="best"),
]


def test_any_value_that_an_end_depends_on_makes_another() -> None:
    trees = {str(number): tree for number, tree in enumerate(views_of(*ENDS))}
    train, *after = union_of(trees, EPOCH, spans=False).nodes
    assert len({looked.end for looked in train.views}) == len(after) == len(ENDS)
    assert len({looked.key for looked in train.views}) == len(ENDS)


def test_where_a_procedure_comes_between_evaluations_settings_are_trained_apart() -> None:
    """A rule of the setting decides whether it comes."""
    trees = [stage("train", 3, between=(Between(2, Prune(0.5)),), view=View(setting)) for setting in (1, 2)]
    assert said(united(*trees)) == [("train", ["a"]), ("train", ["b"])]


def test_trainings_of_other_length_share_what_no_schedule_spans() -> None:
    trees = [stage("train", 3, stage("after", epochs)) for epochs in (1, 3)]
    assert said(united(*trees)) == [("train", ["ab"]), ("train/after", ["a"]), ("train/after", ["b"])]
    apart = united(*trees, spans=True)
    assert said(apart) == [("train", ["a"]), ("train/after", ["a"]), ("train", ["b"]), ("train/after", ["b"])]
    assert [(node.begins, node.horizon) for node in apart.nodes] == [(0, 40), (30, 40), (0, 60), (30, 60)]


def test_a_schedule_spans_the_longest_way_only() -> None:
    """Of two branches with another stage beside it, or one whose schedule is its own, the length is the same."""
    trees = [
        stage("train", 3, stage("long", 4)),
        stage("train", 3, stage("long", 4), stage("short", 2)),
        stage("train", 3, stage("long", 4), stage("own", 9, schedule=AGAIN)),
    ]
    union = united(*trees, spans=True)
    assert said(union) == [("train", ["abc"]), ("train/long", ["abc"]), ("train/short", ["b"]), ("train/own", ["c"])]
    assert schedule(union) == {
        "train": (0, 70), "train/long": (30, 70), "train/short": (30, 70), "train/own": (0, 90),
    }  # fmt: skip


def test_a_schedule_goes_on_as_planned() -> None:
    """Whatever ends a stage early: positions are functions of settings."""
    tree = stage(
        "one", 3, stage("two", 2, stage("three", 1), view=View(until=Patience(1))), view=View(until=Patience(1))
    )
    assert schedule(united(tree)) == {"one": (0, 60), "one/two": (30, 60), "one/two/three": (50, 60)}


def test_a_schedule_begins_again_and_what_follows_goes_on_from_there() -> None:
    again = stage("again", 4, stage("more", 2), schedule=AGAIN)
    found = schedule(united(stage("train", 3, again, stage("after", 1))))
    assert found == {"train": (0, 40), "train/again": (0, 60), "train/again/more": (40, 60), "train/after": (30, 40)}


def test_a_schedule_goes_on_from_a_snapshot() -> None:
    """Also from one of a stage long before, and from one that was taken where the schedule was set back itself."""
    tree = stage(
        "train", 3,
        stage(
            "level 1", 2,
            stage("level 2", 1, schedule="early"),
            stage("beside", 1, schedule="late"),
            stage("on", 1),
            schedule="early",
            snapshots=(("late", Duration(15, "it")),),
        ),
        snapshots=(("early", Duration(1)), ("start", Duration(0))),
    )  # fmt: skip
    assert schedule(united(tree)) == {
        "train": (0, 30),
        "train/level 1": (10, 40),  # two epochs, and one of what goes on with it
        "train/level 1/level 2": (10, 20),
        "train/level 1/beside": (25, 35),
        "train/level 1/on": (30, 40),
    }


def test_a_horizon_of_its_own_is_handed_on() -> None:
    tree = stage(
        "train", 3, stage("after", 1, stage("more", 1)), stage("again", 1, schedule=AGAIN), horizon=Duration(9)
    )
    assert schedule(united(tree)) == {
        "train": (0, 90), "train/after": (30, 90), "train/after/more": (40, 90), "train/again": (0, 10),
    }  # fmt: skip


def test_a_snapshot_that_no_stage_before_has_is_refused() -> None:
    """One beside it does not count."""
    beside = stage("beside", 1, snapshots=(("late", Duration(0)),))
    tree = stage("train", 3, beside, stage("after", 1, schedule="late"), snapshots=(("early", Duration(1)),))
    expected = r"^stage train/after: found schedule 'late', allowed: 'go on', 'again', 'early'$"
    with pytest.raises(ValueError, match=expected):
        united(tree)


def test_the_deepest_child_is_walked_last() -> None:
    """So that few ends are kept; else in the order of the branches."""
    deep = stage("deep", 1, stage("deeper", 1, stage("deepest")))
    (train, *_) = united(stage("train", 1, deep, stage("one"), stage("two", 9), stage("and", 1, stage("more")))).nodes
    assert [child.stage.name for child in train.children] == ["deep", "one", "two", "and"]
    walked = [child.stage.name for child in train.walked()]
    assert walked[-1] == "deep"
    assert sorted(walked) == ["and", "deep", "one", "two"]
    assert walked.index("one") < walked.index("two")
    (of_three, *_) = united(*(stage("train", 1, each) for each in (deep, stage("one"), stage("two")))).nodes
    assert [child.stage.name for child in of_three.walked()] == ["one", "two", "deep"]


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (stage("train", 3, stage("after")), False),
        (Stage("train", Duration(30, "it")), True),
        (stage("train", 3, every=Duration(5, "it")), True),
        (stage("train", 3, Stage("after", Duration(5, "it"))), True),
        (stage("train", 3, snapshots=(("k", Duration(5, "it")),)), False),
    ],
)
def test_whether_a_stage_is_told_in_iterations(tree: Stage, expected: bool) -> None:
    assert united(tree).by_iterations is expected


def test_the_longest_way_by_hand() -> None:
    tree = stage("a", 3, stage("b", 1, Stage("c", Duration(25, "it"))), stage("d", 3))
    assert planned(tree, EPOCH) == 30 + 10 + 25


@dataclass(frozen=True)
class Last:
    window: int

    def __call__(self, history: Any, session: Any) -> bool:
        raise NotImplementedError


def test_a_node_s_window_is_that_of_its_farthest_rule() -> None:
    trees = [
        stage("train", 3, view=View(n, until=Last(n)), between=(Between(1, Prune(1), Last(4)),)) for n in (2, 7)
    ]  # fmt: skip
    assert [node.window for node in united(*trees).nodes] == [4, 7]
    views = [stage("train", 3, view=View(n, until=Last(n))) for n in (2, 3)]
    assert [node.window for node in united(*views, stage("train", 3)).nodes] == [3]
    assert [node.window for node in united(stage("train")).nodes] == [1]


def trees_of(depth: int) -> st.SearchStrategy[Stage]:
    names = st.lists(st.sampled_from("xyz"), unique=True, max_size=2 if depth else 0)

    def built(parts: tuple[list[str], int, int, list[Stage]]) -> Stage:
        children, epochs, setting, below = parts
        then = tuple(replace(each, name=name) for name, each in zip(children, below, strict=False))
        return Stage("root", Duration(epochs), view=View(setting), then=then)

    below = st.lists(trees_of(depth - 1), min_size=2, max_size=2) if depth else st.just([])
    return st.tuples(names, st.integers(1, 2), st.integers(1, 2), below).map(built)


def ways(tree: Stage, path: str = "", before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Of each stage of a tree all that tells it from others, with all that lies before it."""
    path = f"{path}/{tree.name}"
    here = (*before, (path, tree.duration))
    return [here, *(way for child in tree.then for way in ways(child, path, here))]


@given(st.lists(trees_of(2), min_size=1, max_size=3))
def test_there_is_a_node_for_each_stage_that_has_no_equal_with_an_equal_past(trees: list[Stage]) -> None:
    """And each branch's steps are its own tree, stage by stage."""
    union = united(*trees)
    assert len(union.nodes) == len({way for tree in trees for way in ways(tree)})
    for branch, tree in zip("abc", trees, strict=False):
        steps = union.steps[branch]
        own = [(way[-1][0][1:], way[-1][1]) for way in ways(tree)]
        assert [(step.node.path, step.node.stage.duration) for step in steps] == own
        assert all(branch in step.looked.branches and step.looked in step.node.views for step in steps)
    listed: list[Node] = []
    for node in union.nodes:
        assert node.number == len(listed)
        above = [*union.roots, *(child for parent in listed for child in parent.children)]
        assert any(node is each for each in above)
        listed.append(node)


@pytest.mark.parametrize("what", ["schedule", "order"])
def test_a_start_that_is_none_is_refused(what: str) -> None:
    child = replace(Stage("b", Duration(1)), **{what: "nowhere"})
    with pytest.raises(ValueError, match=rf"^stage a/b: found {what} 'nowhere', allowed: 'go on', 'again', 'k'$"):
        union_of({"": Stage("a", Duration(2), snapshots=(("k", Duration(1)),), then=(child,))}, 6, spans=False)


def test_a_snapshot_after_the_end_is_refused() -> None:
    with pytest.raises(ValueError, match="snapshot 'k' after 13it, allowed: up to 2ep"):
        union_of({"": Stage("a", Duration(2), snapshots=(("k", Duration(13, "it")),))}, 6, spans=False)

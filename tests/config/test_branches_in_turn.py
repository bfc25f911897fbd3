"""Branches that trials take in turn: ``factor`` in the place of ``choose``. Each is a cell of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sparsetune.app.study import load
from sparsetune.base.yaml_io import dump
from sparsetune.config.space import Space, cells, corners, joined, load_choice, load_space, within
from sparsetune.config.space.cells import holds
from sparsetune.show.space import space_lines

from .files import GONE, accepted, refused, write
from .test_cells import AST, BATCH, DENSE, KP, MOMENTUM, Raw

BRANCHES: Raw = {"dense": DENSE, "ast": AST, "random_subset": None}
OWN = [
    {"method.name": "dense"},
    {"method.name": "ast", "ast.normalize": "none"},
    {"method.name": "ast", "ast.normalize": "ema"},
    {"method.name": "random_subset"},
]


def space_of(branches: Raw, shared: Raw) -> Space:
    nowhere = Path("/nowhere")
    choice = load_choice("method", {"factor": branches}, nowhere, "s")
    return joined(load_space(shared, folder=nowhere, source="s"), [choice])


def in_turn(branches: Raw, **changes: Any) -> Raw:
    return {"method": {"factor": branches}, "space": {}, "training": {"epochs": 2}, **changes}


def test_each_branch_has_cells_of_its_own() -> None:
    assert cells(space_of(BRANCHES, {})) == OWN
    sizes = ({"training.batch_size": size} for size in (32, 64))
    assert cells(space_of(BRANCHES, BATCH)) == [{**size, **each} for size in sizes for each in OWN]


def test_the_space_of_a_cell_is_that_of_its_branch() -> None:
    space = space_of(BRANCHES, MOMENTUM)
    assert [within(space, cell).chosen["method"] for cell in cells(space)] == [
        ("dense",),
        ("ast",),
        ("ast",),
        ("random_subset",),
    ]
    dense = within(space, OWN[0])
    assert not dense.factors
    assert {name: rule.when for name, rule in dense.parameters.items()} == {
        "method.name": {},
        "training.momentum": {},
        "training.nesterov": {},
        "dense.n_dropout_layers": {},
    }
    assert list(within(space, OWN[3]).parameters) == ["method.name", "training.momentum"]


def test_the_cells_of_a_point() -> None:
    space = space_of(BRANCHES, {})
    assert [holds(space, cell, {"method.name": "ast"}) for cell in OWN] == [False, True, True, False]
    assert [holds(space, cell, {"ast.normalize": "ema"}) for cell in OWN] == [True, False, True, True]


def test_corners_are_those_of_each_branch() -> None:
    base = {"dense.n_dropout_layers": 0, "ast.normalize": "log", "ast.ema_alpha": 0.5, "ast.kp": 1}
    seen = {(p["method.name"], p.get("method.normalize")) for p in corners(space_of(BRANCHES, {}), base)}
    assert seen == {("dense", None), ("ast", "none"), ("ast", "ema"), ("random_subset", None)}


def test_in_words() -> None:
    lines = space_lines(space_of(BRANCHES, {}))
    assert lines[0] == "  method.name  each of dense, ast and random_subset"
    assert lines[-4:] == [
        "  4 cells by factors: trials go to them in turn, each is searched by itself",
        "    1 of them: dense",
        "    2 of them: ast",
        "    1 of them: random_subset",
    ]
    assert space_lines(space_of({"dense": DENSE, "ast": KP}, {}))[-1].startswith("  2 cells by factors: ")


def test_a_study_and_its_resolved_form_take_the_same_turns(tmp_path: Path) -> None:
    study = accepted(tmp_path, **in_turn(BRANCHES, space=BATCH))
    assert len(study.cells) == 8
    assert study.resolved()["method"] == {
        "factor": {"dense": {"method.n_dropout_layers": {"int": [0, 1]}}, "ast": AST, "random_subset": None}
    }
    again = load(write(tmp_path / "again", dump(study.resolved())))
    assert (again.cells, again.space.rules, again.definition) == (study.cells, study.space.rules, study.definition)
    drawn = accepted(tmp_path / "drawn", **in_turn({}, method={"choose": BRANCHES}, space=BATCH))
    assert drawn.definition != study.definition


def test_what_the_command_line_pins_is_a_study_of_that_branch(tmp_path: Path) -> None:
    file = write(tmp_path, **in_turn(BRANCHES))
    assert load(file, {"method.name": "dense"}).cells == [{}]
    assert load(file, {"method.name": "ast"}).cells == [{"ast.normalize": "none"}, {"ast.normalize": "ema"}]


def test_nothing_is_conditional_in_a_branch(tmp_path: Path) -> None:
    """So that samplers may do which take no ``when``; what a branch asks for itself stays."""
    steps = {"dense": DENSE, "ast": {"method.kp": {"float": [0.1, 0.3], "step": 0.1}}, "random_subset": None}
    study = accepted(tmp_path, **in_turn(steps, sampler="grid"))
    assert (study.sizes, study.points) == ([2, 3, 1], 6)
    line = refused(write(tmp_path, **in_turn({"ast": {**AST}, "dense": None}, sampler="gp")))
    assert line.startswith("sampler.name: 'gp' wants a space without `when`, found it at ast.ema_alpha")


def test_models_and_data_in_turn(tmp_path: Path) -> None:
    shared = {"model.name": {"factor": ["mlp", "lenet_300_100"]}, "data.seed": {"int": [0, 3]}}
    study = accepted(tmp_path, **in_turn(BRANCHES, space=shared, model=GONE))
    assert len(study.cells) == 8
    assert study.cells[1] == {"method.name": "dense", "model.name": "lenet_300_100"}
    config = study.config(lambda name, rule: rule.ends[-1], study.cells[1])
    assert (config["model"]["name"], config["data"]["seed"]) == ("lenet_300_100", 3)


@pytest.mark.parametrize(
    ("method", "line"),
    [
        (
            {"factor": {"dense": None}, "choose": {"ast": None}},
            "method: found choose and factor, allowed: one of them",
        ),
        (
            {"factor": ["dense", "ast"]},
            "method.factor: found ['dense', 'ast'], allowed: a mapping from a name to its search space, or to null",
        ),
        ({"factor": {}}, "method.factor: found {}, allowed: a mapping from a name to its search space, or to null"),
        ({"factor": {"dense": "gains"}}, "method.factor.dense: unknown search space 'gains'"),
        ({"factor": {"dens": None}}, "method.name: unknown method 'dens'; did you mean 'dense'?"),
        ({"factor": {"dense": {"method.name": {"factor": ["ast"]}}}}, "method.name: method.name is dense here"),
    ],
)
def test_refused(method: Raw, line: str, tmp_path: Path) -> None:
    said = refused(write(tmp_path, **in_turn({}, method=method)))
    assert said.startswith(line)

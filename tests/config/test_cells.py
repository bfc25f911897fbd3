"""What factors divide a study into: those of all branches, those of one, and the space of a cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sparsetune.app.study import load
from sparsetune.base.errors import BadInput
from sparsetune.base.yaml_io import dump
from sparsetune.config.space import Space, cells, corners, joined, load_choice, load_space, within
from sparsetune.config.space.cells import holds
from sparsetune.show.space import space_lines

from .files import accepted, refused, write
from .files import space as write_space

Raw = dict[str, Any]
KP = {"method.kp": {"float": [0.1, 1.0]}}
NORMALIZE = {"method.normalize": {"factor": ["none", "ema"]}}
AST = {**KP, **NORMALIZE, "method.ema_alpha": {"float": [0.1, 0.9], "when": {"method.normalize": "ema"}}}
DENSE = {"method.n_dropout_layers": {"int": [0, 1]}}
BATCH = {"training.batch_size": {"factor": [32, 64]}}
CHOOSE: Raw = {"dense": DENSE, "ast": AST, "random_subset": None}
MOMENTUM = {
    "training.momentum": {"float": [0.5, 0.9], "when": {"method.name": ["dense", "random_subset"]}},
    "training.nesterov": {"choice": [True, False], "when": {"method.name": ["ast", "dense"]}},
}


def space_of(choose: Raw, shared: Raw) -> Space:
    nowhere = Path("/nowhere")
    branches = load_choice("method", {"choose": choose}, nowhere, "s")
    return joined(load_space(shared, folder=nowhere, source="s"), [branches])


def test_a_branch_with_factors_has_cells_of_its_own_and_the_others_share_theirs() -> None:
    assert cells(space_of(CHOOSE, BATCH)) == [
        {"training.batch_size": 32},
        {"training.batch_size": 32, "ast.normalize": "none"},
        {"training.batch_size": 32, "ast.normalize": "ema"},
        {"training.batch_size": 64},
        {"training.batch_size": 64, "ast.normalize": "none"},
        {"training.batch_size": 64, "ast.normalize": "ema"},
    ]
    both = {
        "dense": {"method.mc_samples": {"factor": [0, 5]}, "training.keep": {"factor": ["last", "best"]}},
        "ast": AST,
    }
    assert cells(space_of(both, {})) == [
        {"dense.mc_samples": 0, "dense.training.keep": "last"},
        {"dense.mc_samples": 0, "dense.training.keep": "best"},
        {"dense.mc_samples": 5, "dense.training.keep": "last"},
        {"dense.mc_samples": 5, "dense.training.keep": "best"},
        {"ast.normalize": "none"},
        {"ast.normalize": "ema"},
    ]  # and none without a factor: all branches have some
    assert cells(space_of({"dense": DENSE, "ast": KP}, BATCH)) == [{"training.batch_size": each} for each in (32, 64)]


def test_each_section_that_has_branches_is_divided_by_its_own() -> None:
    nowhere = Path("/nowhere")
    models = {"mlp": {"model.width_scale": {"factor": [1.0, 2.0]}}, "lenet5": None}
    choices = [
        load_choice("method", {"choose": {"dense": None, "ast": AST}}, nowhere, "s"),
        load_choice("model", {"choose": models}, nowhere, "s"),
    ]
    space = joined(load_space(None, folder=nowhere, source="s"), choices)
    assert cells(space) == [
        {"mlp.width_scale": 1.0},
        {"mlp.width_scale": 2.0},
        {},
        {"ast.normalize": "none", "mlp.width_scale": 1.0},
        {"ast.normalize": "none", "mlp.width_scale": 2.0},
        {"ast.normalize": "none"},
        {"ast.normalize": "ema", "mlp.width_scale": 1.0},
        {"ast.normalize": "ema", "mlp.width_scale": 2.0},
        {"ast.normalize": "ema"},
    ]
    assert within(space, {"ast.normalize": "ema"}).chosen == {"method": ("ast",), "model": ("lenet5",)}


def test_the_space_of_a_cell() -> None:
    """Other cells' branches are not there; what all of its own have is no condition, and its factors are constants."""
    space = space_of(CHOOSE, {**BATCH, **MOMENTUM})
    rest = within(space, {"training.batch_size": 32})
    assert rest.chosen == {"method": ("dense", "random_subset")}
    assert {name: rule.when for name, rule in rest.parameters.items()} == {
        "method.name": {},
        "training.momentum": {},
        "training.nesterov": {"method.name": ["ast", "dense"]},
        "dense.n_dropout_layers": {"method.name": "dense"},
    }
    own = within(space, {"training.batch_size": 64, "ast.normalize": "ema"})
    assert own.chosen == {"method": ("ast",)}
    assert {name: rule.when for name, rule in own.parameters.items()} == {
        "method.name": {},
        "training.nesterov": {},
        "ast.kp": {},
        "ast.ema_alpha": {"method.normalize": "ema"},
    }
    constants = {rule.target: rule.compute({}) for rule in own.determined.values()}
    assert constants == {"training.batch_size": 64, "method.normalize": "ema"}
    assert not own.factors
    undivided = space_of({"dense": DENSE, "ast": KP}, {})
    assert within(undivided, {}) == undivided


def test_the_cells_of_a_point() -> None:
    space = space_of(CHOOSE, BATCH)

    def where(**point: Any) -> list[int]:
        named = {name.replace("__", "."): value for name, value in point.items()}
        return [index for index, cell in enumerate(cells(space)) if holds(space, cell, named)]

    assert where() == [0, 1, 2, 3, 4, 5]
    assert where(method__name="dense") == where(method__name="random_subset") == [0, 3]
    assert where(method__name="ast") == [1, 2, 4, 5]
    assert where(method__name="ast", ast__normalize="ema") == [2, 5]
    assert where(method__name="dense", training__batch_size=64) == [3]


def test_corners_are_those_of_the_cells() -> None:
    space = space_of(CHOOSE, BATCH)
    base = {"dense.n_dropout_layers": 0, "ast.normalize": "log", "ast.ema_alpha": 0.5, "ast.kp": 1}
    seen = {
        (point["training.batch_size"], point["method.name"], point.get("method.normalize"), "method.ema_alpha" in point)
        for point in corners(space, base)
    }
    assert seen == {
        (size, *own)
        for size in (32, 64)
        for own in [
            ("dense", None, False),
            ("random_subset", None, False),
            ("ast", "none", False),
            ("ast", "ema", True),
        ]
    }


def test_in_words() -> None:
    lines = space_lines(space_of(CHOOSE, {}))
    assert "    method.normalize  each of none and ema" in lines
    assert lines[-3:] == [
        "  3 cells by factors: trials go to them in turn, each is searched by itself",
        "    1 of them: dense or random_subset",
        "    2 of them: ast",
    ]
    assert space_lines(space_of({"dense": DENSE}, BATCH))[-1].startswith("  2 cells by factors: ")


def chosen(root: Path, choose: Raw, **changes: Any) -> Raw:
    return {"method": {"choose": choose}, "space": {}, "training": {"epochs": 2}, **changes}


def test_a_study_and_its_resolved_form_are_divided_alike(tmp_path: Path) -> None:
    write_space(tmp_path, "gains", AST)
    study = accepted(tmp_path, **chosen(tmp_path, {"dense": DENSE, "ast": "gains"}, space=BATCH))
    assert len(study.cells) == 6
    again = load(write(tmp_path / "again", dump(study.resolved())))
    assert again.cells == study.cells
    assert again.space.rules == study.space.rules
    assert again.definition == study.definition
    config = study.config(lambda name, rule: rule.ends[0], {"training.batch_size": 64, "ast.normalize": "ema"})
    assert (config["method"]["name"], config["method"]["normalize"], config["training"]["batch_size"]) == (
        "ast",
        "ema",
        64,
    )


def test_what_the_command_line_pins_divides_no_more(tmp_path: Path) -> None:
    file = write(tmp_path, **chosen(tmp_path, {"dense": DENSE, "ast": AST}))
    assert load(file, {"method.name": "ast"}).cells == [{"ast.normalize": "none"}, {"ast.normalize": "ema"}]
    assert load(file, {"method.name": "dense"}).cells == [{}]
    keep = {"dense": {"training.keep": {"factor": ["last", "best"]}}, "ast": None}
    pinned = load(write(tmp_path, **chosen(tmp_path, keep)), {"training.keep": "best"})
    assert pinned.cells == [{}]
    assert pinned.space.chosen == {"method": ("dense", "ast")}


def test_a_grid_counts_the_points_of_each_cell(tmp_path: Path) -> None:
    steps = {"method.kp": {"float": [0.1, 0.3], "step": 0.1}, **NORMALIZE}
    study = accepted(tmp_path, **chosen(tmp_path, {"dense": DENSE, "ast": steps}, sampler="grid"))
    assert study.cells == [{}, {"ast.normalize": "none"}, {"ast.normalize": "ema"}]
    assert (study.sizes, study.points) == ([2, 3, 3], 8)  # each cell has one branch: nothing is conditional there
    more = {"dense": DENSE, "random_subset": None, "ast": steps}
    line = refused(write(tmp_path, **chosen(tmp_path, more, sampler="grid")))
    assert line.startswith("sampler.name: 'grid' wants a space without `when`, found it at dense.n_dropout_layers")


def test_each_cell_is_shown_to_the_sampler(tmp_path: Path) -> None:
    """What it refuses, it refuses for the cell that has it; what is conditional in none, it takes."""
    numbers = {"ast": {**KP, **NORMALIZE}, "dense": {"method.p_dropout": {"float": [0.1, 0.5]}}}
    one = {"objectives": [{"metric": "val_loss", "goal": "minimize"}], "sampler": "cmaes"}
    study = accepted(tmp_path, **chosen(tmp_path, numbers, **one))
    assert [list(study.problem_in(cell).parameters) for cell in study.cells] == [
        ["method.name", "ast.kp"],
        ["method.name", "ast.kp"],
        ["method.name", "dense.p_dropout"],
    ]
    with pytest.raises(BadInput, match=r"'cmaes' wants a space without `when`, found it at ast\.ema_alpha"):
        accepted(tmp_path, **chosen(tmp_path, {**numbers, "ast": AST}, **one))

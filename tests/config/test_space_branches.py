"""A choice between methods, each with a space of its own; and what is determined or crossed, in real trial configs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsetune.base.errors import BadInput
from sparsetune.base.yaml_io import dump, parse
from sparsetune.config.space import (
    Space,
    cells,
    corners,
    draw,
    flat_base,
    joined,
    load_choice,
    load_space,
    within,
)  # fmt: skip
from sparsetune.config.space.checks import check_space, resolve_bases
from sparsetune.config.space.conditions import exclusive
from sparsetune.config.trial import resolve_trial
from sparsetune.training.registries import REGISTRIES

from .files import configured
from .files import space as write_space
from .test_space_draws import written_spaces

Raw = dict[str, Any]
CHOOSE: Raw = {
    "ast": {
        "include": "gains",
        "method.normalize": {"value": "ema"},
        "method.ema_alpha": {"float": [0.1, 0.9], "when": {"method.normalize": "ema"}},
        "training.lr": {"float": [1e-3, 1e-1], "log": True},
        "training.weight_decay": {"derived": "training.lr * method.kp / 10"},
    },
    "dense": {
        "method.n_dropout_layers": {"int": [0, 1]},
        "method.p_dropout": {"float": [0.1, 0.5], "when": {"method.n_dropout_layers": {"above": 0}}},
        "training.momentum": {"float": [0.5, 0.9], "when": {"training.optimizer": "sgd", "method.mc_samples": 0}},
    },
}
SHARED: Raw = {
    "training.optimizer": {"choice": ["sgd", "adam"]},
    "training.batch_size": {"factor": [32, 64]},
    "training.epochs": {"derived": "640 / training.batch_size"},
}
TRIAL: Raw = {"data": "digits", "model": {"name": "mlp", "hidden": [8]}}


def loaded(root: Path, choose: Any = CHOOSE, shared: Any = SHARED, **more: Any) -> Space:
    write_space(root, "gains", {"method.kp": {"float": [0.1, 1.0], "log": True}})
    folder = root / "search_spaces"
    branches = load_choice("method", {"choose": choose, **more}, folder, "study.yaml")
    return joined(load_space(shared, folder=folder, source="study.yaml"), [branches])


def plain_bases(space: Space, **more: Any) -> dict[str, Raw]:
    bases = resolve_bases({**TRIAL, "method": {"choose": {}, **more}}, space, REGISTRIES, source="study.yaml")
    check_space(bases, space, REGISTRIES)
    return {branch: trial.plain() for branch, trial in bases.items()}


def point_of(space: Space, bases: Mapping[str, Raw], values: Raw, cell: Raw) -> tuple[Raw, Raw]:
    choose = lambda name, parameter: values.get(name, parameter.ends[0])  # noqa: E731
    drawn, _ = draw(within(space, cell), flat_base(space, bases), choose)
    config = configured(space, bases, drawn, cell)
    assert configured(space, bases, dict(reversed(drawn.items())), dict(cell)) == config
    assert resolve_trial(config, REGISTRIES).plain() == config
    return drawn, config


def test_each_branch_draws_its_own(tmp_path: Path) -> None:
    space = loaded(tmp_path)
    bases = plain_bases(space)
    assert list(bases) == ["ast", "dense"]
    drawn, config = point_of(space, bases, {"method.name": "ast", "ast.training.lr": 0.1}, {"training.batch_size": 32})
    expected = {
        "method.name": "ast",
        "training.optimizer": "sgd",
        "ast.kp": 0.1,
        "ast.ema_alpha": 0.1,
        "ast.training.lr": 0.1,
    }
    assert drawn == expected
    assert (config["method"]["name"], config["method"]["normalize"], config["method"]["kp"]) == ("ast", "ema", 0.1)
    assert config["training"]["weight_decay"] == pytest.approx(0.1 * 0.1 / 10)
    drawn, config = point_of(space, bases, {"method.name": "dense"}, {"training.batch_size": 64})
    assert drawn == {
        "method.name": "dense",
        "training.optimizer": "sgd",
        "dense.n_dropout_layers": 0,
        "dense.training.momentum": 0.5,
    }
    assert config["training"]["lr"] == 0.01  # that of ast's branch is not drawn here
    values = {"method.name": "dense", "training.optimizer": "adam", "dense.n_dropout_layers": 1}
    drawn, config = point_of(space, bases, values, {"training.batch_size": 64})
    assert [*drawn] == ["method.name", "training.optimizer", "dense.n_dropout_layers", "dense.p_dropout"]
    assert config["method"] == {"name": "dense", "n_dropout_layers": 1, "p_dropout": 0.1, "mc_samples": 0}


def test_targets_and_conditions_are_names_of_the_trial_config(tmp_path: Path) -> None:
    parameters = loaded(tmp_path).parameters
    assert parameters["ast.kp"].target == "method.kp"
    assert parameters["ast.kp"].when == {"method.name": "ast"}
    assert parameters["ast.training.lr"].target == "training.lr"
    when = {"method.name": "dense", "method.n_dropout_layers": {"above": 0}}
    assert parameters["dense.p_dropout"].when == when
    assert parameters["training.optimizer"].target == "training.optimizer"
    assert parameters["method.name"].ends == ("ast", "dense")


def test_a_condition_on_what_does_not_vary_looks_at_the_base_of_its_branch(tmp_path: Path) -> None:
    space = loaded(tmp_path, {"ast": None, "dense": CHOOSE["dense"]}, {"training.optimizer": {"choice": ["sgd"]}})
    bases = plain_bases(space)
    bases["dense"]["method"]["mc_samples"] = 5
    drawn, _ = point_of(space, bases, {"method.name": "dense"}, {})
    assert "dense.training.momentum" not in drawn


def test_factors_are_crossed_and_never_drawn(tmp_path: Path) -> None:
    shared = {**SHARED, "training.keep": {"factor": ["last", "best"]}}
    shared["training.nesterov"] = {"choice": [False], "when": {"training.batch_size": 32}}
    space = loaded(tmp_path, {"ast": None, "dense": None}, shared)
    assert cells(space) == [
        {"training.batch_size": 32, "training.keep": "last"},
        {"training.batch_size": 32, "training.keep": "best"},
        {"training.batch_size": 64, "training.keep": "last"},
        {"training.batch_size": 64, "training.keep": "best"},
    ]
    assert set(space.factors) == {"training.batch_size", "training.keep"}
    assert not set(space.parameters) & set(space.factors)
    bases = plain_bases(space)
    found = [point_of(space, bases, {}, cell) for cell in cells(space)]
    assert [config["training"]["batch_size"] for _, config in found] == [32, 32, 64, 64]
    assert [config["training"]["keep"] for _, config in found] == ["last", "best"] * 2
    assert ["training.nesterov" in drawn for drawn, _ in found] == [True, True, False, False]
    assert cells(load_space({}, folder=tmp_path, source="")) == [{}]


def test_a_whole_number_where_the_field_holds_one(tmp_path: Path) -> None:
    shared = {
        **SHARED,
        "training.early_stop_patience": {"derived": "training.epochs / 2"},  # null or whole
        "training.clip_grad_norm": {"derived": "training.epochs / 4"},  # null or a float
        "training.lr": {"derived": "training.epochs / 10"},
        "training.nesterov": {"derived": "training.optimizer == 'sgd' and training.momentum > 0"},
    }
    space = loaded(tmp_path, {"dense": None}, shared)
    assert list(space.determined) == [
        "training.epochs",
        "training.early_stop_patience",
        "training.clip_grad_norm",
        "training.lr",
        "training.nesterov",
    ]
    bases = plain_bases(space)
    cell = {"training.batch_size": 32}
    for optimizer in ("sgd", "adam"):
        drawn = {"method.name": "dense", "training.optimizer": optimizer}
        training = resolve_trial(configured(space, bases, drawn, cell), REGISTRIES).training
        assert (training.epochs, type(training.epochs)) == (20, int)
        assert (training.early_stop_patience, training.clip_grad_norm, training.lr) == (10, 5.0, 2.0)
        assert training.nesterov is (optimizer == "sgd")


def test_derived_entries_are_computed_in_the_order_of_what_they_need(tmp_path: Path) -> None:
    shared = {
        "training.weight_decay": {"derived": "training.lr / 10"},
        "training.lr": {"derived": "training.epochs / 100"},
        "training.epochs": {"int": [2, 4]},
    }
    space = load_space(shared, folder=tmp_path, source="here")
    assert list(space.rules) == ["training.epochs", "training.lr", "training.weight_decay"]
    bases = {"": resolve_trial({**TRIAL, "method": "dense"}, REGISTRIES).plain()}
    training = configured(space, bases, {"training.epochs": 4})["training"]
    assert (training["lr"], training["weight_decay"]) == (0.04, 0.004)


def test_one_field_may_have_several_ranges_that_exclude_each_other(tmp_path: Path) -> None:
    shared = {
        "training.optimizer": {"choice": ["sgd", "adam"]},
        "lr.sgd": {"float": [0.01, 1.0], "target": "training.lr", "when": {"training.optimizer": "sgd"}},
        "lr.adam": {"float": [1e-4, 1e-2], "target": "training.lr", "when": {"training.optimizer": ["adam"]}},
    }
    space = load_space(shared, folder=tmp_path, source="here")
    bases = {"": resolve_trial({**TRIAL, "method": "dense"}, REGISTRIES)}
    check_space(bases, space, REGISTRIES)
    params = {"training.optimizer": "adam", "lr.adam": 1e-3}
    assert configured(space, {"": bases[""].plain()}, params)["training"]["lr"] == 1e-3
    shared["lr.adam"]["when"] = {"training.optimizer": ["adam", "sgd"]}
    with pytest.raises(BadInput) as caught:
        load_space(shared, folder=tmp_path, source="here")
    assert str(caught.value) == "here: lr.adam: sets training.lr, as lr.sgd (here) does; remove one"


def test_pinned_names(tmp_path: Path) -> None:
    space = loaded(tmp_path).without({"training.optimizer", "method.kp"})
    assert {"training.optimizer", "ast.kp"}.isdisjoint(space.rules)
    assert "dense.n_dropout_layers" in space.parameters
    one = loaded(tmp_path, name="dense")
    assert list(one.parameters) == [
        "training.optimizer", "dense.n_dropout_layers", "dense.p_dropout", "dense.training.momentum"
    ]  # fmt: skip
    assert one.parameters["dense.n_dropout_layers"].when == {}
    bases = plain_bases(one, name="dense", mc_samples=0)
    assert list(bases) == [""]
    assert bases[""]["method"]["name"] == "dense"


def test_what_else_stands_in_the_section_counts_for_each_branch_that_has_it(tmp_path: Path) -> None:
    space = loaded(tmp_path, {"dense": None}, None)
    assert plain_bases(space, mc_samples=7)["dense"]["method"]["mc_samples"] == 7
    with pytest.raises(BadInput, match=r"^study.yaml: method.mc_sample: unknown key"):
        plain_bases(space, mc_sample=7)


def test_models_may_be_chosen_too(tmp_path: Path) -> None:
    folder = tmp_path
    models = {"choose": {"mlp": {"model.hidden": {"value": [4]}}, "lenet5": {"model.init": {"choice": ["xavier"]}}}}
    data = {"choose": {"tabular": {"data.set": {"value": "iris"}}, "digits": {"data.seed": {"int": [0, 3]}}}}
    both = [load_choice("model", models, folder, "s"), load_choice("data", data, folder, "s")]
    space = joined(load_space(None, folder=folder, source="s"), both)
    raw = {"method": "dense", "model": models, "data": data}
    with pytest.raises(BadInput):  # lenet5 wants images
        check_space(resolve_bases(raw, space, REGISTRIES), space, REGISTRIES)
    models["choose"].pop("lenet5")
    space = joined(load_space(None, folder=folder, source="s"), [load_choice("model", models, folder, "s"), both[1]])
    bases = resolve_bases(raw, space, REGISTRIES)
    check_space(bases, space, REGISTRIES)
    assert list(bases) == ["tabular/mlp", "digits/mlp"]
    params = {"model.name": "mlp", "data.name": "digits", "digits.seed": 3}
    config = configured(space, {branch: trial.plain() for branch, trial in bases.items()}, params)
    assert (config["model"]["hidden"], config["data"]["name"], config["data"]["seed"]) == ([4], "digits", 3)


LETTERS = tuple(f"a.{letter}" for letter in "bcd")
OTHERS = tuple(f"s.{letter}" for letter in "bcd")


@st.composite
def chosen_spaces(draw_: st.DrawFn) -> tuple[Raw, Raw]:
    """What all branches share, and two branches that set the same names and may ask for what is shared."""
    shared = draw_(written_spaces(OTHERS))
    own = [draw_(written_spaces(LETTERS, tuple(shared.items()))) for _ in range(2)]
    if shared and draw_(st.booleans()):
        name = draw_(st.sampled_from(sorted(shared)))
        if "factor" not in shared[name]:
            shared[name].setdefault("when", {})["method.name"] = draw_(st.sampled_from(["one", ["two"]]))
    return shared, dict(zip(("one", "two"), own, strict=True))


@given(chosen_spaces(), st.sampled_from(["choose", "factor"]))
def test_both_written_forms_read_back_as_the_same_space(written: tuple[Raw, Raw], word: str) -> None:
    shared, own = written
    nowhere = Path("/nowhere")
    branches = load_choice("method", {word: own}, nowhere, "s")
    space = joined(load_space(shared, folder=nowhere, source="s"), [branches])
    study = parse(dump(space.in_study()), source="")
    nested = joined(
        load_space(study["space"], folder=nowhere, source="s"), [load_choice("method", study["method"], nowhere, "s")]
    )
    whole = [nested]
    if not any(factor.when for factor in space.factors.values()):  # a branch's can stand in its branch only
        whole.append(load_space(parse(dump(space.plain()), source=""), folder=nowhere, source="s"))
    for again in whole:
        assert again.rules == space.rules
        assert list(again.rules) == list(space.rules)
        assert dump(again.plain()) == dump(space.plain())
    base = {**dict.fromkeys((*LETTERS, *OTHERS), 0), "a.fixed": 1, "one.name": "one", "two.name": "two"}
    branches = [point["method.name"] for point in corners(space, base)]
    assert set(branches) == {"one", "two"}
    for point in corners(space, base):
        cell = {name: point[each.target] for name, each in space.factors.items() if not exclusive(each.when, point)}
        here = within(space, cell)
        assert point["method.name"] in here.chosen["method"]
        drawn = draw(here, base, lambda name, p, point=point: point[p.target])[0]  # type: ignore[misc]
        other = {"one": "two.", "two": "one."}[point["method.name"]]
        assert not [name for name in drawn if name.startswith(other)]


def says(root: Path, choose: Any, shared: Any = None) -> str:
    with pytest.raises(BadInput) as caught:
        plain_bases(loaded(root, choose, shared))
    line = str(caught.value)
    assert "\n" not in line
    return line.replace(str(root / "search_spaces"), "search_spaces")


def test_refused(tmp_path: Path) -> None:
    wrong = write_space(tmp_path, "wrong", {"method.kpp": {"float": [0, 1]}}).name
    assert says(tmp_path, {}) == (
        "study.yaml: method.choose: found {}, allowed: a mapping from a name to its search space, or to null"
    )
    assert says(tmp_path, ["ast"]).startswith("study.yaml: method.choose: found ['ast'], allowed: a mapping")
    unknown = says(tmp_path, {"ast": "gain"})
    assert unknown.startswith("study.yaml: method.choose.ast: unknown search space 'gain'; did you mean 'gains'?")
    assert says(tmp_path, {"ats": None}).startswith(
        "study.yaml: method.name: unknown method 'ats'; did you mean 'ast'?"
    )
    start = f"search_spaces/{wrong}: method.kpp: unknown name 'method.kpp'; did you mean 'method.kp'?"
    assert says(tmp_path, {"ast": "wrong", "dense": None}).startswith(start)
    both = says(tmp_path, CHOOSE, {"training.lr": {"float": [0.1, 1.0]}})
    assert both == "study.yaml: ast.training.lr: sets training.lr, as training.lr (study.yaml) does; remove one"
    twice = says(tmp_path, {"dense": {"method.name": {"value": "ast"}}})
    assert twice == "study.yaml: method.name: method.name is dense here"
    foreign = says(tmp_path, {"ast": None, "dense": None}, {"method.kp": {"float": [0.1, 1]}})
    assert foreign.startswith("study.yaml: method.kp: unknown name 'method.kp'; did you mean 'method.name'? (allowed: ")
    assert foreign.endswith("method.p_dropout), where method.name is dense")
    branch = says(tmp_path, {"ast": None}, {"training.lr": {"value": 1.0, "when": {"method.name": "as"}}})
    assert branch == "study.yaml: training.lr.when.method.name: unknown value 'as'; did you mean 'ast'? (allowed: ast)"
    zero = says(tmp_path, {"dense": {"training.lr": {"derived": "1 / method.mc_samples"}}})
    assert zero.startswith(
        "study.yaml: training.lr.derived: division by zero at character 3 of '1 / method.mc_samples'"
    )
    limits = says(tmp_path, {"ast": None, "dense": {"method.p_dropout": {"float": [0.1, 1.5]}}})
    assert limits.startswith("study.yaml: method.p_dropout: found 1.5, allowed: ")


def test_a_shared_entry_may_be_for_the_branches_that_have_it(tmp_path: Path) -> None:
    kp = {"method.kp": {"float": [0.1, 1.0], "when": {"method.name": "ast"}}}
    space = loaded(tmp_path, {"ast": None, "dense": None}, kp)
    bases = plain_bases(space)
    assert [*point_of(space, bases, {"method.name": "ast"}, {})[0]] == ["method.name", "method.kp"]
    assert [*point_of(space, bases, {"method.name": "dense"}, {})[0]] == ["method.name"]


def test_ranges_may_exclude_each_other_by_bounds(tmp_path: Path) -> None:
    lr = {"float": [0.01, 1.0], "target": "training.lr"}
    batch = "training.batch_size"

    def with_bounds(small: Raw, large: Raw) -> Space:
        rules = {"small": {**lr, "when": {batch: small}}, "large": {**lr, "when": {batch: large}}}
        return load_space({batch: {"int": [8, 64]}, **rules}, folder=tmp_path, source="here")

    space = with_bounds({"below": 32}, {"at_least": 32})
    base = {"": resolve_trial({**TRIAL, "method": "dense"}, REGISTRIES).plain()}
    for size, name in ((31, "small"), (32, "large")):
        assert configured(space, base, {batch: size, name: 0.5})["training"]["lr"] == 0.5
    with pytest.raises(BadInput, match=r"large: sets training\.lr, as small"):
        with_bounds({"at_most": 32}, {"at_least": 32})
    assert with_bounds({"at_most": 32}, [33, 40]).rules
    with pytest.raises(BadInput, match=r"large: sets training\.lr, as small"):
        with_bounds({"at_most": 32}, [32, 40])


def test_branches_do_not_wait_for_each_other(tmp_path: Path) -> None:
    lr, momentum = {"float": [0.1, 0.2]}, {"float": [0.5, 0.9]}
    one = {"training.lr": lr, "training.momentum": {**momentum, "when": {"training.lr": {"above": 0.1}}}}
    two = {"training.momentum": momentum, "training.lr": {**lr, "when": {"training.momentum": {"above": 0.6}}}}
    space = loaded(tmp_path, {"ast": one, "dense": two}, None)
    order = ["method.name", "ast.training.lr", "ast.training.momentum", "dense.training.momentum", "dense.training.lr"]
    assert list(space.parameters) == order
    plain_bases(space)

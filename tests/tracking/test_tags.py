"""What runs are called and tagged with."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsetune.base.layout.text import short_names, value_text
from sparsetune.base.messages import Trial
from sparsetune.config.study.constraints import Constraint
from sparsetune.config.study.file import Objective
from sparsetune.config.study.front import best_rows
from sparsetune.tracking.present import end_tags, run_name, tags_of, winner_tags
from sparsetune.tracking.run_keys import RunKey
from sparsetune.tracking.subject import SINGLE, Subject

TWO = (Objective(metric="acc", goal="maximize"), Objective(metric="macs", goal="minimize"))


def row(number: int = 22, *, params: dict[str, Any] | None = None, seed: int | None = None, **metrics: float) -> Trial:
    values = tuple(metrics[each.metric] for each in TWO if each.metric in metrics)
    config = {"method": {"name": "ast"}, "data": {"name": "digits"}, "model": {"name": "mlp"}, "seed": seed or 0}
    return Trial(number, "COMPLETE", params or {}, config, metrics, values, seed=seed)


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"method.kp": 0.1, "method.ki": 0.0123}, "#22 kp 0.1 ki 0.012"),
        ({"method.kp": 0.104, "method.ki": 1.234e-5}, "#22 kp 0.1 ki 1.2e-05"),
        ({"training.optimizer": "sgd", "training.batch_size": 64}, "#22 optimizer sgd batch_size 64"),
        ({"method.name": "ast", "training.schedule.name": "cosine"}, "#22 method ast schedule cosine"),
        ({"model.dropout": 0.2, "method.dropout": 0.5}, "#22 model.dropout 0.2 method.dropout 0.5"),
        ({"drr.method.alpha": 2, "rl1.method.alpha": 3}, "#22 drr.method.alpha 2 rl1.method.alpha 3"),
        ({"training.nesterov": True, "model.hidden": [300, 100]}, "#22 nesterov True hidden [300, 100]"),
        ({"data.root": "/a/very/long/path/to/data"}, "#22 root /a/very/long/pa…"),
        ({}, "#22"),
    ],
)
def test_a_run_is_called_by_what_varies(params: dict[str, Any], name: str) -> None:
    assert run_name(row(params=params)) == name


def test_a_replicate_has_its_seed_and_a_long_name_says_how_much_is_left_out() -> None:
    assert run_name(row(params={"method.kp": 0.1}, seed=3)) == "#22 seed 3 kp 0.1"
    name = run_name(row(params={f"method.parameter_{index}": index / 10 for index in range(8)}))
    assert name == "#22 parameter_0 0 parameter_1 0.1 parameter_2 0.2 +5"


@given(st.dictionaries(st.text("abcé.|` ", min_size=1), st.floats() | st.text() | st.integers() | st.none()))
def test_names_are_short_whatever_varies(params: dict[str, Any]) -> None:
    name = run_name(row(params=params))
    assert name.startswith("#22")
    assert len(name) <= 60 + len(" +10")


@given(st.sets(st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(".".join), max_size=6))
def test_short_names_are_ends_of_the_names_and_all_different(names: set[str]) -> None:
    found = short_names(sorted(names))
    assert [name for name, _ in found] == sorted(names)
    assert all(name == short or name.endswith(f".{short}") for name, short in found)
    assert len({short for _, short in found}) == len(names)


def test_values_in_few_characters() -> None:
    assert [value_text(each) for each in (0.0894, 1.0, 100, "log", None)] == ["0.089", "1", "100", "log", "None"]


def test_what_a_run_is_tagged_with() -> None:
    study = Subject("s", TWO, source="studies/s.yaml")
    tags = tags_of(study, RunKey(22), row(params={"method.kp": 0.1}))
    assert tags["sparsetune.method"] == "ast"
    assert (tags["mlflow.source.name"], tags["mlflow.source.type"]) == ("studies/s.yaml", "LOCAL")
    assert "sparsetune.role" not in tags, "its place has that"
    alone = tags_of(SINGLE, RunKey(0), row())
    assert alone["sparsetune.role"] == "run"
    assert "mlflow.source.name" not in alone


def test_constraints_that_are_broken() -> None:
    asked = Subject("s", TWO, (Constraint(metric="acc", at_least=0.9), Constraint(metric="macs", at_most=10)))
    assert end_tags(asked, row(acc=0.8, macs=11)) == {"sparsetune.broken": "acc at least 0.9; macs at most 10"}
    assert end_tags(asked, row(acc=0.9, macs=11)) == {"sparsetune.broken": "macs at most 10"}
    assert end_tags(asked, row(acc=0.9)) == {}, "what a row does not have, it does not break"


def test_the_front_and_the_best_of_each_objective() -> None:
    rows = [row(0, acc=0.9, macs=50), row(1, acc=0.8, macs=10), row(2, acc=0.85, macs=20), row(3, acc=0.7, macs=90)]
    front = {"sparsetune.front": "true"}
    assert winner_tags(TWO, best_rows(rows, ["maximize", "minimize"])) == {
        RunKey(0): {**front, "sparsetune.best": "acc"},
        RunKey(1): {**front, "sparsetune.best": "macs"},
        RunKey(2): front,
    }
    both = winner_tags(TWO, best_rows(rows[:1], ["maximize", "minimize"]))
    assert both == {RunKey(0): {**front, "sparsetune.best": "acc, macs"}}

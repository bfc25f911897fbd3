"""A bad space: one clear line that names the file it was written in."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from .files import GONE, accepted, refused, space, write

KINDS = (
    "{float: [low, high]}, {int: [low, high]}, {choice: [...]}, {factor: [...]}, {value: ...} or {derived: expression}"
)
AST = (
    "(allowed: method.ema_alpha, method.entropy_weight, method.initial_threshold, method.integral_limit, method.ki, "
    "method.ki_warmup_epochs, method.kp, method.kp_warmup_epochs, method.min_active, method.name, method.normalize, "
    "method.target_activation)"
)
SECTIONS = "(allowed: data, method, metrics, model, seed, training)"


def floats(low: Any, high: Any, **options: Any) -> dict[str, Any]:
    return {"float": [low, high], **options}


ENTRIES: list[tuple[Any, str]] = [
    (floats(1.0, 0.1), ": found [1.0, 0.1], allowed: the lower end first"),
    (floats(1.0, 1.0), ": found [1.0, 1.0], allowed: the lower end first"),
    (floats(0.0, 0.1, log=True), ": found [0.0, 0.1] with log, allowed: a lower end above 0"),
    (floats(0.1, 1.0, log=True, step=0.1), ": found log and step, allowed: one of them"),
    (floats(0.1, 1.0, step=0), ": found step 0.0, allowed: above 0"),
    (
        floats(0.1, 1.0, step=0.4),
        ": found [0.1, 1.0] with step 0.4, allowed: an upper end that steps reach, such as 0.9",
    ),
    (floats(0.1, 1.0, step=4), ": found [0.1, 1.0] with step 4.0, allowed: an upper end that steps reach"),
    (floats(0.1, math.inf), ".float: found inf, allowed: a finite number"),
    (floats(math.nan, 1.0), ".float: found nan, allowed: a finite number"),
    (floats("a", 1), ".float: found 'a', allowed: a number"),
    (floats(False, True), ".float: found false, allowed: a number"),
    (floats(1, 2, lgo=True), ".lgo: unknown key 'lgo'; did you mean 'log'? (allowed: float, log, step, target, when)"),
    (floats(1, 2, log="yes"), ".log: found 'yes', allowed: true or false"),
    ({"float": [1, 2, 3]}, ".float: found [1, 2, 3], allowed: [low, high]"),
    ({"flot": [1, 2]}, f": found {{'flot': [1, 2]}}, allowed: {KINDS}"),
    ({"float": [1, 2], "int": [1, 2]}, f": found {{'float': [1, 2], 'int': [1, 2]}}, allowed: {KINDS}"),
    (3, f": found 3, allowed: {KINDS}"),
    ({"int": [1, 2.5]}, ".int: found 2.5, allowed: a whole number"),
    ({"int": [1, 5], "step": 0.5}, ".step: found 0.5, allowed: a whole number"),
    ({"choice": [1, 2], "log": True}, ".log: unknown key 'log' (allowed: choice, target, when)"),
    ({"choice": []}, ".choice: at least one value is wanted"),
    ({"choice": 3}, ".choice: found 3, allowed: a list of values"),
    ({"choice": [1, 1.0]}, ".choice: found 1 and 1.0, allowed: each value once"),
    ({"choice": [True, 1]}, ".choice: found true and 1, allowed: each value once"),
    ({"choice": [[1], [2]]}, ".choice: found [1], allowed: text, finite numbers, true, false and null"),
    ({"choice": [1.0, math.nan]}, ".choice: found nan, allowed: text, finite numbers, true, false and null"),
    (floats(0.1, 1, when="sgd"), ".when: found 'sgd', allowed: a mapping"),
    (floats(0.1, 1, when={"method.ki": []}), ".when.method.ki: found [], allowed: a value, or a list of values"),
    (
        floats(0.1, 1, when={"method.ki": {}}),
        ".when.method.ki: found {}, allowed: bounds (at_least, at_most, above, below)",
    ),
    (
        floats(0.1, 1, when={"method.ki": {"atleast": 0.5}}),
        ".when.method.ki: unknown bound 'atleast'; did you mean 'at_least'? (allowed: above, at_least, at_most, below)",
    ),
    (
        floats(0.1, 1, when={"method.ki": {"above": True}}),
        ".when.method.ki.above: found true, allowed: a finite number",
    ),
    (
        floats(0.1, 1, when={"method.ki": {"above": math.inf}}),
        ".when.method.ki.above: found inf, allowed: a finite number",
    ),
    (
        floats(0.1, 1, when={"method.ki": {"above": 0.5, "at_most": 0.5}}),
        ".when.method.ki: method.ki is never above 0.5 and at most 0.5",
    ),
    ({"factor": []}, ".factor: at least one value is wanted"),
    ({"factor": 3}, ".factor: found 3, allowed: a list of values"),
    ({"factor": [1, 1]}, ".factor: found 1 and 1, allowed: each value once"),
    (
        {"factor": [0.1, 0.2], "when": {"method.normalize": "ema"}},
        ".when: a factor has no condition: each of its values is crossed with all that is drawn",
    ),
    ({"factor": [1], "log": True}, ".log: unknown key 'log' (allowed: factor)"),
    ({"value": 1, "log": True}, ".log: unknown key 'log' (allowed: target, value, when)"),
    ({"value": 1, "derived": "2"}, f": found {{'value': 1, 'derived': '2'}}, allowed: {KINDS}"),
    ({"derived": 2}, ".derived: found 2, allowed: text (a number or a date needs quotes)"),
    ({"derived": "1 +"}, ".derived: unexpected end at character 4 of '1 +'"),
    (
        {"derived": "open('x')"},
        ".derived: unknown function 'open' (allowed: abs, ceil, exp, floor, log, log10, log2, "
        "max, min, round, sqrt) at character 1 of \"open('x')\"",
    ),
    (
        {"derived": "1 / method.ki_warmup_epochs"},
        ".derived: division by zero at character 3 of '1 / method.ki_warmup_epochs'",
    ),
    (
        {"derived": "method.normalize * 2"},
        ".derived: found 'log' where a number is wanted at character 18 of 'method.normalize * 2'",
    ),
    ({"derived": "'a'"}, ": found 'a', allowed: a number"),
    ({"derived": "method.kp * 2"}, ".derived: depends on itself: method.kp -> method.kp"),
    ({"derived": "method.kii"}, f".derived: unknown name 'method.kii'; did you mean 'method.ki'? {AST}"),
    ({"value": 1000}, ": found 1000, allowed: at most 100"),
]


@pytest.mark.parametrize(("entry", "line"), ENTRIES, ids=range(len(ENTRIES)))
def test_entries(entry: Any, line: str, tmp_path: Path) -> None:
    assert refused(write(tmp_path, space={"method.kp": entry})) == f"method.kp{line}"


NAMES: list[tuple[dict[str, Any], str]] = [
    ({"method.kpp": floats(0, 1)}, f"method.kpp: unknown name 'method.kpp'; did you mean 'method.kp'? {AST}"),
    ({"metod.kp": floats(0, 1)}, f"metod.kp: unknown section 'metod'; did you mean 'method'? {SECTIONS}"),
    ({"budget.trials": {"int": [1, 3]}}, f"budget.trials: unknown section 'budget' {SECTIONS}"),
    (
        {"method.kp": floats(0, 1, when={"method.normalise": "ema"})},
        f"method.kp.when: unknown name 'method.normalise'; did you mean 'method.normalize'? {AST}",
    ),
    (
        {"method.normalize": {"choice": ["ema", "log"]}, "method.kp": floats(0, 1, when={"method.normalize": "emma"})},
        "method.kp.when.method.normalize: unknown value 'emma'; did you mean 'ema'? (allowed: ema, log)",
    ),
    (
        {"method.ki": floats(0, 1, step=0.25), "method.kp": floats(0, 1, when={"method.ki": [0.25, 0.3]})},
        "method.kp.when.method.ki: found 0.3, allowed: values of float [0.0, 1.0]",
    ),
    (
        {"method.kp": floats(0, 1, when={"method.kp": 1})},
        "method.kp.when: depends on itself: method.kp -> method.kp",
    ),
    (
        {"method.kp": floats(0, 1, when={"method.ki": 1}), "method.ki": floats(0, 1, when={"method.kp": 1})},
        "method.kp.when: depends on itself: method.kp -> method.ki -> method.kp",
    ),
    (
        {"method.kp": {"derived": "method.ki * 2"}, "method.ki": {"derived": "method.kp / 2"}},
        "method.kp.derived: depends on itself: method.kp -> method.ki -> method.kp",
    ),
    (
        {"method.kp": floats(0, 1, when={"method.ki": {"above": 0.5}}), "method.ki": {"derived": "method.kp / 2"}},
        "method.kp.when: depends on itself: method.kp -> method.ki -> method.kp",
    ),
    (
        {"method.ki": floats(0.5, 0.9), "method.kp": floats(0, 1, when={"method.ki": {"above": 0.9}})},
        "method.kp.when.method.ki: method.ki is never above 0.9; it is float [0.5, 0.9]",
    ),
    (
        {"method.ki": {"factor": [0, "x"]}, "method.kp": floats(0, 1, when={"method.ki": {"below": 0}})},
        "method.kp.when.method.ki: method.ki is never below 0; it is 0 or 'x'",
    ),
    (
        {"method.ki": {"value": 0.5}, "method.kp": floats(0, 1, when={"method.ki": 0.6})},
        "method.kp.when.method.ki: found 0.6, allowed: 0.5",
    ),
    (
        {"gain": floats(0, 1, target="method.kpp")},
        f"gain.target: unknown name 'method.kpp'; did you mean 'method.kp'? {AST}",
    ),
    (
        {"training.epochs": {"value": 3}},
        "training.epochs: written here and set by the space of this file; remove one",
    ),
    (
        {"method.name": {"choice": ["ast"]}},
        "method.name: written here and varied by the space of this file; remove one",
    ),
    (
        {"training.schedule.name": {"choice": ["constant", "cosine"]}},
        "training.schedule.name: written here and varied by the space of this file; remove one",
    ),
]


@pytest.mark.parametrize(("written", "line"), NAMES, ids=range(len(NAMES)))
def test_names_and_conditions(written: dict[str, Any], line: str, tmp_path: Path) -> None:
    assert refused(write(tmp_path, space=written, training={"epochs": 2, "schedule": "cosine"})) == line


LIMITS: list[tuple[dict[str, Any], str]] = [
    ({"method.target_activation": floats(0.1, 1.5)}, "method.target_activation: found 1.5, allowed: at most 1"),
    (
        {"method.target_activation": floats(0.01, 0.9)},
        "method.target_activation: found 0.01, allowed: above 0.015625, the share of a batch of 64 that min_active "
        "0.01562 keeps active",
    ),
    (
        {"method.min_active": {"int": [1, 30]}},
        "method.target_activation: found 0.25, allowed: above 0.46875, the share of a batch of 64 that min_active 30 "
        "keeps active (at method.min_active=30)",
    ),
    (
        {"training.optimizer": {"choice": ["sgd", "adm"]}},
        "training.optimizer: found 'adm', allowed: 'sgd', 'adam' or 'adamw'",
    ),
    ({"training.batch_size": floats(1, 3)}, "training.batch_size: found 1.0, allowed: a whole number"),
    (
        {"training.momentum": floats(0.5, 1, when={"training.keep": "last"})},
        "training.momentum: found 1.0, allowed: below 1",
    ),
    (
        {
            "training.batch_size": {"int": [8, 64]},
            "training.momentum": floats(0.5, 1, when={"training.batch_size": 32}),
        },
        "training.momentum: found 1.0, allowed: below 1",
    ),
    (
        {
            "training.batch_size": {"int": [8, 64]},
            "training.momentum": floats(0.5, 1, when={"training.batch_size": {"above": 30, "below": 40}}),
        },
        "training.momentum: found 1.0, allowed: below 1",
    ),
    ({"training.batch_size": {"factor": [32, 0.5]}}, "training.batch_size: found 0.5, allowed: a whole number"),
    (
        {
            "training.batch_size": {"factor": [32, 64]},
            "training.momentum": floats(0.5, 1, when={"training.batch_size": 64}),
        },
        "training.momentum: found 1.0, allowed: below 1",
    ),
    (
        {"training.batch_size": {"int": [8, 64]}, "training.warmup_epochs": {"derived": "60 - training.batch_size"}},
        "training.warmup_epochs: found -4, allowed: at least 0",
    ),
]


@pytest.mark.parametrize(("written", "line"), LIMITS, ids=range(len(LIMITS)))
def test_every_end_of_a_range_is_within_the_fields_limits(written: dict[str, Any], line: str, tmp_path: Path) -> None:
    assert refused(write(tmp_path, space=written)) == line


def test_each_end_is_tried_however_many_parameters_there_are(tmp_path: Path) -> None:
    names = ("kp", "ki", "entropy_weight", "integral_limit", "initial_threshold")
    more = ("lr", "momentum", "weight_decay", "max_minutes")
    wide: dict[str, Any] = {"method.target_activation": floats(0.1, 1.5)}
    wide |= {f"method.{name}": floats(0.1, 0.9) for name in names}
    wide |= {f"training.{name}": floats(0.1, 0.9) for name in more}
    wide |= {"training.batch_size": {"int": [32, 64]}, "training.device": {"choice": ["auto", "cpu"]}}
    wide |= {"training.dtype": {"choice": ["float32", "float64"]}, "training.keep": {"choice": ["last", "best"]}}
    assert len(wide) == 14  # 2^14 corners: more than are tried
    assert refused(write(tmp_path, space=wide)) == "method.target_activation: found 1.5, allowed: at most 1"


def test_written_and_varied(tmp_path: Path) -> None:
    other = space(tmp_path, "gains", {"method.kp": floats(0.1, 1)})
    file = write(tmp_path, space="gains", method={"name": "ast", "kp": 0.1})
    assert refused(file) == f"method.kp: written here and varied by {other}; remove one"


def test_space_files(tmp_path: Path) -> None:
    space(tmp_path, "ast_pi", {"method.kp": floats(0.1, 1)})
    names = "(allowed: ast_pi, broken, loop, round, wrong)"
    loop = space(tmp_path, "loop", {"include": "loop"})
    around = space(tmp_path, "round", {"include": ["ast_pi", "wrong"]})
    wrong = space(tmp_path, "wrong", {"include": "round"})
    broken = space(tmp_path, "broken", {"include": "ats_pi"})

    def says(named: Any) -> str:
        return refused(write(tmp_path, space=named))

    assert says("ast_po") == f"space: unknown search space 'ast_po'; did you mean 'ast_pi'? {names}"
    assert says(["ast_pi", 3]) == "space: found 3, allowed: a name, a list of names, or a mapping"
    assert says("broken") == f"{broken}: include: unknown search space 'ats_pi'; did you mean 'ast_pi'? {names}"
    assert says("loop") == f"{loop}: include: includes itself: {loop} -> {loop}"
    assert says("round") == f"{wrong}: include: includes itself: {around} -> {wrong} -> {around}"


def test_errors_name_the_space_file(tmp_path: Path) -> None:
    bad = space(tmp_path, "bad", {"method.kp": floats(2, 1), "method.kpp": floats(0, 1)})
    assert refused(write(tmp_path, space="bad")).startswith(f"{bad}: method.kp: found [2.0, 1.0]")
    bad = space(tmp_path, "bad", {"method.kpp": floats(0, 1)})
    assert refused(write(tmp_path, space="bad")).startswith(f"{bad}: method.kpp: unknown name")
    bad = space(tmp_path, "bad", {"training.epochs": {"int": [0, 3]}})
    line = refused(write(tmp_path, space=["bad"], training=GONE))
    assert line == f"{bad}: training.epochs: found 0, allowed: at least 1"


def test_what_is_written_later_or_nearer_wins(tmp_path: Path) -> None:
    space(tmp_path, "base", {"method.kp": floats(0.1, 0.2), "method.ki": floats(0.1, 0.2)})
    space(tmp_path, "near", {"include": "base", "method.kp": floats(0.3, 0.4)})
    study = accepted(tmp_path, space="near")
    assert study.space.plain() == {"method.kp": floats(0.3, 0.4), "method.ki": floats(0.1, 0.2)}
    assert study.space.sources["method.kp"].endswith("near.yaml")
    study = accepted(tmp_path, space=["near", "base", {"method.ki": floats(0.5, 0.6)}])
    assert study.space.plain() == {"method.kp": floats(0.1, 0.2), "method.ki": floats(0.5, 0.6)}
